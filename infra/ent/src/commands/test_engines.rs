//! Settles the engines that tests and benchmarks run on: new ones, one run at a time in a checkout, ended whatever happens.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::context::Context;
use crate::engines::Durability;
use crate::layout::{make_dir, remove_dir};
use crate::machine;
use crate::ports;
use crate::supervisor::{Crew, EngineSet, Lock, Started, start_engines};

/// Engines that answer.
pub(super) struct TestEngines(Started);

impl TestEngines {
    /// Starts new engines, does `work` on them and ends them.
    pub(super) fn around(
        context: &Context,
        durability: Durability,
        work: impl FnOnce(&Self) -> Result<u8>,
    ) -> Result<u8> {
        let folder = context.layout.path("test");
        make_dir(&folder, 0o711)?;
        let Some(_lock) = Lock::try_take(&folder.join("lock"))? else {
            bail!("another `cargo ent test` or `cargo ent bench` runs in this checkout; wait for it to end");
        };
        let programs = machine::ensure(context)?;
        for name in ["postgres", "redis", "logs"] {
            remove_dir(&folder.join(name))?;
        }
        make_dir(&folder.join("logs"), 0o700)?;
        let logs = folder.join("logs");
        let set = EngineSet { ports: ports::TEST, logs, folder, durability, instances: 1, slow_disk: None };
        let mut crew = Crew::default();
        let started = start_engines(context, &mut crew, &programs, &set, |title, work| {
            let step = context.ui.step(&format!("Test {title}"));
            work().map(|text| step.done(&text))
        });
        let result = started.and_then(|started| work(&Self(started)));
        crew.stop_all(context);
        result
    }

    /// Tells a command where the engines are.
    pub(super) fn named_to(&self, mut command: Command) -> Command {
        let nodes = ports::TEST.redis().map(|port| format!("127.0.0.1:{port}")).join(",");
        let (port, password) = (self.0.admin.port, &self.0.admin.password);
        command.env("ENT_TEST_POSTGRES", format!("host=127.0.0.1 port={port} user=ent password={password}"));
        command.env("ENT_TEST_REDIS", format!("redis://:{}@{nodes}", self.0.redis_password));
        command
    }
}

/// A command that dies with this process, and shares its terminal.
pub(super) fn through_setpriv(model: &Command, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "--"]).arg(program);
    command.current_dir(model.get_current_dir().unwrap_or(Path::new(".")));
    for (name, value) in model.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// 1 for a command that was killed.
pub(super) fn exit_code(status: std::process::ExitStatus) -> u8 {
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
