//! Settles how alike two texts are: the estimated share of their 4-grams that both have.
//!
//! Minima of hashes (Broder, "On the resemblance and containment of documents", 1997) over the character 4-grams of the normal
//! text: 128 positions, of each minimum its 16 low bits (Li and König, "b-bit minwise hashing", 2010: at 16 bits the
//! chance matches are 1 in 65,536 and are not corrected for). The estimate's standard error is at most
//! `sqrt(0.25 / 128)`, 0.044. Candidates are found by equality of a band, 4 positions under one hash: with 32 bands a pair of
//! resemblance `s` shares one with `1 - (1 - s^4)^32`: 0.87 at 0.5, 0.998 at 0.65, 0.012 at 0.14.

use super::normalise::NormalText;

/// Length of a stored signature in bytes.
pub const SIGNATURE_BYTES: usize = 2 * POSITIONS;
/// Bands of a fingerprint.
pub const BANDS: usize = 32;

const POSITIONS: usize = 128;
const BAND_WIDTH: usize = POSITIONS / BANDS;
const GRAM: usize = 4;
/// A text with fewer different 4-grams has no fingerprint: greetings and thanks are alike in every school. About forty letters.
const FEWEST_GRAMS: usize = 36;
/// From how many equal positions texts are similar: a resemblance of 0.5.
const SIMILAR_FROM: usize = POSITIONS / 2;
/// Part of every hash. Another way of normalising or hashing takes the next number, so that old and new never meet in a band.
const VERSION: u64 = 1;
const MULTIPLIERS: [u64; POSITIONS] = constants(0, 1);
const ADDENDS: [u64; POSITIONS] = constants(1, 0);

/// What is kept of a text to compare it with others. It does not give the text back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint([u16; POSITIONS]);

impl Fingerprint {
    /// None for a text too short to be told from others: of it only behaviour speaks.
    pub fn of(text: &NormalText) -> Option<Self> {
        let grams = grams(text.as_str());
        if grams.len() < FEWEST_GRAMS {
            return None;
        }
        let mut minima = [u32::MAX; POSITIONS];
        for gram in grams {
            let functions = MULTIPLIERS.iter().zip(&ADDENDS);
            for (minimum, (multiplier, addend)) in minima.iter_mut().zip(functions) {
                *minimum = (*minimum).min(high_half(gram.wrapping_mul(*multiplier).wrapping_add(*addend)));
            }
        }
        Some(Self(minima.map(low_half)))
    }

    /// As stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|position| position.to_le_bytes()).collect()
    }

    /// From what was stored; none for anything of another length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (positions, rest) = bytes.as_chunks::<2>();
        let positions: Vec<u16> = positions.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
        rest.is_empty().then_some(Self(positions.try_into().ok()?))
    }

    /// Values to look candidates up by: those that share none are not compared.
    pub fn bands(&self) -> [i32; BANDS] {
        let (bands, _) = self.0.as_chunks::<BAND_WIDTH>();
        let mut values = [0; BANDS];
        for ((value, band), number) in values.iter_mut().zip(bands).zip(0_u64..) {
            let seed = mix(VERSION << 32 | number);
            let hash = band.iter().fold(seed, |hash, position| mix(hash ^ u64::from(*position)));
            *value = high_half(hash).cast_signed();
        }
        values
    }

    /// Estimated share of 4-grams that both texts have, of those that either has.
    pub fn resemblance(&self, other: &Self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "at most 128")]
        let share = self.equal_positions(other) as f64 / POSITIONS as f64;
        share
    }

    /// Whether the estimate is 0.5 or more.
    pub fn is_similar(&self, other: &Self) -> bool {
        self.equal_positions(other) >= SIMILAR_FROM
    }

    fn equal_positions(&self, other: &Self) -> usize {
        self.0.iter().zip(&other.0).filter(|(one, other)| one == other).count()
    }
}

/// Hashes of the different 4-grams.
fn grams(text: &str) -> Vec<u64> {
    let characters: Vec<u64> = text.chars().map(u64::from).collect();
    let gram = |window: &[u64]| window.iter().fold(VERSION, |hash, character| mix(hash ^ character));
    let mut grams: Vec<u64> = characters.windows(GRAM).map(gram).collect();
    grams.sort_unstable();
    grams.dedup();
    grams
}

/// Finaliser of `SplitMix64` (Steele, Lea and Flood, 2014), after its increment.
pub(super) const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[expect(
    clippy::indexing_slicing,
    reason = "checked when it is compiled: the index is below the array's length"
)]
const fn constants(stream: u64, set_bits: u64) -> [u64; POSITIONS] {
    let mut constants = [0; POSITIONS];
    let mut at = 0;
    while at < POSITIONS {
        constants[at] = mix(mix(stream) ^ at as u64) | set_bits;
        at += 1;
    }
    constants
}

/// The upper bits: those of a product that depend on all bits of its factors.
const fn high_half(value: u64) -> u32 {
    (value >> 32) as u32
}

#[expect(clippy::cast_possible_truncation, reason = "the upper bits of a minimum are nearly always zero")]
fn low_half(minimum: u32) -> u16 {
    minimum as u16
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    const NOTICE: &str =
        "Le perroquet du CDI s'est échappé : ouvrez les fenêtres de la salle 12 à 10 h et sifflez doucement.";

    fn of(text: &str) -> Option<Fingerprint> {
        Fingerprint::of(&NormalText::of(text))
    }

    fn exact(one: &str, other: &str) -> f64 {
        let set = |text: &str| grams(NormalText::of(text).as_str()).into_iter().collect::<HashSet<u64>>();
        let (one, other) = (set(one), set(other));
        let count = |grams: usize| f64::from(u32::try_from(grams).unwrap());
        count(one.intersection(&other).count()) / count(one.union(&other).count())
    }

    #[test]
    fn variants_of_a_template_are_similar_and_other_texts_are_not() {
        let template = of(NOTICE).unwrap();
        let table = [
            (
                "Le perroquet du CDI s'est échappé : ouvrez les fenêtres de la salle 204 à 7 h 50 et sifflez doucement.",
                true,
            ),
            (
                "L E  P E R R O Q U E T  du CDI s'est échappé : ouvrez les fenêtres de la salle 3 à 10 h et sifflez doucement",
                true,
            ),
            (
                "Collège des Tilleuls. Le perroquet du CDI s'est échappé, ouvrez les fenêtres de la salle 12 à 10 h et sifflez.",
                true,
            ),
            (
                "L'oiseau de la bibliothèque n'est plus dans sa cage, merci d'aérer vos classes et de l'appeler calmement.",
                false,
            ),
            (
                "Bonjour, ma fille est malade et ne viendra pas ce matin. Merci de noter son absence. Cordialement.",
                false,
            ),
        ];
        for (text, expected) in table {
            let other = of(text).unwrap();
            assert_eq!(template.is_similar(&other), expected, "{} {text}", template.resemblance(&other));
        }
    }

    #[test]
    fn short_texts_have_no_fingerprint() {
        for text in ["", "ok", "Bonjour Madame, merci beaucoup !", "Oui, à demain.", &"ha".repeat(500)] {
            assert_eq!(of(text), None, "{text}");
        }
        assert!(of("Bonjour Madame, est-ce que le contrôle est bien jeudi ?").is_some());
    }

    #[test]
    fn stored_signatures_come_back_and_anything_else_does_not() {
        let fingerprint = of(NOTICE).unwrap();
        let bytes = fingerprint.to_bytes();
        assert_eq!(bytes.len(), SIGNATURE_BYTES);
        assert_eq!(Fingerprint::from_bytes(&bytes), Some(fingerprint));
        for wrong in [&bytes[1..], &bytes[2..], &[], &[bytes.as_slice(), &[0]].concat()] {
            assert_eq!(Fingerprint::from_bytes(wrong), None);
        }
    }

    /// What is stored has to mean the same after an update: whoever changes this takes the next `VERSION`.
    #[test]
    fn the_fingerprint_of_a_text_stays_what_it_is() {
        let fingerprint = of(NOTICE).unwrap();
        let positions: Vec<u16> = fingerprint.0.iter().take(6).copied().collect();
        let bands: Vec<i32> = fingerprint.bands().into_iter().take(3).collect();
        assert_eq!(positions, [55290, 16555, 17097, 50879, 57458, 43430]);
        assert_eq!(bands, [-472_952_042, -1_495_780_940, -724_683_914]);
    }

    /// Pairs of all resemblances: words of which some are exchanged.
    fn pair() -> impl Strategy<Value = (String, String)> {
        let word = "[a-z]{3,9}";
        let words = prop::collection::vec((word, word, any::<u8>()), 20..120);
        (words, any::<u8>()).prop_map(|(words, share)| {
            let one: Vec<&str> = words.iter().map(|(word, _, _)| word.as_str()).collect();
            let exchange = |(word, other, dice): &(String, String, u8)| {
                if *dice < share { other.clone() } else { word.clone() }
            };
            (one.join(" "), words.iter().map(exchange).collect::<Vec<String>>().join(" "))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        /// Five standard errors: one in 1.7 million where the estimate is what it is said to be.
        #[test]
        fn the_estimate_is_near_the_exact_resemblance((one, other) in pair()) {
            let estimate = of(&one).unwrap().resemblance(&of(&other).unwrap());
            prop_assert!((estimate - exact(&one, &other)).abs() < 5.0 * 0.0442, "{} {}", estimate, exact(&one, &other));
        }

        #[test]
        fn texts_of_one_normal_form_have_one_fingerprint(words in prop::collection::vec("[a-zéèà]{1,9}", 0..60)) {
            let plain = words.join(" ");
            prop_assert_eq!(of(&plain), of(&plain.to_uppercase()));
            prop_assert_eq!(of(&plain), of(&words.join("\u{200b}. ")));
        }
    }

    #[test]
    fn bands_find_similar_texts_and_leave_others_alone() {
        let word =
            |number: u64| mix(number).to_le_bytes().map(|byte| char::from(b'a' + byte % 26)).iter().collect();
        let text = |first: u64| (first..first + 30).map(word).collect::<Vec<String>>().join(" ");
        let texts: Vec<String> = (0..200).map(|number: u64| text(number * 1_000)).collect();
        let fingerprints: Vec<Fingerprint> = texts.iter().map(|text| of(text).unwrap()).collect();
        let shares = |one: &Fingerprint, other: &Fingerprint| {
            let bands: HashSet<i32> = one.bands().into_iter().collect();
            other.bands().iter().any(|band| bands.contains(band))
        };
        let strangers = fingerprints.windows(2).filter(|pair| shares(&pair[0], &pair[1])).count();
        assert!(strangers < 20, "{strangers} of 199");
        let found = texts.iter().zip(&fingerprints).filter(|(text, fingerprint)| {
            let variant = of(&text.replacen(' ', " quai ", 3)).unwrap();
            shares(fingerprint, &variant) && fingerprint.is_similar(&variant)
        });
        assert_eq!(found.count(), texts.len());
    }
}
