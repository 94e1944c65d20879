//! Settles the codes that administrators print: 60 random bits in twelve letters, good once, until they expire.

use rand::Rng;
use shared::ids;

use super::sealed::SealingKey;

/// Crockford's base 32: no letter that is taken for another.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 12;
const GROUP: usize = 4;

/// What a code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The first password of an account.
    Activation,
    /// Another password.
    Reset,
    /// An authenticator, the first or another.
    Authenticator,
}

impl Purpose {
    /// The name in tables and in the audit log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Activation => "activation",
            Self::Reset => "reset",
            Self::Authenticator => "authenticator",
        }
    }
}

/// A code as it is typed, with its letters made equal.
pub struct Code(String);

impl Code {
    /// A new code.
    pub fn new() -> Self {
        let mut random = ids::random();
        let letter =
            |_| LETTERS.get(random.random_range(0..LETTERS.len())).map_or('0', |byte| char::from(*byte));
        Self((0..LENGTH).map(letter).collect())
    }

    /// What somebody typed: case, blanks and dashes do not matter, O is 0, I and L are 1.
    pub fn parse(typed: &str) -> Option<Self> {
        let letters = typed.chars().filter(|letter| !matches!(letter, ' ' | '-')).map(|letter| match letter
            .to_ascii_uppercase()
        {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        });
        let code: String = letters.collect();
        let is_known = |byte: u8| LETTERS.contains(&byte);
        (code.len() == LENGTH && code.bytes().all(is_known)).then_some(Self(code))
    }

    /// As it is printed: `7KQ2-M0XA-9TRC`.
    pub fn print(&self) -> String {
        let letters: Vec<char> = self.0.chars().collect();
        letters.chunks(GROUP).map(|group| group.iter().collect()).collect::<Vec<String>>().join("-")
    }

    /// As it is stored. With 60 random bits a keyed hash needs no slow one behind it.
    pub fn stored(&self, key: &SealingKey) -> String {
        key.name(&[b"code:", self.0.as_bytes()].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_code_is_read_however_it_is_typed() {
        let code = Code::new();
        let printed = code.print();
        assert_eq!(printed.len(), 14);
        for typed in
            [printed.to_lowercase(), printed.replace('-', " "), printed.replace('0', "o").replace('1', "l")]
        {
            assert_eq!(Code::parse(&typed).unwrap().0, code.0, "{typed}");
        }
        for bad in ["", "7KQ2-M0XA", "7KQ2-M0XA-9TRU", "7KQ2-M0XA-9TRé"] {
            assert!(Code::parse(bad).is_none(), "{bad}");
        }
        assert_ne!(Code::new().0, Code::new().0);
    }
}
