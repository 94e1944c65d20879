//! Settles which instance of a sibling is asked: each in turn, those last that did not take a connection just now.
//!
//! What Envoy calls outlier ejection, in its smallest form: one refused connection puts an instance behind the others
//! for a second. Where all are behind, they take turns as if none were, so that a sibling that is back is found at once.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use url::Url;

/// How long an instance that took no connection comes last.
const BEHIND_MS: u64 = 1_000;

/// The instances of one sibling.
pub(super) struct Instances {
    all: Vec<Instance>,
    next: AtomicUsize,
}

/// One internal address.
pub(super) struct Instance {
    base: Url,
    behind_until_ms: AtomicU64,
}

impl Instances {
    pub(super) fn new(addresses: &[Url]) -> Self {
        let instance = |base: &Url| Instance { base: base.clone(), behind_until_ms: AtomicU64::new(0) };
        Self { all: addresses.iter().map(instance).collect(), next: AtomicUsize::new(0) }
    }

    /// The instance to ask, and the one to ask if it takes no connection.
    pub(super) fn choose(&self, now_ms: u64) -> (Option<&Instance>, Option<&Instance>) {
        let first = self.next.fetch_add(1, Ordering::Relaxed) % self.all.len().max(1);
        let in_turn = || self.all.iter().cycle().skip(first).take(self.all.len());
        let is_behind = |instance: &&Instance| instance.behind_until_ms.load(Ordering::Relaxed) > now_ms;
        let mut order = in_turn().filter(|instance| !is_behind(instance)).chain(in_turn().filter(is_behind));
        (order.next(), order.next())
    }
}

impl Instance {
    /// The address of `path` (with query) there.
    pub(super) fn url(&self, path: &str) -> Result<Url, url::ParseError> {
        self.base.join(path)
    }

    /// It took no connection.
    pub(super) fn put_behind(&self, now_ms: u64) {
        self.behind_until_ms.store(now_ms.saturating_add(BEHIND_MS), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(instances: &Instances, now_ms: u64) -> Vec<(u16, u16)> {
        let port =
            |instance: Option<&Instance>| instance.and_then(|instance| instance.base.port()).unwrap_or(0);
        let choices = (0..3).map(|_| instances.choose(now_ms));
        choices.map(|(first, second)| (port(first), port(second))).collect()
    }

    fn instances(ports: &[u16]) -> Instances {
        let urls: Vec<Url> =
            ports.iter().map(|port| format!("http://127.0.0.1:{port}").parse().unwrap()).collect();
        Instances::new(&urls)
    }

    #[test]
    fn each_is_asked_in_turn_and_the_next_one_instead() {
        assert_eq!(ports(&instances(&[1, 2, 3]), 0), [(1, 2), (2, 3), (3, 1)]);
        assert_eq!(ports(&instances(&[1]), 0), [(1, 0); 3]);
    }

    #[test]
    fn one_that_took_no_connection_comes_last_for_a_second() {
        let instances = instances(&[1, 2, 3]);
        instances.all[1].put_behind(0);
        assert_eq!(ports(&instances, 999), [(1, 3), (3, 1), (3, 1)]);
        assert_eq!(ports(&instances, 1_000), [(1, 2), (2, 3), (3, 1)]);
        instances.all.iter().for_each(|instance| instance.put_behind(2_000));
        assert_eq!(ports(&instances, 2_500), [(1, 2), (2, 3), (3, 1)]);
    }
}
