//! Settles what this machine offers: programs, users, memory, disk, and how missing programs get here.

mod inspect;
mod install;
mod programs;
mod resources;
mod user;
mod version;

pub(crate) use inspect::findings;
pub(crate) use install::{ensure, install_command, install_packages, is_debian};
pub(crate) use programs::{Engines, Need, find_on_path};
pub(crate) use resources::{available_memory_bytes, free_disk_bytes};
pub(crate) use user::server_user;
pub(crate) use version::Version;
