//! Settles the backend of this proof: one of its own with data of its own, or the containers that run; its calendar is set for each campaign.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use crate::clock;
use crate::context::{Context, Progress};
use crate::installation::calendar;
use crate::layout::DATA;
use crate::ports;
use crate::process;
use crate::services::{Instance, SERVICES};

/// Where its data lie, below `.ent`: a calendar that is ahead must not touch what people have in theirs.
pub(crate) const FOLDER: &str = ".ent/proofs/compromised-account";
/// How long a start may take: it loads a region.
const START_LIMIT: Duration = Duration::from_mins(10);
const STOP_LIMIT: Duration = Duration::from_mins(2);
/// How long the services may take to end, and to come back with another calendar.
const CALENDAR_LIMIT: Duration = Duration::from_mins(1);
const STATUS_LIMIT: Duration = Duration::from_secs(2);
/// A service's time is the machine's and what was set, but for the time that asking takes.
const TOLERANCE: TimeDelta = TimeDelta::minutes(1);

/// A backend. One that was started for the proof is stopped at the end, whatever happens.
pub(super) struct Stack<'a> {
    context: &'a Context,
}

#[derive(Deserialize)]
struct Status {
    now: DateTime<Utc>,
}

impl<'a> Stack<'a> {
    /// Starts one with new data. Containers run already, and keep what they have.
    pub(super) fn start(context: &'a Context) -> Result<Self> {
        let stack = Self { context };
        if context.topology.is_containers() {
            return Ok(stack);
        }
        stack.stop()?;
        let data = &context.layout.data;
        if data.exists() {
            std::fs::remove_dir_all(data).with_context(|| format!("cannot remove {}", data.display()))?;
        }
        context.layout.prepare()?;
        let arguments = ["up", "--detach", "--wait", "--scale", "region"];
        stack.ent(&arguments, START_LIMIT).context("the backend did not start")?;
        Ok(stack)
    }

    /// Sets the calendar, and returns when every service serves with it.
    pub(super) fn set_calendar(&self, ahead_s: u32) -> Result<()> {
        calendar::set(&self.context.layout, ahead_s)?;
        self.context.wait_for("the services to come back with another calendar", CALENDAR_LIMIT, || {
            let late = SERVICES.into_iter().find_map(|service| self.has_calendar(service, ahead_s).err());
            let late = late.or_else(|| self.is_open().err());
            Ok(late.map_or(Progress::Reached, |reason| Progress::Waiting(format!("{reason:#}"))))
        })
    }

    /// Lets containers go on, on another day; what was started for the proof ends.
    pub(super) fn leave(self, ahead_s: u32) -> Result<()> {
        if self.context.topology.is_containers() { self.set_calendar(ahead_s) } else { Ok(()) }
    }

    /// Fails unless every instance of a service has the calendar.
    fn has_calendar(&self, service: &'static str, ahead_s: u32) -> Result<()> {
        let host = self.context.topology.internal_host(&Instance { service, number: 1 });
        let instances: Vec<SocketAddr> = host.to_socket_addrs().with_context(|| host.clone())?.collect();
        ensure!(!instances.is_empty(), "{service} has no instance");
        for instance in instances {
            let url = format!("http://{instance}/statusz");
            let status: Status = self.context.block_on(service, STATUS_LIMIT, async {
                let answer = self.context.http.get(&url).send().await?.error_for_status()?;
                Ok(serde_json::from_slice(&answer.bytes().await?)?)
            })?;
            let wanted = clock::wall() + TimeDelta::seconds(ahead_s.into());
            let off = (status.now - wanted).abs();
            ensure!(off < TOLERANCE, "{service} is {} s off", off.num_seconds());
        }
        Ok(())
    }

    /// Fails unless the front door reaches every service.
    fn is_open(&self) -> Result<()> {
        let url = format!("http://127.0.0.1:{}/readyz", ports::HTTP);
        self.context.block_on("the front door", STATUS_LIMIT, async {
            let answer = self.context.http.get(&url).send().await?;
            ensure!(answer.status().is_success(), "the front door does not reach every service");
            Ok(())
        })
    }

    fn stop(&self) -> Result<()> {
        self.ent(&["down"], STOP_LIMIT)
    }

    fn ent(&self, arguments: &[&str], limit: Duration) -> Result<()> {
        let layout = &self.context.layout;
        let mut command = Command::new("/proc/self/exe");
        command.args(arguments).current_dir(&layout.root).env(DATA, &layout.data);
        process::capture(layout, &self.context.signals, command, limit)?
            .success(&format!("cargo ent {}", arguments.join(" ")))
            .map(drop)
    }
}

impl Drop for Stack<'_> {
    fn drop(&mut self) {
        if !self.context.topology.is_containers() {
            // What stopped the proof is the error to tell.
            drop(self.stop());
        }
    }
}
