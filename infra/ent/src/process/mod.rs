//! Settles how processes are started, told apart, measured and ended.

mod boot;
mod launch;
mod memory;
mod port_holder;
mod run;
mod stop;

pub(crate) use boot::boot_id;
pub(crate) use launch::{Launch, RunAs};
pub(crate) use memory::pss_bytes;
pub(crate) use port_holder::port_holder;
pub(crate) use run::{attached, capture, captured};
pub(crate) use shared::fault::Identity;
pub(crate) use stop::{StopPlan, wait_until_gone};
