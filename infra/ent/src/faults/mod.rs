//! Settles how the running backend is broken on purpose, and that everything broken is mended again.
//!
//! One child of the supervisor, the fault keeper, makes and ends every fault. It mends what it broke when the time is up,
//! when it is asked to end, and, as any child, when the supervisor dies. Should it die itself, the next one mends first.

mod act;
mod client;
mod journal;
mod keeper;
mod paths;
mod processes;
pub(crate) mod slow_disk;
mod socket;

pub(crate) use act::{Act, Fault, Reply, Request};
pub(crate) use client::{active, ask, mend_all};
pub(crate) use keeper::{launch, run};
pub(crate) use paths::{Path, canonical, ports};
pub(crate) use socket::is_listening;

/// The fault keeper's name among the processes.
pub(crate) const KEEPER: &str = "fault-keeper";
