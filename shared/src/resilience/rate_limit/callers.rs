//! Settles whose counts are kept: those who asked last, never more than a given number, found by one look into one of several tables.
//!
//! Each table has two halves, as young and old space of a collector. Who asks is moved to the young half; when that is full, the
//! old half is forgotten and the young one becomes old. So nobody is forgotten before half of the table's room has been
//! taken by others who asked since, and forgetting costs nothing while requests are counted.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::sync::{Mutex, PoisonError};

use governor::nanos::Nanos;
use governor::state::StateStore;

/// Tables, each behind a lock of its own, so that threads seldom meet. A power of two.
const TABLES: usize = 16;

/// What governor knows of each caller: the time at which its burst will be whole again.
pub(super) struct Callers<K> {
    tables: [Mutex<Table<K>>; TABLES],
    hasher: RandomState,
    /// Callers in one half of one table.
    most_in_half: usize,
}

struct Table<K> {
    young: HashMap<K, Nanos>,
    old: HashMap<K, Nanos>,
}

impl<K: Hash + Eq + Clone> Callers<K> {
    /// Never more than `most`, and at least one in each half.
    pub(super) fn new(most: u64) -> Self {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let table = |_| Mutex::new(Table { young: HashMap::new(), old: HashMap::new() });
        Self {
            tables: std::array::from_fn(table),
            hasher: RandomState::new(),
            most_in_half: (most / TABLES / 2).max(1),
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "any bits of the hash will do")]
    fn table_of(&self, caller: &K) -> Option<&Mutex<Table<K>>> {
        self.tables.get(self.hasher.hash_one(caller) as usize % TABLES)
    }
}

impl<K: Hash + Eq + Clone> StateStore for Callers<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, caller: &K, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let Some(table) = self.table_of(caller) else { return measure(None).map(|(outcome, _)| outcome) };
        let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(whole_at) = table.young.get_mut(caller) {
            let (outcome, then) = measure(Some(*whole_at))?;
            *whole_at = then;
            return Ok(outcome);
        }
        let known = table.old.remove(caller);
        let measured = measure(known);
        // Who is refused is not forgotten for it.
        let whole_at = measured.as_ref().map_or(known, |(_, then)| Some(*then));
        if let Some(whole_at) = whole_at {
            table.insert(caller.clone(), whole_at, self.most_in_half);
        }
        measured.map(|(outcome, _)| outcome)
    }
}

impl<K: Hash + Eq> Table<K> {
    fn insert(&mut self, caller: K, whole_at: Nanos, most_in_half: usize) {
        if self.young.len() >= most_in_half {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young.insert(caller, whole_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn remembered(callers: &Callers<u32>) -> usize {
        let count = |table: &Mutex<Table<u32>>| {
            let table = table.lock().unwrap();
            table.young.len() + table.old.len()
        };
        callers.tables.iter().map(count).sum()
    }

    /// Lets a caller pass and returns what was known of it.
    fn ask(callers: &Callers<u32>, caller: u32) -> Option<Nanos> {
        let outcome: Result<_, ()> =
            callers.measure_and_replace(&caller, |known| Ok((known, Nanos::new(u64::from(caller)))));
        outcome.unwrap()
    }

    proptest! {
        #[test]
        fn never_more_are_remembered_than_the_bound_and_nobody_is_taken_for_another(
            asking in prop::collection::vec(0_u32..400, 1..2_000),
        ) {
            let callers = Callers::new(160);
            for caller in asking {
                let known = ask(&callers, caller);
                prop_assert!(known.is_none_or(|known| known.as_u64() == u64::from(caller)));
                prop_assert!(remembered(&callers) <= 160);
                prop_assert_eq!(ask(&callers, caller), Some(Nanos::new(u64::from(caller))));
            }
        }
    }

    #[test]
    fn who_goes_on_asking_is_remembered_whoever_else_comes() {
        let callers = Callers::new(160);
        ask(&callers, 7);
        for stranger in 1_000..5_000 {
            ask(&callers, stranger);
            assert!(ask(&callers, 7).is_some(), "forgotten after {stranger}");
        }
    }

    #[test]
    fn who_is_refused_stays_refused_while_strangers_come() {
        let callers = Callers::new(160);
        ask(&callers, 7);
        for stranger in 1_000..5_000 {
            ask(&callers, stranger);
            let refused: Result<(), Option<Nanos>> = callers.measure_and_replace(&7, Err);
            assert_eq!(refused, Err(Some(Nanos::new(7))), "forgotten after {stranger}");
        }
    }
}
