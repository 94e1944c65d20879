//! Settles what a person is told once the backend runs: where things are and with whom to sign in.

use anyhow::Result;
use comfy_table::{Table, presets};

use super::accounts::{self, Account};
use crate::context::Context;
use crate::ports;
use crate::services::SERVICES;
use crate::supervisor::State;
use crate::ui;

/// Prints addresses and one account per role.
pub(crate) fn print(context: &Context, state: &State) -> Result<()> {
    for line in addresses(state) {
        ui::out(&line)?;
    }
    let accounts = accounts::one_per_role(&accounts::read(&context.layout)?);
    if !accounts.is_empty() {
        ui::out(&format!(
            "\nDemo accounts (data `{}`; all people are invented):",
            state.options.dataset.name()
        ))?;
        ui::out(&table(&accounts).to_string())?;
        ui::out("One-time code of an account: cargo ent totp LOGIN")?;
    }
    Ok(())
}

fn addresses(state: &State) -> Vec<String> {
    let front = format!("https://localhost:{}", ports::HTTPS);
    let mut lines = vec![format!("\nFront door   {front}/   (authority: .ent/tls/ca.crt)")];
    if !state.options.only_engines {
        lines.extend(
            SERVICES.map(|service| format!("{service:<12} {front}/{service}/v1   {front}/{service}/docs/")),
        );
    }
    lines.push(format!("PostgreSQL   127.0.0.1:{}", ports::DEMO.postgres));
    let [first, .., last] = ports::DEMO.redis();
    lines.push(format!("Redis        127.0.0.1:{first} to {last}"));
    lines
}

fn table(accounts: &[Account]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_header(["role", "login", "password", "one-time code", "person"]);
    for account in accounts {
        let code = if account.totp_secret.is_empty() {
            "no".to_owned()
        } else {
            format!("cargo ent totp {}", account.login)
        };
        table.add_row([&account.role, &account.login, &account.password, &code, &account.person_name]);
    }
    table
}
