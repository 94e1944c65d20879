//! Settles which texts count as written alike: letters in one shape, any number as one zero, and nothing else.
//!
//! Compatibility forms (NFKC), marks and accents, case and look-alikes of other scripts are folded letter by letter;
//! spaces, punctuation and characters that nobody sees are left out, so that a text with its letters spaced out or
//! broken by zero-width characters is the text without. What changes from copy to copy of a template, a room, an hour,
//! a date, is mostly digits.

use decancer::Translation;
use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// Characters that are looked at: a subject and a body of the greatest length. What comes after is not.
const MOST_CHARACTERS: usize = 20_200;

/// A text as it counts when texts are compared: lower-case letters, and `0` for each run of digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NormalText(String);

impl NormalText {
    /// Work and length are bounded for any input.
    pub fn of(text: &str) -> Self {
        let mut folded =
            Folded { text: String::with_capacity(text.len().min(MOST_CHARACTERS)), characters: 0 };
        for character in text.chars().take(MOST_CHARACTERS) {
            // Per character and not over the text: a thousand marks on one letter cost no sorting, and are dropped.
            decompose_compatible(character, |part| folded.take(part));
        }
        Self(folded.text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

struct Folded {
    text: String,
    characters: usize,
}

impl Folded {
    fn take(&mut self, part: char) {
        if is_combining_mark(part) {
            return;
        }
        match decancer::cure_char!(part) {
            Translation::Character(letter) => self.push(letter),
            Translation::String(letters) => letters.chars().for_each(|letter| self.push(letter)),
            Translation::None => {}
        }
    }

    fn push(&mut self, character: char) {
        if self.characters >= MOST_CHARACTERS {
            return;
        }
        if character.is_alphabetic() {
            self.text.extend(character.to_lowercase());
            self.characters += 1;
        } else if character.is_numeric() && !self.text.ends_with('0') {
            self.text.push('0');
            self.characters += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn normal(text: &str) -> String {
        NormalText::of(text).0
    }

    #[test]
    fn texts_that_count_as_alike() {
        let plain = "lecoursestdeplaceensalle0a0h0";
        let table = [
            "Le cours est déplacé en salle 12 à 10 h 30.",
            "LE COURS EST DÉPLACÉ EN SALLE 204, A 9h05 !",
            "Le cours est de\u{301}place\u{301} en salle 12 a\u{300} 10 h 30.",
            "L e  c o u r s  e s t  d é p l a c é  en salle 12 à 10 h 30",
            "L.e c-o-u-r-s est / d_é_p_l_a_c_é / en salle 12 à 10 h 30",
            "Le\u{200b} co\u{200d}urs\u{feff} est dé\u{ad}placé\u{2060} en salle\u{fe0f} 12 à 10 h 30",
            "Lе соurs еst dерlасé еn sаllе 12 à 10 h 30",
            "Ｌｅ ｃｏｕｒｓ est déplacé en salle １２ à 10 h 30",
            "𝐋𝐞 𝒄𝒐𝒖𝒓𝒔 𝓮𝓼𝓽 𝕕é𝕡𝕝𝕒𝕔é en salle ①② à 10 h 30",
            "L\u{336}e\u{336} cours est déplacé en salle 12 à 10 h 30",
            "Le cours est déplacé \u{1f6b2} en « salle » 12 à 10 h 30…",
        ];
        for text in table {
            assert_eq!(normal(text), plain, "{text}");
        }
        assert_eq!(normal("Cœur, ŒUVRE, Ægide, ﬁn"), "coeuroeuvreaegidefin");
    }

    #[test]
    fn nothing_remains_of_what_has_no_letters() {
        for text in [
            "",
            " \r\n\t",
            "\u{200b}\u{200d}\u{ad}\u{2060}",
            "\u{1f6b2}?!…",
            "\u{3164}\u{115f}\u{ffa0}\u{2800}",
        ] {
            assert_eq!(normal(text), "", "{text:?}");
        }
    }

    #[test]
    fn other_scripts_keep_their_letters() {
        assert_eq!(normal("会 在 8 点"), "会在0点");
        assert_ne!(normal("اجتماع الآباء"), "");
    }

    #[test]
    fn length_and_work_are_bounded() {
        // One character that stands for eighteen.
        let longest = "\u{fdfa}".repeat(MOST_CHARACTERS);
        assert!(normal(&longest).chars().count() <= MOST_CHARACTERS);
        let marks = format!("a{}b", "\u{301}".repeat(MOST_CHARACTERS - 1));
        assert_eq!(normal(&marks), "a", "the last letter is beyond what is looked at");
    }

    #[test]
    fn every_character_is_its_own_normal_text_once_folded() {
        for character in '\0'..=char::MAX {
            let once = normal(character.encode_utf8(&mut [0; 4]));
            assert_eq!(normal(&once), once, "{character:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_normal_text_is_its_own_normal_text(text in any::<String>()) {
            let once = normal(&text);
            prop_assert_eq!(normal(&once), once);
        }

        #[test]
        fn what_nobody_sees_changes_nothing(
            words in prop::collection::vec("[a-z]{1,8}", 1..20),
            unseen in "[\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}\u{ad} .,-]{1,3}",
        ) {
            prop_assert_eq!(normal(&words.join(&unseen)), words.concat());
        }
    }
}
