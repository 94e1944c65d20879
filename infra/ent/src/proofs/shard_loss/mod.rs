//! Settles the proof that the loss of a Redis shard stays that shard's loss, and does not last.
//!
//! Primaries are stopped (SIGSTOP) and killed (SIGKILL) in turn under a steady load (`shared/examples/shard_loss.rs`), each
//! time when the cluster is whole again. Two aims: healthy shards keep at least 95 % of the answers they gave before, in
//! every run; the lost shard is back within 2.5 node time-outs (median of each kind of fault), at worst within 3.

mod judge;
mod load;
mod measure;
mod report;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use shared::ablation::Ablation;

use crate::clock;
use crate::context::{Context, Progress};
use crate::engines::{self, FIRST_SLOTS, Redis};
use crate::faults::{self, Act, Request};
use crate::installation::secrets;
use crate::{machine, ports, ui};
use judge::Verdict;
use load::Load;
use measure::Measured;

/// How long six nodes may take to be whole: a killed one starts again after 6 s and copies its primary.
const WHOLE_LIMIT: Duration = Duration::from_mins(2);
/// How long the load may take to be what it should be.
const STEADY_LIMIT: Duration = Duration::from_mins(1);
/// How long a lost shard is waited for.
const BACK_LIMIT: Duration = Duration::from_secs(15);
/// After this the fault ends by itself, should this command die.
const FAULT_LIMIT: Duration = Duration::from_secs(30);

/// One loss of a primary.
pub(super) struct Run {
    fault: &'static str,
    node: String,
    shard: usize,
    measured: Measured,
}

/// What is asked of the proof.
pub(crate) struct Asked {
    /// Losses of each kind.
    pub(crate) runs: u16,
    /// Whether programs read the outcome.
    pub(crate) json: bool,
    /// The parts of the kit that are switched off.
    pub(crate) without: Ablation,
}

/// Makes the proof on the engines that run; true when it holds.
pub(crate) fn run(context: &Context, asked: &Asked) -> Result<bool> {
    let without = asked.without.names().join(",");
    let program = load::build(context)?;
    let stage = Stage::open(context, &program, &without)?;
    let mut runs = Vec::new();
    for (fault, act) in [("SIGSTOP", Act::Stop), ("SIGKILL", Act::Kill)] {
        for number in 0..usize::from(asked.runs) {
            runs.push(stage.lose(fault, act, number % FIRST_SLOTS.len())?);
        }
    }
    let verdict = Verdict::of(&runs);
    let document = report::json(&runs, &verdict, &without)?;
    let path = context.layout.path("reports/shard-loss.json");
    std::fs::write(&path, &document).with_context(|| format!("cannot write {}", path.display()))?;
    ui::out(&if asked.json { document } else { report::table(&runs, &verdict, &without) })?;
    Ok(verdict.holds())
}

/// The running cluster under its load.
struct Stage<'a> {
    context: &'a Context,
    cluster: Redis,
    password: String,
    load: Load,
}

impl<'a> Stage<'a> {
    fn open(context: &'a Context, program: &Path, without: &str) -> Result<Self> {
        let layout = &context.layout;
        let password = secrets::ensure(&layout.path("secrets/redis"))?;
        let programs = machine::ensure(context)?;
        let cluster = Redis::new(&programs, &layout.data, &layout.path("logs"), ports::DEMO, &password);
        let load = Load::start(context, program, without)?;
        Ok(Self { context, cluster, password, load })
    }

    /// Loses the primary of a shard, and measures until the shard is back or has had its time.
    fn lose(&self, fault: &'static str, act: Act, shard: usize) -> Result<Run> {
        let step = self.context.ui.step(&format!("{fault} of the primary of shard {}", shard + 1));
        self.wait_until_steady()?;
        let slot = FIRST_SLOTS.get(shard).copied().context("there are three shards")?;
        let node = format!("redis-{}", engines::primary_of_slot(&self.password, slot)?);
        let made = clock::now();
        let for_ms = u64::try_from(FAULT_LIMIT.as_millis()).ok();
        let request =
            Request::Make { target: node.clone(), act, for_ms: for_ms.filter(|_| act == Act::Stop) };
        faults::ask(&self.context.layout, &request)?;
        while made.elapsed() < BACK_LIMIT && !measure::is_back(&self.load.ticks()?, made, shard) {
            self.context.signals.check()?;
            std::thread::sleep(Duration::from_millis(50));
        }
        faults::ask(&self.context.layout, &Request::Clear { target: Some(node.clone()) })?;
        let measured = measure::measure(&self.load.ticks()?, made, shard)
            .with_context(|| format!("{fault} of {node} took nothing away; nothing is proved by that"))?;
        step.done(&measured.to_string());
        Ok(Run { fault, node, shard, measured })
    }

    fn wait_until_steady(&self) -> Result<()> {
        self.context.wait_for("the cluster to be whole", WHOLE_LIMIT, || {
            Ok(engines::readiness(&self.cluster.peers()))
        })?;
        let whole = clock::now();
        self.context.wait_for("the load to be steady (is the machine busy?)", STEADY_LIMIT, || {
            let is_steady = measure::is_steady(&self.load.ticks()?, whole);
            Ok(if is_steady {
                Progress::Reached
            } else {
                Progress::Waiting("answers are missing".to_owned())
            })
        })
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        faults::mend_all(&self.context.layout);
    }
}
