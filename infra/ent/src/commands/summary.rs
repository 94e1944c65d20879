//! Settles what a person is told once the backend runs: where things are and with whom to sign in.

use anyhow::Result;
use comfy_table::{Table, presets};

use super::accounts::{self, Account};
use crate::context::Context;
use crate::ports;
use crate::services::SERVICES;
use crate::supervisor::Options;
use crate::topology::Topology;
use crate::ui;

/// Prints addresses and one account per role.
pub(crate) fn print(context: &Context, options: &Options) -> Result<()> {
    for line in addresses(&context.topology, options) {
        ui::out(&line)?;
    }
    let accounts = accounts::one_per_role(&accounts::read(&context.layout)?);
    if !accounts.is_empty() {
        ui::out(&format!("\nDemo accounts (data `{}`; all people are invented):", options.dataset.name()))?;
        ui::out(&table(&context.topology, &accounts).to_string())?;
        ui::out(&format!("One-time code of an account: {} totp LOGIN", context.topology.command()))?;
    }
    Ok(())
}

fn addresses(topology: &Topology, options: &Options) -> Vec<String> {
    let front = format!("https://localhost:{}", ports::HTTPS);
    let mut lines = vec![format!("\nFront door   {front}/   (authority: {})", topology.authority())];
    if !options.only_engines {
        lines.extend(
            SERVICES.map(|service| format!("{service:<12} {front}/{service}/v1   {front}/{service}/docs/")),
        );
    }
    if !topology.is_containers() {
        let [first, .., last] = topology.redis();
        lines.push(format!("PostgreSQL   127.0.0.1:{}", ports::DEMO.postgres));
        lines.push(format!("Redis        {first} to {last}"));
    }
    lines
}

fn table(topology: &Topology, accounts: &[Account]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_header(["role", "login", "password", "one-time code", "person"]);
    for account in accounts {
        let code = if account.totp_secret.is_empty() {
            "no".to_owned()
        } else {
            format!("{} totp {}", topology.command(), account.login)
        };
        table.add_row([&account.role, &account.login, &account.password, &code, &account.person_name]);
    }
    table
}
