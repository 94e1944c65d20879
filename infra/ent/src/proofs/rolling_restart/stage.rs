//! Settles what happens under the load: a calm, every instance one after the other, and a calm again. In containers somebody at the
//! host restarts them, and the proof watches.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::Serialize;

use super::lives::Lives;
use crate::clock;
use crate::context::Context;
use crate::proofs::generator::Running;
use crate::rolling;
use crate::services::Instance;
use crate::supervisor::State;
use crate::ui::Step;

/// How long the load is steady before the first and after the last instance.
const CALM: Duration = Duration::from_secs(8);
/// How often containers are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long all of it may take: nine instances by themselves, and somebody who types a command on the host.
const LIMIT: Duration = Duration::from_mins(8);
const LIMIT_IN_CONTAINERS: Duration = Duration::from_mins(15);
/// What restarts containers.
const COMMAND: &str = "infra/rolling-restart.sh";

/// An instance that was replaced, in milliseconds since 1970.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Replaced {
    pub(super) instance: String,
    /// When it began to go; in containers when it was first missing.
    pub(super) at: u64,
    /// Until the front door reached as many as before, where the proof restarted it.
    pub(super) took_ms: Option<u64>,
}

/// What happened.
pub(super) struct Passed {
    pub(super) before: Lives,
    pub(super) after: Lives,
    pub(super) replaced: Vec<Replaced>,
    /// When the load was ended: milliseconds since 1970.
    pub(super) stopped_at: u64,
}

/// How far it is.
enum Part {
    Calm,
    Restarts,
    CalmAgain(Instant),
    Over,
}

/// Where it is played.
pub(super) struct Stage<'a> {
    context: &'a Context,
    before: Lives,
    after: Option<Lives>,
    replaced: Vec<Replaced>,
    began: Option<Instant>,
    looked: Option<Instant>,
    part: Part,
    stopped_at: u64,
    step: Option<Step>,
}

impl<'a> Stage<'a> {
    /// Before the load begins.
    pub(super) fn new(context: &'a Context, before: Lives) -> Self {
        let step =
            Some(context.ui.step(&format!("{} instances, one after the other, under load", before.count())));
        let (began, looked, part) = (None, None, Part::Calm);
        Self { context, before, after: None, replaced: Vec::new(), began, looked, part, stopped_at: 0, step }
    }

    fn limit(&self) -> Duration {
        if self.context.topology.is_containers() { LIMIT_IN_CONTAINERS } else { LIMIT }
    }

    /// After how many seconds the load ends, should nobody end it.
    pub(super) fn longest_s(&self) -> u64 {
        (self.limit() + CALM * 4).as_secs()
    }

    /// Called again and again while the load runs; ends it when all is over.
    pub(super) fn look(&mut self, load: &Running) -> Result<()> {
        if !load.has_begun() {
            return Ok(());
        }
        let began = *self.began.get_or_insert_with(clock::now);
        if began.elapsed() > self.limit() {
            bail!(
                "after {} minutes {} of {} instances were replaced",
                self.limit().as_secs() / 60,
                self.replaced.len(),
                self.before.count()
            );
        }
        match self.part {
            Part::Calm if began.elapsed() < CALM => {}
            Part::Calm => {
                if self.context.topology.is_containers() {
                    self.context
                        .ui
                        .line(&format!("The load runs. Now on the host, in another terminal: {COMMAND}"));
                }
                self.part = Part::Restarts;
            }
            Part::Restarts if self.context.topology.is_containers() => self.watch()?,
            Part::Restarts => self.restart_all()?,
            Part::CalmAgain(since) if since.elapsed() < CALM => {}
            Part::CalmAgain(_) => {
                (self.stopped_at, self.part) = (now_ms(), Part::Over);
                // Once: asked again, k6 ends without its report.
                load.interrupt();
            }
            Part::Over => {}
        }
        Ok(())
    }

    /// What happened; an error when the load ended before.
    pub(super) fn finish(mut self) -> Result<Passed> {
        let after = self.after.take().context("the load ended before every instance was replaced")?;
        if let Some(step) = self.step.take() {
            step.done(&format!("{} replaced", self.replaced.len()));
        }
        Ok(Passed { before: self.before, after, replaced: self.replaced, stopped_at: self.stopped_at })
    }

    fn say(&mut self, text: &str) {
        if let Some(step) = &mut self.step {
            step.detail(text);
        }
    }

    fn restart_all(&mut self) -> Result<()> {
        let state = State::load_running(&self.context.layout).context("the backend does not run any more")?;
        let instances = state.options.instances;
        for instance in Instance::all(instances) {
            let (name, at, began) = (instance.name(), now_ms(), clock::now());
            rolling::restart(self.context, &instance, instances, |text| self.say(&format!("{name} {text}")))?;
            let took_ms = u64::try_from(began.elapsed().as_millis()).ok();
            self.replaced.push(Replaced { instance: name, at, took_ms });
        }
        self.end()
    }

    /// Over when all that ran before are gone, as many run, and the front door reaches them.
    fn watch(&mut self) -> Result<()> {
        if self.looked.is_some_and(|looked| looked.elapsed() < LOOK_EVERY) {
            return Ok(());
        }
        self.looked = Some(clock::now());
        let now = Lives::of(self.context)?;
        let at = now_ms();
        for life in now.gone_since(&self.before) {
            let instance = format!("{} {}", life.service, life.instance);
            if !self.replaced.iter().any(|replaced| replaced.instance == instance) {
                self.replaced.push(Replaced { instance, at, took_ms: None });
            }
        }
        let (gone, all) = (self.replaced.len(), self.before.count());
        let is_whole = now.count() >= all && self.is_reached(&now);
        self.say(&format!("{gone} of {all} replaced, {} serve ({COMMAND} on the host)", now.count()));
        if gone == all && is_whole { self.end() } else { Ok(()) }
    }

    fn is_reached(&self, lives: &Lives) -> bool {
        let reach = rolling::reach(self.context);
        reach.is_ok_and(|reach| lives.counts().iter().all(|(service, count)| reach.of(service) >= *count))
    }

    fn end(&mut self) -> Result<()> {
        self.after = Some(Lives::of(self.context)?);
        self.part = Part::CalmAgain(clock::now());
        Ok(())
    }
}

/// As k6 writes it.
fn now_ms() -> u64 {
    u64::try_from(clock::wall().timestamp_millis()).unwrap_or(0)
}
