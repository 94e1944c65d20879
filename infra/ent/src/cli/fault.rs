//! Settles the options and words of `cargo ent fault`.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

/// Targets and examples, as `fault --help` tells them.
pub(super) const TARGETS: &str = "Targets:
  processes  as `cargo ent status` names them: postgres, redis-17001, auth-1, haproxy
             redis-primary: the first primary of the cluster; primary-of:KEY: the owner of this key's slot
  paths      'auth->postgres', 'messaging->courses' (quote them, or write auth:postgres); only with `up --faults`
  a disk     postgres; only with `up --faults`

Examples:
  cargo ent fault stop redis-primary --for 10s
  cargo ent fault slow 'auth->postgres' --latency-ms 200 --jitter-ms 50 --for 1m
  cargo ent fault black-hole messaging:courses --for 30s
  cargo ent fault slow-disk postgres --fsync-ms 200 --for 10s
  cargo ent fault clear

Every act is a line of `.ent/logs/faults.log`. A fault ends after --for, with `fault clear`, and with `down`, even if the
command that made it is long gone.";

/// Options of `fault`.
#[derive(Debug, Args)]
pub(crate) struct Fault {
    /// What to break, or to mend.
    #[command(subcommand)]
    pub(crate) act: FaultAct,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum FaultAct {
    /// Pause a process (SIGSTOP): it keeps its connections and answers nobody
    Stop(Lasting),
    /// Let a paused process go on (SIGCONT)
    Cont(Target),
    /// Kill a process (SIGKILL); it is started again as after any crash
    Kill(Target),
    /// Make a path late or narrow
    Slow(Slow),
    /// Take and keep a path's connections, and pass nothing
    BlackHole(Lasting),
    /// Reset a path's connections, the open ones and those that come
    Reset(Lasting),
    /// Reset a path's connections and do not listen any more
    Refuse(Lasting),
    /// Make PostgreSQL's disk slow
    SlowDisk(SlowDisk),
    /// End the faults of a target, or all of them
    Clear(Clear),
    /// Show what is broken now, and which paths there are
    List(List),
}

/// A target.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// Whom it happens to
    pub(crate) target: String,
}

/// A target, and for how long.
#[derive(Debug, Args)]
pub(crate) struct Lasting {
    /// Whom it happens to
    pub(crate) target: String,
    /// After which time it ends by itself: 500ms, 10s, 2m. Without it: with `fault clear`
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub(crate) lasts: Option<Duration>,
}

/// Options of `fault slow`.
#[derive(Debug, Args)]
pub(crate) struct Slow {
    /// Target and time.
    #[command(flatten)]
    pub(crate) lasting: Lasting,
    /// How late every byte is
    #[arg(long, default_value_t = 0, required_unless_present = "bytes_per_second")]
    pub(crate) latency_ms: u32,
    /// Up to how much later than that, at random
    #[arg(long, default_value_t = 0)]
    pub(crate) jitter_ms: u32,
    /// The most bytes that pass in a second, each direction for itself
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) bytes_per_second: Option<u32>,
    /// Which way
    #[arg(long, default_value = "both")]
    pub(crate) direction: Way,
}

/// Options of `fault slow-disk`.
#[derive(Debug, Args)]
pub(crate) struct SlowDisk {
    /// Whose disk
    #[arg(default_value = "postgres")]
    pub(crate) target: String,
    /// How late each sync is (fsync, fdatasync): a commit waits for one
    #[arg(long, default_value_t = 0, required_unless_present = "read_ms", value_name = "MS")]
    #[arg(value_parser = clap::value_parser!(u32).range(..=60_000))]
    pub(crate) fsync_ms: u32,
    /// How late each read of a page is that is not in PostgreSQL's memory
    #[arg(long, default_value_t = 0, value_name = "MS")]
    #[arg(value_parser = clap::value_parser!(u32).range(..=60_000))]
    pub(crate) read_ms: u32,
    /// After which time it ends by itself: 500ms, 10s, 2m. Without it: with `fault clear`
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub(crate) lasts: Option<Duration>,
}

/// Which way a slow path is slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Way {
    /// Both ways; a question and its answer are late twice
    Both,
    /// Only what the client says
    ToServer,
    /// Only what the server says
    ToClient,
}

/// Options of `fault clear`.
#[derive(Debug, Args)]
pub(crate) struct Clear {
    /// Whose faults; all without it
    pub(crate) target: Option<String>,
}

/// Options of `fault list`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// For programs
    #[arg(long)]
    pub(crate) json: bool,
}

/// `500ms`, `10s`, `2m`.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| "write it as 500ms, 10s or 2m".to_owned())?;
    let milliseconds = match text.strip_prefix(digits) {
        Some("ms") => Some(number),
        Some("s") => number.checked_mul(1_000),
        Some("m") => number.checked_mul(60_000),
        Some(_) | None => None,
    };
    let found = milliseconds.filter(|found| (1..=86_400_000).contains(found));
    found.map(Duration::from_millis).ok_or_else(|| "write it as 500ms, 10s or 2m, at most 1440m".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::Cli;
    use super::*;

    #[test]
    fn durations_have_a_unit_and_a_bound() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("2m"), Ok(Duration::from_mins(2)));
        for wrong in ["10", "s", "", "0s", "10h", "-1s", "1441m", "99999999999999999999s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_slow_path_says_how_slow() {
        let parses = |rest: &[&str]| {
            let words = ["ent", "fault", "slow", "auth->postgres"].iter().chain(rest);
            Cli::try_parse_from(words).is_ok()
        };
        assert!(!parses(&[]));
        assert!(parses(&["--latency-ms", "200", "--for", "10s"]));
        assert!(parses(&["--bytes-per-second", "1000", "--direction", "to-client"]));
        assert!(!parses(&["--bytes-per-second", "0"]));
    }

    #[test]
    fn a_slow_disk_says_how_slow() {
        let parses = |rest: &[&str]| {
            let words = ["ent", "fault", "slow-disk"].iter().chain(rest);
            Cli::try_parse_from(words).is_ok()
        };
        assert!(!parses(&["postgres"]));
        assert!(parses(&["postgres", "--fsync-ms", "200", "--read-ms", "50", "--for", "10s"]));
        assert!(parses(&["--read-ms", "50"]));
        assert!(!parses(&["--fsync-ms", "60001"]));
    }

    #[test]
    fn a_kill_does_not_last() {
        assert!(Cli::try_parse_from(["ent", "fault", "kill", "auth-1", "--for", "10s"]).is_err());
        assert!(Cli::try_parse_from(["ent", "fault", "black-hole", "auth:postgres"]).is_ok());
    }
}
