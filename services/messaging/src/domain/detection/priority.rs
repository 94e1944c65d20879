//! Settles which held messages a reviewer sees first: those with a phrase of the installation's own list. A phrase alone holds nothing.
//!
//! No list comes with the software. Keywords alone let most disguised texts pass and flag history lessons and safety drills:
//! here they only choose an order.

use super::normalise::NormalText;

/// Fewer letters are in too many texts to say anything.
const FEWEST_LETTERS: usize = 8;

/// In which order held messages are reviewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Before all others.
    First,
    /// By the time they were sent.
    InTurn,
}

/// Looks for the phrases, however the text is spaced or disguised. Shorter phrases than eight letters are not looked for.
pub fn priority(text: &NormalText, phrases: &[NormalText]) -> Priority {
    let is_told = |phrase: &&NormalText| phrase.as_str().chars().count() >= FEWEST_LETTERS;
    let mut told = phrases.iter().filter(is_told);
    if told.any(|phrase| text.as_str().contains(phrase.as_str())) {
        Priority::First
    } else {
        Priority::InTurn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_found_in_any_dress_and_short_ones_are_ignored() {
        let phrases = ["Perroquet échappé", "oiseau", ""].map(NormalText::of);
        let table = [
            ("Le p e r r o q u e t est échappé ? PERRO\u{200b}QUET ÉCHAPPÉ !", Priority::First),
            ("Un perroquet s'est échappé.", Priority::InTurn),
            ("Un oiseau.", Priority::InTurn),
            ("", Priority::InTurn),
        ];
        for (text, expected) in table {
            assert_eq!(priority(&NormalText::of(text), &phrases), expected, "{text}");
        }
        assert_eq!(priority(&NormalText::of("Un perroquet échappé"), &[]), Priority::InTurn);
    }
}
