//! Settles how a program's version is read from what it prints.

use std::fmt;

/// Major and minor version: all that requirements are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    /// The first number.
    pub(crate) major: u32,
    /// The second number; 0 where there is none.
    pub(crate) minor: u32,
}

impl Version {
    /// A version to compare with.
    pub(crate) const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// The first version in a program's `--version` output.
    pub(crate) fn parse(output: &str) -> Option<Self> {
        output.split_ascii_whitespace().find_map(parse_word)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)
    }
}

fn parse_word(word: &str) -> Option<Version> {
    let word = word.strip_prefix("v=").or_else(|| word.strip_prefix('v')).unwrap_or(word);
    let mut numbers = word.split('.');
    let major = leading_number(numbers.next()?)?;
    let minor = numbers.next().and_then(leading_number).unwrap_or(0);
    Some(Version { major, minor })
}

/// The digits at the beginning: `16beta1` is version 16.
fn leading_number(text: &str) -> Option<u32> {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_outputs_are_understood() {
        let cases = [
            ("postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)", Version::new(15, 20)),
            ("postgres (PostgreSQL) 18beta2", Version::new(18, 0)),
            ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", Version::new(7, 0)),
            ("Valkey server v=8.1.1 sha=00000000:0", Version::new(8, 1)),
            ("HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/", Version::new(2, 6)),
            ("k6 v1.1.0 (commit/devel, go1.24)", Version::new(1, 1)),
            ("cargo-nextest 0.9.143 (60fa45f63 2026-08-04)", Version::new(0, 9)),
            ("Python 3.11.2", Version::new(3, 11)),
        ];
        for (output, version) in cases {
            assert_eq!(Version::parse(output), Some(version), "{output}");
        }
        assert_eq!(Version::parse("no version here"), None);
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(Version::new(2, 10) > Version::new(2, 6));
    }
}
