//! Settles how operators have stolen accounts secured, wherever they are.
//!
//! When the command ends they cannot send, and what they sent is hidden. What auth has to do is done by the running instances of
//! messaging, within a second where auth answers; `response` says how far it is.

use chrono::{DateTime, Utc};
use clap::Subcommand;
use shared::ablation::Ablation;
use shared::context::Context;
use shared::pg::Database;
use shared::service::Said;
use uuid::Uuid;

use super::order;
use super::recall::{Why, lines};
use crate::domain::account_response::{AccountResponses, NewAccountResponse};
use crate::store::account_response::{Member, OPERATORS, Response};

#[derive(Subcommand)]
pub enum Command {
    /// Refuse what some accounts send, withdraw what they have sent, and have auth contain them.
    Respond {
        /// Whose account; may be given several times, up to 500.
        #[arg(long = "person", required = true)]
        people: Vec<Uuid>,
        /// Since when they are not trusted (RFC 3339).
        #[arg(long)]
        since: DateTime<Utc>,
        #[command(flatten)]
        why: Why,
    },
    /// List the latest responses of operators, or of a school.
    Responses {
        #[arg(long)]
        school: Option<Uuid>,
    },
    /// Say how far a response is, account by account.
    Response {
        id: Uuid,
        #[arg(long)]
        school: Option<Uuid>,
    },
}

/// Does one command, and says what was done.
pub async fn run(command: Command, database: &Database, ablation: Ablation, context: &Context) -> Said {
    let responses = AccountResponses::new(database.clone(), ablation);
    match command {
        Command::Respond { people, since, why } => {
            let Why { reason, contact, authority, incident } = why;
            let order = order(database, context, authority, incident, None).await?;
            let new = NewAccountResponse { people, since, reason, contact };
            let done = responses.respond_alone(context, &order, &new).await?;
            let recall = done.recall_id.map_or("nothing".to_owned(), |id| id.to_string());
            let head = format!("{} {} accounts, recall {recall}", done.id, done.accounts);
            Ok(format!("{head}\n{}", lines(&done.schools)))
        }
        Command::Responses { school } => {
            let found = responses.list(context, school.unwrap_or(OPERATORS)).await?;
            Ok(found.iter().map(response).collect::<Vec<_>>().join("\n"))
        }
        Command::Response { id, school } => {
            let progress = responses.progress(context, school.unwrap_or(OPERATORS), id).await?;
            Ok(progress.members.iter().map(member).collect::<Vec<_>>().join("\n"))
        }
    }
}

fn response(one: &Response) -> String {
    let Response { id, asked_at, accounts, waiting, authority, .. } = one;
    format!("{id} since {asked_at}: {accounts} accounts, {waiting} waiting for auth ({authority})")
}

fn member(one: &Member) -> String {
    let Member { person_id, state, attempts, waiting_for } = one;
    let waiting_for = waiting_for.as_deref().unwrap_or("-");
    format!("{person_id} {state} after {attempts} attempts ({waiting_for})")
}
