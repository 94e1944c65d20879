//! Settles how much memory a process costs: its proportional share, shared pages divided among their users.

use std::fs;

use super::Identity;

/// The sum of Pss of a process and all that descend from it, in bytes; none when the kernel does not let us look.
pub(crate) fn pss_bytes(process: Identity) -> Option<u64> {
    let shares: Vec<u64> = process.family().into_iter().filter_map(own_share).collect();
    (!shares.is_empty()).then(|| shares.iter().sum())
}

fn own_share(process: Identity) -> Option<u64> {
    parse_pss(&fs::read_to_string(format!("/proc/{}/smaps_rollup", process.pid)).ok()?)
}

fn parse_pss(rollup: &str) -> Option<u64> {
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pss_is_read_in_bytes() {
        let rollup = "55d-7ff ---p 00000000 00:00 0 [rollup]\nRss:   900 kB\nPss:                 512 kB\nPss_Anon: 1 kB\n";
        assert_eq!(parse_pss(rollup), Some(512 * 1024));
    }

    #[test]
    fn this_process_costs_something() {
        assert!(pss_bytes(Identity::of_self()).unwrap() > 100_000);
    }
}
