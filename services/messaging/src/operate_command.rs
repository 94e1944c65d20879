//! Settles `messaging operate`: what the operators of an installation do on its host, each an audited command with the authority that demanded it.
//!
//! Sending is closed to roles in all schools here and nowhere else. Only PostgreSQL is needed, and whatever is closed is
//! closed when the command ends; what homes show of it follows within a minute.

mod account_response;
mod incident;
mod recall;

use std::path::PathBuf;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::{Args, CommandFactory, Parser, Subcommand};
use serde::de::DeserializeOwned;
use serde_json::Value;
use shared::audit::Order;
use shared::context::Context;
use shared::http::Authority;
use shared::pg::Database;
use shared::service::{Config, Said, operate};
use shared::session::Role;
use uuid::Uuid;

use crate::app::Messaging;
use crate::domain::incidents::Incidents;
use crate::domain::restriction::{Direction, Mode, Restriction};
use crate::domain::restrictions::{NewRestriction, Reopening, Restrictions};
use crate::error::Error;

/// Commands of operators. Exit codes: 0 done, 1 failed and nothing changed, 2 wrong usage, 78 wrong configuration.
#[derive(Parser)]
#[command(name = "messaging operate")]
struct Cli {
    /// Configuration file (TOML) of the service.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Close sending to roles, in all schools unless one is named.
    Restrict(Restrict),
    /// List what is closed in all schools, or in one.
    Restrictions {
        #[arg(long)]
        school: Option<Uuid>,
    },
    /// Make a restriction weaker, or end it: one operator asks, another who asks for the same within an hour confirms.
    Reopen {
        id: Uuid,
        /// What it is to become: `open`, `reply_only` or `hold`.
        #[arg(long, value_parser = named::<Mode>)]
        mode: Mode,
        #[command(flatten)]
        who: Who,
    },
    /// Say that a school is safe, or that all are. It opens nothing by itself.
    AllClear {
        #[command(flatten)]
        who: Who,
    },
    #[command(flatten)]
    Recall(recall::Command),
    #[command(flatten)]
    AccountResponse(account_response::Command),
    #[command(flatten)]
    Incident(incident::Command),
}

#[derive(Args)]
struct Who {
    /// In this school alone; in all schools without it.
    #[arg(long)]
    school: Option<Uuid>,
    /// The sign of whoever gives the command, such as `op-3`: each operator has one.
    #[arg(long, value_parser = sign)]
    operator: String,
    /// The incident that it belongs to.
    #[arg(long)]
    incident: Option<Uuid>,
    #[arg(long)]
    authority: Authority,
}

#[derive(Args)]
struct Restrict {
    #[arg(long)]
    school: Option<Uuid>,
    /// Whose messages; may be given several times.
    #[arg(long = "role", value_parser = named::<Role>, required = true)]
    roles: Vec<Role>,
    /// `from`: those that they send; `to`: those that are sent to them.
    #[arg(long, value_parser = named::<Direction>, default_value = "from")]
    direction: Direction,
    /// What is still possible: `reply_only`, `hold` or `closed`.
    #[arg(long, value_parser = named::<Mode>)]
    mode: Mode,
    /// Schools reopen it after an all-clear of theirs only.
    #[arg(long)]
    needs_all_clear: bool,
    /// Why, in words for those who are refused.
    #[arg(long, value_parser = line_of_text::<300>)]
    reason: String,
    /// When it ends by itself (RFC 3339), a week later at most.
    #[arg(long)]
    until: DateTime<Utc>,
    /// The incident that it belongs to.
    #[arg(long)]
    incident: Option<Uuid>,
    #[arg(long)]
    authority: Authority,
}

/// The commands and their options, for whoever writes them down.
pub fn operate_words() -> clap::Command {
    Cli::command()
}

/// Does one command, and says what was done.
pub fn operate_command(arguments: &[String]) -> ExitCode {
    let name = std::iter::once("messaging operate");
    let cli = match Cli::try_parse_from(name.chain(arguments.iter().map(String::as_str))) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    operate::<Messaging>(&cli.config, async |config, database, context| {
        command(cli.command, config, database, context).await
    })
}

async fn command(
    command: Command,
    config: &Config<crate::Config>,
    database: &Database,
    context: &Context,
) -> Said {
    let restrictions = Restrictions::new(database.clone(), None);
    match command {
        Command::Restrict(asked) => restrict(&restrictions, database, context, asked).await,
        Command::Restrictions { school } => {
            let closed = restrictions.list(context, school).await?;
            let lines = closed.restrictions.iter().map(|view| line(&view.restriction));
            Ok(lines.collect::<Vec<_>>().join("\n"))
        }
        Command::Reopen { id, mode, who } => {
            let order = order(database, context, who.authority, who.incident, who.school).await?;
            let asking = restrictions.reopen(context, &order, account(&who.operator), (who.school, id), mode);
            Ok(match asking.await? {
                Reopening::Waiting { lapses_at, .. } => {
                    format!("waiting for another operator until {lapses_at}")
                }
                Reopening::Done { .. } => "done".to_owned(),
            })
        }
        Command::AllClear { who } => {
            let order = order(database, context, who.authority, who.incident, who.school).await?;
            restrictions.give_all_clear(context, &order, account(&who.operator), who.school).await?;
            Ok("done".to_owned())
        }
        Command::Recall(command) => recall::run(command, database, config.ablate, context).await,
        Command::AccountResponse(command) => {
            account_response::run(command, database, config.ablate, context).await
        }
        Command::Incident(command) => incident::run(command, config, database, context).await,
    }
}

/// An order of an operator; in an incident that is named, which has to be open.
async fn order(
    database: &Database,
    context: &Context,
    authority: Authority,
    incident: Option<Uuid>,
    school: Option<Uuid>,
) -> Result<Order, Error> {
    let order = Order::of_operator(authority.into_text());
    Incidents::new(database.clone()).order_in(context, order, incident, school).await
}

/// Operators have no accounts: what tells them apart is their sign.
fn account(sign: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("operator:{sign}").as_bytes())
}

async fn restrict(
    restrictions: &Restrictions,
    database: &Database,
    context: &Context,
    asked: Restrict,
) -> Said {
    let Restrict { school, roles, direction, mode, needs_all_clear, reason, until, incident, authority } =
        asked;
    let order = order(database, context, authority, incident, school).await?;
    let new = NewRestriction { roles, direction, mode, needs_all_clear, reason, ends_at: until };
    let closed = restrictions.restrict(context, &order, school, &new).await?;
    Ok(closed.iter().map(line).collect::<Vec<_>>().join("\n"))
}

fn line(restriction: &Restriction) -> String {
    let Restriction { id, role, ends_at, authority, .. } = restriction;
    let place = if restriction.is_of_all_schools { "all schools" } else { "one school" };
    let (direction, mode) = (restriction.direction.name(), restriction.mode.name());
    format!("{id} {mode} {direction} {} in {place} until {ends_at} ({authority})", role.name())
}

/// A value by its name in answers.
fn named<T: DeserializeOwned>(name: &str) -> Result<T, String> {
    serde_json::from_value(Value::String(name.to_owned())).map_err(|error| error.to_string())
}

fn sign(text: &str) -> Result<String, String> {
    let is_good =
        (1..=40).contains(&text.len()) && text.chars().all(|one| one.is_ascii_alphanumeric() || one == '-');
    is_good.then(|| text.to_owned()).ok_or_else(|| "1 to 40 letters, digits and hyphens".to_owned())
}

fn line_of_text<const LONGEST: usize>(text: &str) -> Result<String, String> {
    let is_good = (1..=LONGEST).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    is_good.then(|| text.to_owned()).ok_or_else(|| format!("1 to {LONGEST} letters on one line"))
}
