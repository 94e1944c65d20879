//! Settles how operators keep an incident on the host: open, list, show, note, name accounts, timeline, evidence, close.
//!
//! Everything but sign-ins needs PostgreSQL alone: no front door, no running service. Sign-ins are asked of auth.

use std::path::PathBuf;

use chrono::{DateTime, SecondsFormat, Utc};
use clap::{Subcommand, ValueEnum};
use ipnet::IpNet;
use serde_json::to_string_pretty;
use shared::audit::Order;
use shared::context::Context;
use shared::http::Authority;
use shared::pg::Database;
use shared::resilience::breaker::Registry;
use shared::service::{Config, Said, Service, audit_log};
use shared::service_token::Identity;
use shared::siblings::Sibling;
use tokio::runtime::Handle;
use uuid::Uuid;

use super::{line_of_text, named};
use crate::app::Messaging;
use crate::domain::evidence::Export;
use crate::domain::incident::{Incident, Kind, NewIncident};
use crate::domain::incidents::{Incidents, Whose};
use crate::domain::timeline::{Timeline, Timelines};
use crate::domain::timeline_page::Page;
use crate::error::{Error, IncidentError};

#[derive(Subcommand)]
pub enum Command {
    /// Open an incident; prints its id.
    OpenIncident {
        /// What happened: `hijacked_accounts`, `flood` or `other`.
        #[arg(long, value_parser = named::<Kind>)]
        kind: Kind,
        /// In a few words, without names of people.
        #[arg(long, value_parser = line_of_text::<200>)]
        title: String,
        /// Since when (RFC 3339).
        #[arg(long)]
        since: DateTime<Utc>,
        /// Which school; may be given several times, all schools without it.
        #[arg(long = "school")]
        schools: Vec<Uuid>,
        /// Whose account; may be given several times, up to 500.
        #[arg(long = "person")]
        people: Vec<Uuid>,
        /// From which address or network; may be given several times.
        #[arg(long = "network", value_parser = network)]
        networks: Vec<String>,
        #[arg(long)]
        authority: Authority,
    },
    /// List the latest incidents.
    Incidents,
    /// Show one, with its notes.
    ShowIncident { id: Uuid },
    /// Write something down in an incident.
    Note {
        id: Uuid,
        #[arg(long, value_parser = line_of_text::<4_000>)]
        note: String,
        #[arg(long)]
        authority: Authority,
    },
    /// Name more accounts in an incident.
    NameAccounts {
        id: Uuid,
        #[arg(long = "person", required = true)]
        people: Vec<Uuid>,
        #[arg(long)]
        authority: Authority,
    },
    /// Print the timeline of an incident: what was done, sign-ins, messages.
    Timeline {
        id: Uuid,
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Seal what the accounts of an incident sent, and write the signed bundle of all that is known.
    ExportEvidence {
        id: Uuid,
        /// The bundle; it must not exist.
        file: PathBuf,
        /// Write it although something is missing; it says what.
        #[arg(long)]
        allow_gaps: bool,
        #[arg(long)]
        authority: Authority,
    },
    /// Close an incident. It ends nothing, deletes nothing, and says what stays in force.
    CloseIncident {
        id: Uuid,
        #[arg(long)]
        authority: Authority,
    },
}

/// How a timeline is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A line for each thing.
    Text,
    /// One JSON document with proofs.
    Json,
    /// A page to print.
    Html,
}

/// Does one command, and says what was done.
pub async fn run(
    command: Command,
    config: &Config<crate::Config>,
    database: &Database,
    context: &Context,
) -> Said {
    let incidents = Incidents::new(database.clone());
    match command {
        Command::OpenIncident { kind, title, since, schools, people, networks, authority } => {
            let new = NewIncident {
                kind,
                title,
                school_ids: schools,
                accounts: people,
                networks,
                starts_at: since,
            };
            let opened = incidents.open(context, &Order::of_operator(authority.into_text()), &new).await?;
            Ok(opened.id.to_string())
        }
        Command::Incidents => {
            let found = incidents.list(context, Whose::All).await?;
            Ok(found.iter().map(line).collect::<Vec<_>>().join("\n"))
        }
        Command::ShowIncident { id } => show(&incidents, context, id).await,
        Command::Note { id, note, authority } => {
            let order = Order::of_operator(authority.into_text());
            Ok(incidents.note(context, &order, (Whose::All, id), note).await?.id.to_string())
        }
        Command::NameAccounts { id, people, authority } => {
            let order = Order::of_operator(authority.into_text());
            let count = incidents.name_accounts(context, &order, (Whose::All, id), &people).await?;
            Ok(format!("{count} new"))
        }
        Command::Timeline { id, format } => {
            let timeline = timelines(config, database)?.show(context, Whose::All, id).await?;
            Ok(print(&timeline, format)?)
        }
        Command::ExportEvidence { id, file, allow_gaps, authority } => {
            let order = Order::of_operator(authority.into_text());
            let readers = config.own.reader_keys(config.profile)?;
            let export = Export { timelines: timelines(config, database)?, readers, allows_gaps: allow_gaps };
            let exported = export.run(context, &order, id, &file).await?;
            let missing: Vec<String> =
                exported.missing.iter().map(|line| format!("\nmissing: {line}")).collect();
            let missing = missing.concat();
            let (moments, sealed) = (exported.moments, exported.sealed);
            Ok(format!("{}: {moments} lines, {sealed} sealed messages{missing}", file.display()))
        }
        Command::CloseIncident { id, authority } => {
            let order = Order::of_operator(authority.into_text());
            let remaining = incidents.close(context, &order, (Whose::All, id)).await?;
            let in_force: Vec<String> =
                remaining.in_force.iter().map(|line| format!("\nstill in force: {line}")).collect();
            let in_force = in_force.concat();
            Ok(format!("closed{in_force}"))
        }
    }
}

/// On the engines of this process: auth is asked as the service asks it.
fn timelines(
    config: &Config<crate::Config>,
    database: &Database,
) -> Result<Timelines, Box<dyn std::error::Error + Send + Sync>> {
    let clock = config.clock();
    let breakers = Registry::new(clock.clone(), config.ablate);
    let identity = Identity::open(&config.service_identity, Messaging::NAME, config.profile, clock.clone())?;
    let auth = Sibling::new("auth", &config.own.siblings.auth, identity, Handle::current(), &breakers)?;
    let log = audit_log(config, Messaging::NAME, database, &clock)?;
    Ok(Timelines { incidents: Incidents::new(database.clone()), database: database.clone(), log, auth })
}

async fn show(incidents: &Incidents, context: &Context, id: Uuid) -> Said {
    let (incident, notes) = incidents.find(context, Whose::All, id).await?;
    let list = |name: &str, all: &[String]| {
        all.iter().map(|one| format!("\n{name} {one}")).collect::<Vec<_>>().concat()
    };
    let ids = |all: &[Uuid]| all.iter().map(Uuid::to_string).collect::<Vec<_>>();
    let notes: Vec<String> =
        notes.iter().map(|note| format!("\n{} {}", time(note.noted_at), note.text)).collect();
    Ok([
        line(&incident),
        list("school", &ids(&incident.school_ids)),
        list("account", &ids(&incident.accounts)),
        list("network", &incident.networks),
        notes.concat(),
    ]
    .concat())
}

fn line(incident: &Incident) -> String {
    let Incident { id, kind, title, authority, starts_at, closed_at, .. } = incident;
    let state = closed_at.map_or_else(|| "open".to_owned(), |at| format!("closed {}", time(at)));
    format!("{id} {} since {}: {title} ({authority}), {state}", kind.name(), time(*starts_at))
}

fn print(timeline: &Timeline, format: Format) -> Result<String, Error> {
    let Timeline { incident, made_at, moments, gaps, missing, .. } = timeline;
    match format {
        Format::Json => Ok(to_string_pretty(timeline).map_err(|_| IncidentError::Bad("it has no JSON"))?),
        Format::Html => Ok(Page { incident, made_at: *made_at, moments, gaps, missing }.render()),
        Format::Text => {
            let lines = moments.iter().map(|moment| {
                let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
                let (subject, actor) = (text(&moment.subject), text(&moment.actor));
                let (at, details) = (time(moment.at), &moment.details);
                format!("{at} {} {subject} by {actor} ({}) {details}", moment.what, text(&moment.authority))
            });
            let gaps = gaps.iter().map(|gap| {
                let lost = gap.lost.map_or_else(|| "some".to_owned(), |lost| lost.to_string());
                format!("may be missing: {lost} sign-in events of {} from {}", gap.instance, time(gap.from))
            });
            let missing = missing.iter().map(|line| format!("missing: {line}"));
            Ok(lines.chain(gaps).chain(missing).collect::<Vec<_>>().join("\n"))
        }
    }
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn network(text: &str) -> Result<String, String> {
    let network =
        text.parse::<IpNet>().or_else(|_| text.parse().map(|address: std::net::IpAddr| address.into()));
    network.map(|network| network.trunc().to_string()).map_err(|_| "an address or a network".to_owned())
}
