//! Settles how a demo data set comes into a service's own tables: whole or not at all, once, announced to siblings like any change.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::audit::{self, Actor, Entry};
use crate::clock::SharedClock;
use crate::config::Profile;
use crate::context::Context;
use crate::pg::{self, CsvTable, Database, LoadError, Transaction, Work, copy_csv};

/// The tables of a data set and what its loading announces.
pub struct SeedPlan {
    /// Tables in the order in which rows may be inserted; `<table>.csv` holds each one's rows.
    pub tables: &'static [&'static str],
    /// Statements that append one change per row of the owned tables; `$1` says whether the rows are going away.
    pub announcements: &'static [&'static str],
}

/// Why a data set was not loaded; nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// Demo data has no place in a real installation.
    #[error("profile is {0}: demo data is for profile demo or test only")]
    Profile(Profile),
    /// The folder holds no data set.
    #[error("cannot read {}: {}", .0.display(), .1)]
    Manifest(PathBuf, String),
    /// Another data set is loaded.
    #[error(
        "another data set is loaded ({0}); `--replace` deletes it and everything written since, and loads this one"
    )]
    Other(String),
    /// A file or the database refused.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The audit log refused.
    #[error(transparent)]
    Audit(#[from] audit::Error),
    /// The database is away.
    #[error("database: {0}")]
    Database(#[from] pg::Error),
}

/// The whole load, and each statement of it, must be done within this.
const SEED_LIMIT: Duration = Duration::from_mins(5);

/// Loads `folder`. Returns the number of rows, or `None` when the same data set was loaded before.
pub async fn seed(
    database: &Database,
    clock: SharedClock,
    profile: Profile,
    plan: &SeedPlan,
    folder: &Path,
    replace: bool,
) -> Result<Option<u64>, SeedError> {
    if !profile.accepts_demo() {
        return Err(SeedError::Profile(profile));
    }
    let manifest = read_manifest(folder)?;
    let context = Context::background(clock, SEED_LIMIT);
    let mut transaction = database.begin(&context, Work::Background).await?;
    let loaded = transaction.query_opt("select manifest from seeded_data_set for update", &[]).await?;
    let loaded: Option<Value> = loaded.map(|row| row.get(0));
    match &loaded {
        Some(loaded) if *loaded == manifest && !replace => return Ok(None),
        Some(loaded) if !replace => return Err(SeedError::Other(loaded.to_string())),
        Some(_) => delete_all(&mut transaction, plan).await?,
        None => {}
    }
    let mut rows = 0;
    for &table in plan.tables {
        let file = folder.join(format!("{table}.csv"));
        rows += copy_csv(&mut transaction, &CsvTable { table, file }).await?;
    }
    announce(&mut transaction, plan, false).await?;
    let act = if loaded.is_some() { "data_set_replaced" } else { "data_set_loaded" };
    let details = json!({ "manifest": manifest.to_string(), "before": loaded.map(|before| before.to_string()), "rows": rows });
    let subject = "data_set:demo".to_owned();
    let entry = Entry { actor: Actor::Operator, act, subject, authority: None, details };
    audit::append(&mut transaction, &entry).await?;
    transaction.execute("insert into seeded_data_set (manifest) values ($1)", &[&manifest]).await?;
    transaction.commit().await?;
    Ok(Some(rows))
}

async fn delete_all(transaction: &mut Transaction, plan: &SeedPlan) -> Result<(), pg::Error> {
    announce(transaction, plan, true).await?;
    transaction.execute(&format!("truncate {}, seeded_data_set", plan.tables.join(", ")), &[]).await?;
    Ok(())
}

async fn announce(transaction: &mut Transaction, plan: &SeedPlan, deleted: bool) -> Result<(), pg::Error> {
    for statement in plan.announcements {
        transaction.execute(statement, &[&deleted]).await?;
    }
    Ok(())
}

fn read_manifest(folder: &Path) -> Result<Value, SeedError> {
    let file = folder.join("manifest.json");
    let unreadable = |error: String| SeedError::Manifest(file.clone(), error);
    let text = std::fs::read_to_string(&file).map_err(|error| unreadable(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))
}
