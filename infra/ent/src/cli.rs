//! Settles the commands of `cargo ent`, their options and their words.

mod evidence;
mod fault;
mod incident;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::ports::MAX_INSTANCES;
use crate::region::Scale;

pub(crate) use evidence::{Bundle, Evidence, EvidenceAct};
pub(crate) use fault::{Fault, FaultAct, Lasting, Slow, Way};
pub(crate) use incident::Incident;

/// Exit codes, as `--help` tells them.
const EXIT_CODES: &str = "Exit codes:
  0    done
  1    something failed or is missing on this machine, and the message says what
  2    the command line is wrong
  3    the backend has to be running for this, and is not
  130  stopped by Ctrl-C or SIGTERM
  `test` ends with the code of the tests (100: a test failed), `prove` with 1 when an aim was
  missed and with 4 when the load generator or the machine was not fit to judge, `bench` with 1 when an aim was missed.

Everything private to this installation (data, logs, keys, certificates) lies under `.ent/` in the checkout.";

/// Starts, tests and examines the ENT backend on this machine: real engines, nothing else to install by hand.
#[derive(Debug, Parser)]
#[command(name = "cargo ent", bin_name = "cargo ent", version, after_long_help = EXIT_CODES)]
#[command(after_help = "`cargo ent --help` also explains the exit codes.")]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the backend: engines, services, front door, demo people
    ///
    /// Builds the services, starts PostgreSQL, a Redis Cluster and HAProxy as private child processes, migrates, loads
    /// demo people and waits until all is ready. Stays in the foreground (Ctrl-C ends everything) unless --detach is
    /// given. Where the backend runs already it says so and changes nothing.
    #[command(after_help = "Example: cargo ent up --detach --wait")]
    Up(Up),
    /// Stop everything that `up` started; data stay
    Down,
    /// Show processes, addresses and demo accounts
    Status(Status),
    /// Show logs: of everything, of a service (auth), an instance (auth-1) or an engine (postgres, redis, haproxy, ent)
    Logs(Logs),
    /// Restart instances one after the other, so that nobody who uses them notices; after a build, upgrade them
    ///
    /// Each finishes what it has accepted, ends, is started again from the program that lies there now, and is waited for until
    /// the front door reaches it; migrations are run first. Refuses while an instance is not ready.
    #[command(
        after_help = "Examples:\n  cargo ent restart\n  cargo ent restart messaging      # after a build, upgrades it\n  cargo ent restart auth-2"
    )]
    Restart(Restart),
    /// Load a region of invented schools into the running backend
    Seed(Seed),
    /// Run every test on private test engines
    ///
    /// Starts PostgreSQL and a Redis Cluster for tests only, runs `cargo nextest run --workspace` and, without a
    /// filter, the documentation tests, and stops the engines whatever happens. Tests find the engines through
    /// `ENT_TEST_POSTGRES` (host=… port=… user=… password=…) and `ENT_TEST_REDIS`
    /// (redis://:PASSWORD@HOST:PORT,HOST:PORT,… : one password, then every node, separated by commas).
    #[command(
        after_help = "Examples:\n  cargo ent test\n  cargo ent test outage\n  cargo ent test -- -p auth --no-capture"
    )]
    Test(Test),
    /// Prove a behaviour under load, against aims
    #[command(after_help = "Examples:\n  cargo ent prove smoke\n  cargo ent prove shard-loss --runs 1\n  \
                      cargo ent prove shard-loss --without breakers      # has to end red\n  \
                      cargo ent prove rolling-restart\n  cargo ent prove april-6\n  cargo ent prove april-6 --without waiting-room      # has to end red")]
    Prove(Prove),
    /// Measure what parts of the backend cost, beside peers or limits measured in the same run
    ///
    /// Builds the benchmarks (release) and runs them on this machine. Each prints its figure, the peer's, the ratio and the
    /// aim; `docs/performance.md` says how to read them. Ratios mean something on a busy machine, single figures do not.
    #[command(after_help = "Example: cargo ent bench breaker --json")]
    Bench(Bench),
    /// Break something of the running backend on purpose, and mend it
    #[command(after_help = fault::TARGETS)]
    Fault(Fault),
    /// Act in an incident from a terminal: close sending, contain accounts, keep a timeline, export evidence
    #[command(after_help = incident::EXAMPLES)]
    Incident(Incident),
    /// Make keys for evidence, and check, read and open a bundle: offline, with a file and a key
    #[command(after_help = evidence::EXAMPLES)]
    Evidence(Evidence),
    /// Print the current one-time code of a demo account
    Totp(Totp),
    /// Say what is missing on this machine and how to get it
    Doctor,
    /// Write the generated files: each service's openapi.json
    Generate(Generate),
    /// The background half of `up --detach`
    #[command(hide = true)]
    Supervise,
    /// The keeper of faults, a child of the supervisor
    #[command(hide = true)]
    FaultKeeper(FaultKeeper),
    /// The generator of `seed`, in a process of its own
    #[command(hide = true)]
    GenerateRegion(GenerateRegion),
    /// What the containers of `infra/compose.yaml` do that run once before the services
    #[command(hide = true, subcommand)]
    Container(ContainerStep),
}

/// Options of `up`.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the flags of a command line are independent of each other"
)]
pub(crate) struct Up {
    /// Run in the background
    #[arg(long)]
    pub(crate) detach: bool,
    /// With --detach: return when all is ready, or when the start has failed
    #[arg(long, requires = "detach")]
    pub(crate) wait: bool,
    /// How many demo people: small (2 schools, about 1,500 people) or region (120 schools, 100,000 accounts). Without
    /// it: what is loaded already, else small
    #[arg(long)]
    pub(crate) scale: Option<Scale>,
    /// Instances of each service
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_INSTANCES)))]
    pub(crate) instances: u16,
    /// Send traces, metrics and logs to this OTLP/HTTP endpoint, such as <http://127.0.0.1:4318>
    #[arg(long, value_name = "URL")]
    pub(crate) otlp: Option<String>,
    /// Put proxies in the path of PostgreSQL and of calls between services, for `cargo ent fault`
    #[arg(long)]
    pub(crate) faults: bool,
    /// Only engines and front door, for work on `ent` itself
    #[arg(long, hide = true)]
    pub(crate) only_engines: bool,
}

/// Options of `status`.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// For programs: addresses, processes and demo accounts as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `logs`.
#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// Whose logs; all without it
    pub(crate) service: Option<String>,
    /// Go on with new lines as they come, until Ctrl-C
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Lines of each log to begin with
    #[arg(long, short = 'n', default_value_t = 40)]
    pub(crate) lines: usize,
}

/// Options of `restart`.
#[derive(Debug, Args)]
pub(crate) struct Restart {
    /// Services (auth) or instances (auth-2); all of them without it
    #[arg(value_name = "SERVICE|INSTANCE")]
    pub(crate) names: Vec<String>,
}

/// Options of `seed`.
#[derive(Debug, Args)]
pub(crate) struct Seed {
    /// small (2 schools, about 1,500 people) or region (120 schools, 100,000 accounts)
    #[arg(long, default_value = "small")]
    pub(crate) scale: Scale,
    /// The same number gives the same people
    #[arg(long = "seed", value_name = "N", default_value_t = crate::supervisor::DEFAULT_SEED)]
    pub(crate) number: u64,
    /// Replace the people and everything they have written
    #[arg(long)]
    pub(crate) replace: bool,
}

/// Options of `generate-region`.
#[derive(Debug, Args)]
pub(crate) struct GenerateRegion {
    /// How much
    #[arg(long)]
    pub(crate) scale: Scale,
    /// Which one
    #[arg(long)]
    pub(crate) seed: u64,
    /// The folder to fill, which exists and is empty
    pub(crate) folder: std::path::PathBuf,
}

/// Options of `fault-keeper`.
#[derive(Debug, Args)]
pub(crate) struct FaultKeeper {
    /// Instances of each service
    #[arg(long)]
    pub(crate) instances: u16,
    /// Open the proxies
    #[arg(long)]
    pub(crate) paths: bool,
}

/// Steps of a start in containers.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum ContainerStep {
    /// Make secrets, keys, certificates and settings, and give each container its own
    Init,
    /// Make six Valkey nodes into one cluster
    Cluster,
    /// Make roles and databases, and bring them to their newest shape
    Migrate,
    /// Load the demo data of a new installation
    Seed,
    /// Wait until the services have learned from each other
    Projections,
}

/// Options of `test`.
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Names of tests, or after `--` any arguments of `cargo nextest run`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) filter: Vec<String>,
}

/// Options of `prove`.
#[derive(Debug, Args)]
pub(crate) struct Prove {
    /// Which proof
    pub(crate) scenario: Scenario,
    /// april-6, surge: how patient people are, ci (3 minutes, as without it) or laptop (10 minutes); compromised-account: ci for
    /// one campaign of each family, else 20
    #[arg(long)]
    pub(crate) profile: Option<Profile>,
    /// shard-loss: how often a primary is stopped, and how often one is killed
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(crate) runs: u16,
    /// compromised-account: how many campaigns are replayed, whatever the profile
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(crate) seeds: Option<u16>,
    /// Parts of the kit to do without, such as `waiting-room`; the report says so. Without it: `ENT_ABLATE`
    #[arg(long, value_name = "PARTS")]
    pub(crate) without: Option<String>,
    /// One JSON document on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// The proofs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// The journey of every role for 20 s, with k6
    Smoke,
    /// Redis primaries stopped and killed under load: the others notice nothing, and the shard is back soon
    ShardLoss,
    /// The morning of 6 April 2021: everybody signs in within minutes, and an attack comes on top
    #[value(name = "april-6")]
    April6,
    /// Ten times as many people as can sign in, until thousands wait: nobody is lost, overtaken or told an untruth
    Surge,
    /// The night of March 2024, on data of its own: hijacked accounts write to schools, and an operator stops them
    CompromisedAccount,
    /// Every instance restarted under load, one after the other: nobody loses a request or a message
    RollingRestart,
}

/// How long a proof takes its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// Ten minutes: people give up after 3
    Ci,
    /// People give up after 10 minutes
    Laptop,
}

impl Profile {
    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ci => "ci",
            Self::Laptop => "laptop",
        }
    }

    /// After how many seconds people give up.
    pub(crate) fn patience_s(self) -> u32 {
        match self {
            Self::Ci => 180,
            Self::Laptop => 600,
        }
    }
}

/// Options of `bench`.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Which benchmark; all without it
    pub(crate) name: Option<String>,
    /// For programs: one JSON document on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `totp`.
#[derive(Debug, Args)]
pub(crate) struct Totp {
    /// The login, as `cargo ent status` prints it
    pub(crate) account: String,
}

/// Options of `generate`.
#[derive(Debug, Args)]
pub(crate) struct Generate {
    /// Write nothing; exit with 1 and name the files that are not current
    #[arg(long)]
    pub(crate) check: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn instances_are_bounded_and_wait_needs_detach() {
        assert!(Cli::try_parse_from(["ent", "up", "--instances", "10"]).is_err());
        assert!(Cli::try_parse_from(["ent", "up", "--wait"]).is_err());
        assert!(Cli::try_parse_from(["ent", "up", "--detach", "--wait", "--instances", "2"]).is_ok());
    }
}
