//! Settles which login a person gets: `given.family` in plain letters, with a number when another has it already.

use std::collections::HashMap;

use super::people::Name;

/// Leaves room for the number within the 40 characters that a login may have.
const LONGEST_BASE: usize = 34;

/// The logins given so far.
#[derive(Debug, Default)]
pub(super) struct Logins {
    bearers: HashMap<String, u32>,
}

impl Logins {
    /// A login that nobody has yet: `lea.martin`, then `lea.martin2`.
    pub(super) fn next(&mut self, name: &Name) -> String {
        let mut base = format!("{}.{}", plain(name.given), plain(name.family));
        base.truncate(LONGEST_BASE);
        let bearers = self.bearers.entry(base.clone()).or_insert(0);
        *bearers += 1;
        if *bearers == 1 { base } else { format!("{base}{bearers}") }
    }
}

/// Lowercase ASCII letters and hyphens: accents are dropped, spaces and apostrophes become hyphens.
fn plain(name: &str) -> String {
    name.to_lowercase().chars().filter_map(plain_letter).collect()
}

fn plain_letter(letter: char) -> Option<char> {
    match letter {
        'a'..='z' => Some(letter),
        'à' | 'â' | 'ä' | 'ã' | 'á' => Some('a'),
        'é' | 'è' | 'ê' | 'ë' => Some('e'),
        'î' | 'ï' | 'í' => Some('i'),
        'ô' | 'ö' | 'ó' | 'õ' => Some('o'),
        'ù' | 'û' | 'ü' | 'ú' => Some('u'),
        'ÿ' => Some('y'),
        'ç' => Some('c'),
        'ñ' => Some('n'),
        ' ' | '-' | '\'' => Some('-'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::names::{BOYS, FAMILIES, GIRLS, MEN, WOMEN};

    #[test]
    fn every_letter_of_every_name_has_a_plain_one() {
        for name in [BOYS, FAMILIES, GIRLS, MEN, WOMEN].concat() {
            assert_eq!(plain(name).chars().count(), name.chars().count(), "{name}");
        }
    }

    #[test]
    fn accents_go_and_spaces_become_hyphens() {
        assert_eq!(plain("El Idrissi"), "el-idrissi");
        assert_eq!(plain("Anaïs"), "anais");
    }
}
