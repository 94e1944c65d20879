//! Settles what demo data `cargo ent seed` loads: a fictional region, generated the same from the same seed and day.
use std::path::Path;

use serde::Serialize;

/// How much is generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// 2 schools, about 1,500 people, a lively mailbox for everyone.
    Small,
    /// 120 schools, 100,000 accounts.
    Region,
}

/// An account to sign in with: one per role is chosen for people to try.
#[derive(Clone, Debug, Serialize)]
pub struct DemoAccount {
    pub login: String,
    pub password: String,
    /// The person's main role, spelled as in `membership.role`.
    pub role: &'static str,
    pub school_uais: Vec<String>,
    /// Base32 without padding; staff have one, pupils and guardians none.
    pub totp_secret: Option<String>,
    pub person_name: String,
}

/// Rows written to one file.
#[derive(Clone, Debug, Serialize)]
pub struct TableCount {
    /// The service that owns the table.
    pub service: &'static str,
    pub table: &'static str,
    pub rows: u64,
}

/// What was generated.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    pub scale: Scale,
    pub seed: u64,
    pub generated_for: chrono::NaiveDate,
    pub counts: Vec<TableCount>,
    pub demo_accounts: Vec<DemoAccount>,
}

/// Writes `out/{auth,courses,messaging}/<table>.csv`, a `manifest.json` in each, and the load tests' `accounts` file (mode 0600).
pub fn generate(_scale: Scale, _seed: u64, _out: &Path, _accounts: &Path) -> anyhow::Result<Summary> {
    anyhow::bail!("the generator is not written yet")
}
