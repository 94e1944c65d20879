//! Settles what the operator does about a campaign, command by command on the host, as somebody does whose browser is part of the problem.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use chrono::{DateTime, TimeDelta, Utc};

use crate::clock;
use crate::context::{Context, Progress};
use crate::process;
use crate::services::{Instance, config_path};

/// How long one command may take.
const LIMIT: Duration = Duration::from_secs(30);
/// How long thieves knock at a closed door before their accounts are taken from them: long enough to see that it is closed.
const KNOCKING: Duration = Duration::from_secs(4);
/// How long auth may take to secure thirty accounts.
const SECURE_LIMIT: Duration = Duration::from_secs(20);

/// What came of it. Times are milliseconds since 1970 of this machine's clock.
#[derive(Clone, Debug)]
pub(super) struct Contained {
    /// Which incident it is.
    pub(super) incident: String,
    pub(super) restricted_ms: u64,
    pub(super) restriction_s: f64,
    /// Since when accounts are not trusted.
    pub(super) since_ms: u64,
    /// The longest command after which all that its accounts had sent was invisible.
    pub(super) recall_s: f64,
    /// Accounts that auth has secured, and when that was known.
    pub(super) secured: BTreeMap<String, u64>,
}

/// The person at the terminal.
pub(super) struct Operator<'a> {
    pub(super) context: &'a Context,
    /// The program of messaging.
    pub(super) program: PathBuf,
    /// Of the campaign.
    pub(super) seed: u32,
    /// How far the calendar of the services is ahead.
    pub(super) ahead_s: u32,
}

impl Operator<'_> {
    /// Closes sending to pupils and guardians everywhere, and takes the accounts from the thieves with all that they sent.
    pub(super) fn contain(&self, people: &[String], since_ms: u64) -> Result<Contained> {
        let incident = self.open_incident(since_ms)?;
        let began = clock::now();
        self.restrict(&incident)?;
        let (restricted_ms, restriction_s) = (now_ms()?, began.elapsed().as_secs_f64());
        let (recall_s, secured) = (0.0, BTreeMap::new());
        let mut contained = Contained { incident, restricted_ms, restriction_s, since_ms, recall_s, secured };
        std::thread::sleep(KNOCKING);
        self.secure(&mut contained, people)?;
        Ok(contained)
    }

    /// Takes more accounts from the thieves.
    pub(super) fn secure(&self, contained: &mut Contained, people: &[String]) -> Result<()> {
        self.name(&contained.incident, people)?;
        let began = clock::now();
        let response = self.respond(people, contained.since_ms, &contained.incident)?;
        contained.recall_s = contained.recall_s.max(began.elapsed().as_secs_f64());
        self.wait_until_secured(&response)?;
        let now_ms = now_ms()?;
        contained.secured.extend(people.iter().map(|person| (person.clone(), now_ms)));
        Ok(())
    }

    /// Which incident it is.
    fn open_incident(&self, since_ms: u64) -> Result<String> {
        let since = self.calendar(since_ms)?.to_rfc3339();
        let mut arguments = vec!["open-incident", "--kind", "hijacked_accounts", "--since", &since];
        arguments.extend(["--title", "Exercise: hijacked accounts", "--authority", "Rectorate"]);
        first_word(&self.command(&arguments)?)
    }

    /// Whose accounts it is about.
    fn name(&self, incident: &str, people: &[String]) -> Result<()> {
        let mut arguments = vec!["name-accounts", incident, "--authority", "Rectorate"];
        arguments.extend(people.iter().flat_map(|person| ["--person", person.as_str()]));
        self.command(&arguments).map(drop)
    }

    fn restrict(&self, incident: &str) -> Result<()> {
        let until = self.calendar(now_ms()?)? + TimeDelta::hours(2);
        let arguments = ["restrict", "--role", "Student", "--role", "Guardian", "--mode", "closed"];
        let why = [
            "--reason",
            "Exercise: accounts are misused",
            "--authority",
            "Rectorate",
            "--incident",
            incident,
            "--until",
        ];
        self.command(&[&arguments[..], &why, &[&until.to_rfc3339()]].concat()).map(drop)
    }

    /// Which response it is.
    fn respond(&self, people: &[String], since_ms: u64, incident: &str) -> Result<String> {
        let since = self.calendar(since_ms)?.to_rfc3339();
        let mut arguments = vec!["respond", "--since", &since, "--authority", "Rectorate"];
        arguments.extend(["--reason", "Exercise: accounts are misused", "--incident", incident]);
        arguments.extend(people.iter().flat_map(|person| ["--person", person.as_str()]));
        first_word(&self.command(&arguments)?)
    }

    fn wait_until_secured(&self, response: &str) -> Result<()> {
        self.context.wait_for("auth to secure the accounts", SECURE_LIMIT, || {
            let said = self.command(&["response", response])?;
            let waiting = said.lines().filter(|line| line.contains(" waiting ")).count();
            Ok(if waiting == 0 {
                Progress::Reached
            } else {
                Progress::Waiting(format!("{waiting} accounts"))
            })
        })
    }

    /// The services' time at a moment of this machine's.
    pub(super) fn calendar(&self, ms: u64) -> Result<DateTime<Utc>> {
        let at = DateTime::from_timestamp_millis(i64::try_from(ms)?).context("no such time")?;
        Ok(at + TimeDelta::seconds(self.ahead_s.into()))
    }

    /// What a command of `messaging operate` says.
    pub(super) fn command(&self, arguments: &[&str]) -> Result<String> {
        let layout = &self.context.layout;
        let mut command = Command::new(&self.program);
        let instance = Instance { service: "messaging", number: 1 };
        command.arg("operate").arg("--config").arg(config_path(layout, &instance)).args(arguments);
        let Some(name) = arguments.first() else { bail!("no command") };
        process::capture(layout, &self.context.signals, command, LIMIT)?
            .success(&format!("messaging operate {name}"))
    }
}

/// The id with which a command's answer begins.
fn first_word(said: &str) -> Result<String> {
    Ok(said.split_whitespace().next().context("the command says what it has made")?.to_owned())
}

/// This machine's time of day, as k6 writes it.
#[expect(clippy::disallowed_methods, reason = "compared with what another program read from the same clock")]
pub(super) fn now_ms() -> Result<u64> {
    Ok(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?)
}
