//! Settles how this boot of the machine is called: pids and start times of another one mean nothing.

/// The kernel's name for this boot; empty where it has none.
pub(crate) fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}
