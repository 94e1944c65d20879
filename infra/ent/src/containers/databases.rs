//! Settles how the databases of all services get their roles and their newest shape.

use std::time::Duration;

use anyhow::Result;

use crate::commands::up;
use crate::context::{Context, Progress};
use crate::engines::{self, Admin};
use crate::installation::secrets;
use crate::services::{self, SERVICES};

/// How long PostgreSQL may take to answer: after a crash it first replays its log.
const LIMIT: Duration = Duration::from_mins(1);

pub(super) fn run(context: &Context) -> Result<()> {
    let (host, port) = context.topology.postgres();
    let password = secrets::ensure(&context.layout.path("secrets/postgres-superuser"))?;
    let admin = Admin { host, port, password };
    context.wait_for("PostgreSQL", LIMIT, || {
        let answer = engines::is_answering(context, &admin);
        Ok(answer.err().map_or(Progress::Reached, |error| Progress::Waiting(format!("{error:#}"))))
    })?;
    engines::ensure_databases(context, &admin, &SERVICES)?;
    let binaries = up::binaries(context)?;
    for service in SERVICES {
        let step = context.ui.step(&format!("Migrations of {service}"));
        services::migrate(context, &binaries, service)?;
        step.done("");
    }
    Ok(())
}
