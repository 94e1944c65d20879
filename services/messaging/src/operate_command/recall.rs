//! Settles how operators withdraw messages and decide about what is withdrawn, in one school or in all of them. It is hidden when the command ends.

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use shared::ablation::Ablation;
use shared::context::Context;
use shared::http::Authority;
use shared::pg::Database;
use shared::service::Said;
use shared::session::Role;
use uuid::Uuid;

use super::{Who, account, line_of_text, named, order};
use crate::domain::recall::{Decision, Extent, Selector};
use crate::domain::recalls::{Deciding, Recalls, Request};
use crate::store::recall::Recall;

#[derive(Subcommand)]
pub enum Command {
    /// Count what a recall would withdraw, without a change.
    PreviewRecall(Which),
    /// Hide messages until it is decided what becomes of them.
    Recall {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        why: Why,
    },
    /// List the latest recalls of all schools, or of one.
    Recalls {
        #[arg(long)]
        school: Option<Uuid>,
    },
    /// Show what a recall hides again: one operator asks, another who asks for the same within an hour does it.
    RestoreRecall(Asked),
    /// Keep what a recall hides hidden for good: two operators ask for it, as for a restoration.
    FinishRecall(Asked),
}

/// By sender, by text, one by one, or all of a school for a while.
#[derive(Args)]
pub struct Which {
    /// In this school only; needed without `--sender` and `--alike`.
    #[arg(long)]
    school: Option<Uuid>,
    /// What this person sent; may be given several times, up to 500.
    #[arg(long = "sender", conflicts_with_all = ["messages", "roles"], requires = "since")]
    senders: Vec<Uuid>,
    /// What is like this message, in all schools without `--school`: the campaign that it belongs to.
    #[arg(long, conflicts_with_all = ["senders", "messages", "roles"], requires = "since")]
    alike: Option<Uuid>,
    /// This message; may be given several times, up to 1,000.
    #[arg(long = "message", conflicts_with_all = ["roles", "since", "until"])]
    messages: Vec<Uuid>,
    /// By people of the school who have no other roles than these.
    #[arg(long = "role", value_parser = named::<Role>)]
    roles: Vec<Role>,
    /// Since then (RFC 3339).
    #[arg(long, required_unless_present = "messages")]
    since: Option<DateTime<Utc>>,
    /// Before then; up to now without it.
    #[arg(long)]
    until: Option<DateTime<Utc>>,
}

#[derive(Args)]
pub struct Why {
    /// Why, for the school.
    #[arg(long, value_parser = line_of_text::<300>)]
    pub(super) reason: String,
    /// Whom recipients are to ask.
    #[arg(long, value_parser = line_of_text::<200>)]
    pub(super) contact: Option<String>,
    #[arg(long)]
    pub(super) authority: Authority,
    /// Which incident it belongs to.
    #[arg(long)]
    pub(super) incident: Option<Uuid>,
}

#[derive(Args)]
pub struct Asked {
    id: Uuid,
    #[command(flatten)]
    who: Who,
}

impl Which {
    fn selector(self) -> (Option<Uuid>, Selector) {
        let Self { school, senders, alike, messages, roles, since, until } = self;
        let since = since.unwrap_or(DateTime::UNIX_EPOCH);
        let selector = if !senders.is_empty() {
            Selector::Senders { ids: senders, since, until }
        } else if let Some(message_id) = alike {
            Selector::Alike { message_id, since, until }
        } else if messages.is_empty() {
            Selector::Window { since, until, roles }
        } else {
            Selector::Messages { ids: messages }
        };
        (school, selector)
    }
}

/// Does one command, and says what was done.
pub async fn run(command: Command, database: &Database, ablation: Ablation, context: &Context) -> Said {
    let recalls = Recalls::new(database.clone(), ablation);
    match command {
        Command::PreviewRecall(which) => {
            let (school, selector) = which.selector();
            Ok(lines(&recalls.preview(context, school, &selector, None).await?))
        }
        Command::Recall { which, why } => withdraw(&recalls, database, context, (which, why)).await,
        Command::Recalls { school } => {
            let found = recalls.list(context, school).await?;
            let line = |one: &Recall| {
                let (id, state, hidden_at, authority) = (one.id, &one.state, one.hidden_at, &one.authority);
                let (messages, copies, read) = (one.messages, one.copies, one.read);
                format!(
                    "{id} {state} since {hidden_at}: {messages} messages, {copies} copies, {read} read ({authority})"
                )
            };
            Ok(found.iter().map(line).collect::<Vec<_>>().join("\n"))
        }
        Command::RestoreRecall(asked) => decide(&recalls, database, context, asked, Decision::Restored).await,
        Command::FinishRecall(asked) => decide(&recalls, database, context, asked, Decision::Final).await,
    }
}

async fn withdraw(
    recalls: &Recalls,
    database: &Database,
    context: &Context,
    (which, why): (Which, Why),
) -> Said {
    let (school, selector) = which.selector();
    let Why { reason, contact, authority, incident } = why;
    let order = order(database, context, authority, incident, school).await?;
    let request = Request { selector, reason, contact };
    let withdrawn = recalls.quarantine_anywhere(context, &order, school, &request).await?;
    let id = withdrawn.id.map_or("nothing".to_owned(), |id| id.to_string());
    Ok(format!("{id}\n{}", lines(&withdrawn.schools)))
}

async fn decide(
    recalls: &Recalls,
    database: &Database,
    context: &Context,
    asked: Asked,
    decision: Decision,
) -> Said {
    let Asked { id, who } = asked;
    let order = order(database, context, who.authority, who.incident, who.school).await?;
    let deciding = recalls.decide(context, &order, account(&who.operator), (who.school, id), decision);
    Ok(match deciding.await? {
        Deciding::Waiting { lapses_at, .. } => format!("waiting for another operator until {lapses_at}"),
        Deciding::Done { .. } => "done".to_owned(),
    })
}

pub(super) fn lines(schools: &[Extent]) -> String {
    let line = |one: &Extent| {
        let Extent { school_id, messages, quoting, copies, read } = one;
        format!("{school_id} {messages} messages ({quoting} of them quote), {copies} copies, {read} read")
    };
    schools.iter().map(line).collect::<Vec<_>>().join("\n")
}
