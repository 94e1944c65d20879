//! Settles how auth is asked for what it keeps of sign-ins and of acts in an incident.

use std::net::IpAddr;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use shared::audit::{Named, Proof};
use shared::context::Context;
use shared::siblings::{Error, Sibling};
use uuid::Uuid;

/// Accounts of one question: their ids are in its address.
const MOST_PEOPLE: usize = 50;

/// Something that happened to an account, or to nobody's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityEvent {
    /// The event.
    pub id: Uuid,
    /// When it happened first.
    pub at: DateTime<Utc>,
    /// When it happened last.
    pub last_at: DateTime<Utc>,
    /// How often.
    pub count: i32,
    /// What, such as `signed_in`.
    pub kind: String,
    /// How, or why not.
    pub detail: Option<String>,
    /// Whose account.
    pub person_id: Option<Uuid>,
    /// Where that person has a role.
    pub school_ids: Vec<Uuid>,
    /// From which address.
    pub address: Option<IpAddr>,
    /// On which device.
    pub device_id: Option<Uuid>,
    /// Whether it was the first time there.
    pub is_new_device: Option<bool>,
    /// In which session.
    pub session_id: Option<Uuid>,
    /// In which browser.
    pub browser: Option<String>,
}

/// A span in which events may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Which instance saw them.
    pub instance: String,
    /// From then on.
    pub from: DateTime<Utc>,
    /// Until then, if it is known.
    pub until: Option<DateTime<Utc>>,
    /// How many, if it is known.
    pub lost: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct Page {
    events: Vec<SecurityEvent>,
    is_last: bool,
    gaps: Vec<Gap>,
    written_until: Option<DateTime<Utc>>,
}

/// Which events.
#[derive(Debug, Clone)]
pub enum About {
    /// Of these accounts.
    Accounts(Vec<Uuid>),
    /// From this network.
    Network(String),
    /// All.
    Everybody,
}

/// What auth keeps of a window.
#[derive(Debug, Default)]
pub struct Kept {
    /// In no order.
    pub events: Vec<SecurityEvent>,
    /// What may be missing.
    pub gaps: Vec<Gap>,
    /// Whether there were more than were asked for.
    pub is_cut: bool,
    /// Up to when everything is written.
    pub written_until: Option<DateTime<Utc>>,
}

/// What happened in a window, `most` events at most.
pub async fn find(
    auth: &Sibling,
    context: &Context,
    window: (DateTime<Utc>, DateTime<Utc>),
    about: &[About],
    most: usize,
) -> Result<Kept, Error> {
    let mut kept = Kept::default();
    for question in about.iter().flat_map(questions) {
        follow(auth, context, window, &question, (&mut kept, most)).await?;
    }
    kept.gaps.sort_by(|a, b| (a.from, &a.instance).cmp(&(b.from, &b.instance)));
    kept.gaps.dedup();
    Ok(kept)
}

fn questions(about: &About) -> Vec<String> {
    match about {
        About::Accounts(people) => people.chunks(MOST_PEOPLE).map(of_people).collect(),
        About::Network(network) => vec![format!("&address={network}")],
        About::Everybody => vec![String::new()],
    }
}

fn of_people(people: &[Uuid]) -> String {
    let people: Vec<String> = people.iter().map(Uuid::to_string).collect();
    format!("&people={}", people.join(","))
}

async fn follow(
    auth: &Sibling,
    context: &Context,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
    question: &str,
    (kept, most): (&mut Kept, usize),
) -> Result<(), Error> {
    let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let mut after = String::new();
    loop {
        let path = format!(
            "/internal/v1/security-events?from={}&until={}{question}{after}",
            text(from),
            text(until)
        );
        let page: Page = auth.get(context, &path).await?;
        if after.is_empty() {
            kept.gaps.extend(page.gaps);
            kept.written_until = page.written_until;
        }
        let last = page.events.last().map(|event| (event.at, event.id));
        kept.events.extend(page.events);
        let Some((at, id)) = last.filter(|_| !page.is_last) else { return Ok(()) };
        if kept.events.len() >= most {
            kept.is_cut = true;
            return Ok(());
        }
        after = format!("&after_at={}&after_id={id}", text(at));
    }
}

/// What was done in auth in an incident.
#[derive(Debug, Default, Deserialize)]
pub struct Acts {
    /// Entries of its audit log.
    pub entries: Vec<Named>,
    /// What proves those that are covered.
    pub proof: Option<Proof>,
}

/// What was done in auth in an incident.
pub async fn find_acts(auth: &Sibling, context: &Context, incident: Uuid) -> Result<Acts, Error> {
    auth.get(context, &format!("/internal/v1/incidents/{incident}/acts")).await
}
