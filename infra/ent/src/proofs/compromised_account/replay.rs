//! Settles how one campaign is replayed: people and thieves through k6, the operator once a message is held, recipients who look at last.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::act::{self, Act, Kind};
use super::evidence;
use super::figures::{Figures, Sources};
use super::operator::{Contained, Operator};
use crate::clock;
use crate::commands::accounts;
use crate::proofs::generator::{self, Load};
use crate::proofs::seen::Seen;

/// How long a campaign is watched, in seconds.
const LENGTH_S: u64 = 30;
/// How long the operator takes to notice, and to type: far less than people need, so that what is measured is the software.
const REACTION: Duration = Duration::from_secs(5);
/// Where nothing is held somebody rings up: after so long the operator acts all the same.
const RING_UP: Duration = Duration::from_secs(15);
/// Recipients who look for copies after the recall; so many of a message, and of a campaign.
const WITNESSES_OF_A_MESSAGE: usize = 2;
const WITNESSES: usize = 12;

/// A campaign, and what surrounds it.
pub(super) struct Replay<'a> {
    pub(super) load: &'a Load<'a>,
    pub(super) seed: u32,
    /// Instead of the seed's own.
    pub(super) family: Option<&'static str>,
    pub(super) capacity: f64,
    pub(super) devices: &'a Path,
    pub(super) operator: Operator<'a>,
}

/// When what happened, as far as the operator knows.
#[derive(Default)]
struct Watch {
    first_send: Option<(u64, Instant)>,
    noticed: Option<Instant>,
    contained: Option<Contained>,
}

impl Replay<'_> {
    /// Lets it happen, and tells what came of it.
    pub(super) fn run(&self) -> Result<Figures> {
        let mut watch = Watch::default();
        let name = format!("campaign-{:02}", self.seed);
        let running = self.load.start(&name, "compromised-account", &self.environment())?;
        let run = running.wait(self.load.context, |running| self.look(&mut watch, &running.seen()))?;
        generator::require(&run)?;
        // What was sent while the operator typed.
        self.look(&mut watch, &run.seen)?;
        let contained = watch.contained.context("no thief has written anything")?;
        let evidence = evidence::keep(&self.operator, &contained.incident)?;
        let acts = act::acts(&run.seen)?;
        let honest = Seen::read(&run.seen)?;
        let witnesses = self.ask_witnesses(&acts)?;
        let report: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&run.report)?)?;
        let family = report.get("family").and_then(serde_json::Value::as_str).unwrap_or("unknown").to_owned();
        Ok(Figures::of(&Sources {
            seed: self.seed,
            family,
            acts: &acts,
            honest: &honest,
            contained: &contained,
            evidence,
            witnesses: &witnesses,
        }))
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        let mut environment = vec![
            ("SEED", self.seed.to_string()),
            ("CAMPAIGN_S", LENGTH_S.to_string()),
            ("CAPACITY_PER_S", self.capacity.to_string()),
            ("DEVICES", self.devices.display().to_string()),
        ];
        environment.extend(self.family.map(|family| ("FAMILY", family.to_owned())));
        environment
    }

    /// Whether it is time for the operator, at first and for accounts that are noticed later.
    fn look(&self, watch: &mut Watch, seen: &Path) -> Result<()> {
        if !seen.is_file() {
            return Ok(());
        }
        let acts = act::acts(seen)?;
        if let Some(contained) = &mut watch.contained {
            let mut people = senders(&acts);
            people.retain(|person| !contained.secured.contains_key(person));
            return if people.is_empty() { Ok(()) } else { self.operator.secure(contained, &people) };
        }
        let now = clock::now();
        let first = acts.iter().filter(|act| act.is_delivered() || act.is_held()).map(|act| act.at).min();
        watch.first_send = watch.first_send.or(first.map(|at| (at, now)));
        if acts.iter().any(Act::is_held) {
            watch.noticed = watch.noticed.or(Some(now));
        }
        let Some((since_ms, first_seen)) = watch.first_send else { return Ok(()) };
        let is_noticed = watch.noticed.is_some_and(|at| now.duration_since(at) >= REACTION);
        if is_noticed || now.duration_since(first_seen) >= RING_UP {
            watch.contained = Some(self.operator.contain(&senders(&acts), since_ms)?);
        }
        Ok(())
    }

    /// Recipients of what was delivered, as far as their accounts are known by school and name or class.
    fn ask_witnesses(&self, acts: &[Act]) -> Result<Vec<act::Witness>> {
        let known = accounts::read(&self.load.context.layout)?;
        let recipients =
            |act| known.iter().filter(move |one| is_recipient(one, act)).take(WITNESSES_OF_A_MESSAGE);
        let delivered = acts.iter().filter(|act| act.is_delivered());
        let mut logins: Vec<String> = delivered.flat_map(recipients).map(|one| one.login.clone()).collect();
        logins.sort();
        logins.dedup();
        logins.truncate(WITNESSES);
        if logins.is_empty() {
            return Ok(Vec::new());
        }
        let file = self.load.folder.join("witnesses.json");
        std::fs::write(&file, serde_json::to_string(&logins)?)?;
        let mut environment = self.environment();
        environment.push(("WITNESSES", file.display().to_string()));
        let name = format!("witness-{:02}", self.seed);
        let run = self.load.start(&name, "witness", &environment)?.wait(self.load.context, |_| Ok(()))?;
        generator::require(&run)?;
        let found = act::witnesses(&run.seen)?;
        ensure!(!found.is_empty(), "no recipient has looked: {} says why", run.log.display());
        Ok(found)
    }
}

/// Whether it is the account of somebody whom a message is for.
fn is_recipient(account: &accounts::Account, act: &Act) -> bool {
    let is_named = act.readers.contains(&account.person_name);
    let is_in_class = !account.class_name.is_empty() && act.to_class.as_ref() == Some(&account.class_name);
    account.school_uais.contains(&act.school) && (is_named || is_in_class)
}

/// Accounts whose messages were noticed.
fn senders(acts: &[Act]) -> Vec<String> {
    let noticed =
        |thief: usize| acts.iter().any(|act| act.thief == thief && (act.is_delivered() || act.is_held()));
    let of = |act: &Act| act.person.clone().filter(|_| act.did == Kind::SignIn && noticed(act.thief));
    let mut people: Vec<String> = acts.iter().filter_map(of).collect();
    people.sort();
    people.dedup();
    people
}
