//! Settles whether a password is known, without a network: an xor filter over SHA-1 prefixes, which never misses a listed one.
//!
//! One in 65,536 others is taken for known (16-bit fingerprints; Graf and Lemire, "Xor Filters", 2020) and has to be chosen
//! anew. SHA-1 because public corpora are lists of it; nothing here rests on its strength.

mod file;
mod patterns;

use std::sync::{Arc, OnceLock};

use sha1::{Digest, Sha1};
use xorf::{Filter, Xor16};

pub use file::{build, read};

/// Known passwords: the obvious ones that come with the software, and an operator's list.
#[derive(Clone)]
pub struct BreachFilter {
    built_in: Arc<OnceLock<Xor16>>,
    list: Option<Arc<Xor16>>,
}

impl BreachFilter {
    /// The obvious ones.
    pub fn built_in() -> Self {
        Self { built_in: Arc::default(), list: None }
    }

    /// And another list.
    #[must_use]
    pub fn with(self, list: Xor16) -> Self {
        Self { list: Some(Arc::new(list)), ..self }
    }

    /// Begins to make the list of obvious ones, which takes a moment; whoever asks before waits for it.
    pub fn prepare(&self) -> std::io::Result<()> {
        let filter = self.clone();
        std::thread::Builder::new().name("breach-filter".to_owned()).spawn(move || {
            filter.obvious();
        })?;
        Ok(())
    }

    /// Whether a password is listed.
    pub fn contains(&self, password: &str) -> bool {
        let key = key(password);
        self.obvious().contains(&key) || self.list.as_ref().is_some_and(|list| list.contains(&key))
    }

    fn obvious(&self) -> &Xor16 {
        self.built_in.get_or_init(|| {
            let mut keys: Vec<u64> = patterns::all().map(|password| key(&password)).collect();
            keys.sort_unstable();
            keys.dedup();
            Xor16::from(&keys)
        })
    }
}

/// The first eight bytes of the SHA-1.
fn key(password: &str) -> u64 {
    let digest = Sha1::digest(password.as_bytes());
    digest.iter().take(8).fold(0, |key, byte| key << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_found_and_hardly_anything_else() {
        let filter = BreachFilter::built_in();
        assert!(patterns::all().count() > 100_000);
        assert!(patterns::all().step_by(97).all(|password| filter.contains(&password)));
        let others =
            (0..100_000).filter(|number| filter.contains(&format!("tiroir-{number}-agrafe"))).count();
        assert!(others < 12, "{others} of 100,000");
    }
}
