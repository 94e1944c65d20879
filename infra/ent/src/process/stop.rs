//! Settles how processes are ended: asked first, forced after a limit, and verified.

use std::time::Duration;

use rustix::process::Signal;

use super::Identity;
use crate::clock;

/// How one process is asked to end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StopPlan {
    /// The polite signal.
    pub(crate) signal: Signal,
    /// How long it may take before it is killed.
    pub(crate) limit: Duration,
}

/// Waits until none of these runs any more; returns those that still do at the limit.
pub(crate) fn wait_until_gone(
    processes: &[Identity],
    limit: Duration,
    is_over: impl Fn() -> bool,
) -> Vec<Identity> {
    let began = clock::now();
    loop {
        let left: Vec<Identity> = processes.iter().copied().filter(|process| process.is_alive()).collect();
        if left.is_empty() || began.elapsed() > limit || is_over() {
            return left;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
