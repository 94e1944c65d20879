//! Settles how processes are started, told apart, measured and ended.

mod identity;
mod launch;
mod memory;
mod port_holder;
mod run;
mod stop;

pub(crate) use identity::{Identity, boot_id};
pub(crate) use launch::{Launch, RunAs};
pub(crate) use memory::pss_bytes;
pub(crate) use port_holder::port_holder;
pub(crate) use run::{attached, capture, captured};
pub(crate) use stop::{StopPlan, wait_until_gone};
