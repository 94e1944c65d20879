//! Settles how counts name a node: `redis:host:port`, a name that lasts as long as the counts, which is for ever.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::attribution::CLUSTER;

/// Nodes with a name of their own; those of a cluster that keeps changing its addresses are counted together after that.
const MOST_NAMES: usize = 64;

/// The names given so far.
#[derive(Default)]
pub(super) struct Names(Mutex<BTreeMap<Arc<str>, &'static str>>);

impl Names {
    /// The name of the node at an address: always the same one.
    pub(super) fn name(&self, address: &Arc<str>) -> &'static str {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(name) = names.get(address) {
            return name;
        }
        if names.len() >= MOST_NAMES {
            return CLUSTER;
        }
        let name: &'static str = format!("{CLUSTER}:{address}").leak();
        names.insert(address.clone(), name);
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_name_and_names_are_bounded() {
        let names = Names::default();
        let name = |number: usize| names.name(&format!("10.0.0.1:{number}").into());
        assert_eq!(name(0), "redis:10.0.0.1:0");
        assert!(std::ptr::eq(name(0), name(0)));
        assert_eq!((0..MOST_NAMES + 9).filter(|number| name(*number) == CLUSTER).count(), 9);
        assert_eq!(name(0), "redis:10.0.0.1:0");
    }
}
