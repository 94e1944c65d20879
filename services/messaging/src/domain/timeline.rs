//! Settles the timeline of an incident: what was done and what happened, in one order of time, each with where it is kept.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use shared::audit::{self, Named, Proof, find_of_incident, prove};
use shared::context::Context;
use shared::pg::{Database, Work};
use shared::siblings::Sibling;
use utoipa::ToSchema;
use uuid::Uuid;

use super::incident::{Incident, Kind, Note};
use super::incidents::{Incidents, Whose};
use super::own_part;
use crate::error::Error;
use crate::store;
use crate::store::evidence::SentMessage;
use crate::upstream::security_events::{self, About, Acts, Gap, Kept, SecurityEvent};

/// Security events, and messages, of one timeline.
const MOST: usize = 50_000;

/// Where something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The audit log of messaging.
    MessagingAudit,
    /// The audit log of auth.
    AuthAudit,
    /// auth's log of sign-ins and of what happened to credentials.
    SecurityEvents,
    /// The messages themselves.
    Messages,
    /// What people wrote down.
    Notes,
}

/// Something that was done, or that happened.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Moment {
    /// When (UTC).
    pub at: DateTime<Utc>,
    /// Where it is kept.
    pub source: Source,
    /// What.
    pub what: String,
    /// Who did it: a person, an operator or the service; absent where nobody acted in an office.
    pub actor: Option<String>,
    /// Who demanded it.
    pub authority: Option<String>,
    /// To whom or what: a kind and an id.
    pub subject: Option<String>,
    /// In which request: the id of its trace, as in the request log.
    pub request_id: Option<String>,
    /// Place in the audit log, by which its proof is found.
    pub position: Option<u64>,
    /// What else is known.
    #[schema(value_type = Object)]
    pub details: Value,
}

/// The timeline.
#[derive(Debug, Serialize, ToSchema)]
pub struct Timeline {
    /// The incident.
    pub incident: Incident,
    /// As of when.
    pub made_at: DateTime<Utc>,
    /// In the order of time.
    pub moments: Vec<Moment>,
    /// Spans in which sign-ins may be missing.
    #[schema(value_type = Vec<Object>)]
    pub gaps: Vec<Gap>,
    /// What is missing for other reasons, in words.
    pub missing: Vec<String>,
    /// What proves entries of the audit logs, where checkpoints are signed.
    #[schema(value_type = Vec<Object>)]
    pub proofs: Vec<Proof>,
}

/// Everything that a timeline is made of.
pub struct Gathered {
    /// The incident.
    pub incident: Incident,
    /// What people wrote down.
    pub notes: Vec<Note>,
    /// What was done here.
    pub acts: Vec<Named>,
    /// What was done in auth.
    pub acts_of_auth: Acts,
    /// Sign-ins and what happened to credentials.
    pub events: Kept,
    /// What the accounts sent.
    pub messages: Vec<SentMessage>,
    /// What is missing, in words.
    pub missing: Vec<String>,
}

/// Gathers timelines. Cloning shares what they are made of.
#[derive(Clone)]
pub struct Timelines {
    /// The incidents.
    pub incidents: Incidents,
    /// Acts and messages.
    pub database: Database,
    /// What proves acts.
    pub log: audit::Log,
    /// Sign-ins.
    pub auth: Sibling,
}

impl Timelines {
    /// The timeline of an incident. What auth does not say is named as missing.
    pub async fn show(&self, context: &Context, whose: Whose, id: Uuid) -> Result<Timeline, Error> {
        let gathered = self.gather(context, whose, id).await?;
        let mut proofs: Vec<Proof> = self.prove(&gathered.acts).await?.into_iter().collect();
        proofs.extend(gathered.acts_of_auth.proof.clone());
        proofs.retain(|proof| !proof.entries.is_empty());
        let moments = gathered.moments();
        let Gathered { incident, events, missing, .. } = gathered;
        let made_at = context.clock().utc();
        Ok(Timeline { incident, made_at, moments, gaps: events.gaps, missing, proofs })
    }

    /// What proves acts of messaging, where checkpoints are signed.
    pub async fn prove(&self, acts: &[Named]) -> Result<Option<Proof>, Error> {
        match prove(&self.log, acts).await {
            Ok(proof) => Ok(proof),
            Err(audit::Error::NotConfigured) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Everything that it is made of.
    pub async fn gather(&self, context: &Context, whose: Whose, id: Uuid) -> Result<Gathered, Error> {
        let (mut incident, notes) = self.incidents.find(context, whose, id).await?;
        let mut acts = {
            let mut reader = self.database.reader(context, Work::Background).await?;
            find_of_incident(&mut reader, id).await?
        };
        let mut missing = vec![];
        let mut acts_of_auth = match security_events::find_acts(&self.auth, context, id).await {
            Ok(acts) => acts,
            Err(error) => {
                missing.push(format!("what was done in auth: {error}"));
                Acts::default()
            }
        };
        if let Whose::School(school) = whose {
            self.keep_own(context, school, (&mut incident, &mut acts, &mut acts_of_auth)).await?;
        }
        let concerned = concerned(&incident, acts.iter().chain(&acts_of_auth.entries));
        let events = self.events(context, whose, &incident, &concerned.accounts, &mut missing).await;
        let messages = self.messages(context, &incident, &concerned, &mut missing).await?;
        Ok(Gathered { incident, notes, acts, acts_of_auth, events, messages, missing })
    }

    /// Leaves what concerns a school: neither auth nor anybody else is asked about accounts of others.
    async fn keep_own(
        &self,
        context: &Context,
        school: Uuid,
        (incident, acts, acts_of_auth): (&mut Incident, &mut Vec<Named>, &mut Acts),
    ) -> Result<(), Error> {
        let contents = acts.iter().chain(&acts_of_auth.entries);
        let contents = contents.filter_map(|act| serde_json::from_str::<Value>(&act.content).ok());
        let mut named: Vec<Uuid> = contents.flat_map(|content| own_part::accounts_of(&content)).collect();
        named.extend(&incident.accounts);
        let mut reader = self.database.reader(context, Work::Background).await?;
        let own = store::incident::list_of_school(&mut reader, school, &named).await?.into_iter().collect();
        incident.accounts.retain(|account| BTreeSet::contains(&own, account));
        *acts = own_part::of_acts(std::mem::take(acts), school, &own);
        acts_of_auth.entries = own_part::of_acts(std::mem::take(&mut acts_of_auth.entries), school, &own);
        acts_of_auth.proof = own_part::of_proof(acts_of_auth.proof.take(), &acts_of_auth.entries);
        Ok(())
    }

    async fn events(
        &self,
        context: &Context,
        whose: Whose,
        incident: &Incident,
        accounts: &[Uuid],
        missing: &mut Vec<String>,
    ) -> Kept {
        let window = (incident.starts_at, incident.ends_at(context.clock().utc()));
        match security_events::find(&self.auth, context, window, &about(whose, incident, accounts), MOST)
            .await
        {
            Ok(kept) => {
                if kept.is_cut {
                    missing.push(format!("sign-ins after the first {}", kept.events.len()));
                }
                kept
            }
            Err(error) => {
                missing.push(format!("sign-ins: {error}"));
                Kept::default()
            }
        }
    }

    async fn messages(
        &self,
        context: &Context,
        incident: &Incident,
        concerned: &Concerned,
        missing: &mut Vec<String>,
    ) -> Result<Vec<SentMessage>, Error> {
        let mut reader = self.database.reader(context, Work::Background).await?;
        let window = (incident.starts_at, incident.ends_at(context.clock().utc()));
        let limit = i64::try_from(MOST).unwrap_or(i64::MAX);
        let schools = &incident.school_ids;
        let whose = (concerned.accounts.as_slice(), concerned.recalls.as_slice());
        let found = store::evidence::find_sent(&mut reader, whose, schools, window, limit).await?;
        if found.len() >= MOST {
            missing.push(format!("messages after the first {MOST}"));
        }
        Ok(found)
    }
}

/// Whom and what an incident concerns: what was named, and that to which something was done in it.
struct Concerned {
    accounts: Vec<Uuid>,
    recalls: Vec<Uuid>,
}

fn concerned<'a>(incident: &Incident, acts: impl Iterator<Item = &'a Named>) -> Concerned {
    let (mut accounts, mut recalls) = (incident.accounts.clone(), vec![]);
    for content in acts.filter_map(|act| serde_json::from_str::<Value>(&act.content).ok()) {
        let subject = |kind: &str| content.get("subject")?.as_str()?.strip_prefix(kind)?.parse::<Uuid>().ok();
        let detail = |name: &str| content.get("details")?.get(name);
        let people = detail("people").and_then(Value::as_array).into_iter().flatten();
        accounts.extend(subject("account:"));
        accounts.extend(people.filter_map(|person| person.as_str()?.parse::<Uuid>().ok()));
        recalls.extend(subject("recall:"));
        recalls.extend(detail("recall").and_then(Value::as_str).and_then(|id| id.parse::<Uuid>().ok()));
    }
    for ids in [&mut accounts, &mut recalls] {
        ids.sort_unstable();
        ids.dedup();
    }
    Concerned { accounts, recalls }
}

/// A school reads the sign-ins of its accounts; operators also those from networks, and those of everybody in a flood.
fn about(whose: Whose, incident: &Incident, accounts: &[Uuid]) -> Vec<About> {
    let mut about = vec![];
    if !accounts.is_empty() {
        about.push(About::Accounts(accounts.to_vec()));
    }
    if whose == Whose::All {
        about.extend(incident.networks.iter().cloned().map(About::Network));
        if about.is_empty() && incident.kind == Kind::Flood {
            about.push(About::Everybody);
        }
    }
    about
}

impl Gathered {
    /// In the order of time.
    pub fn moments(&self) -> Vec<Moment> {
        let acts = self.acts.iter().filter_map(|act| of_act(act, Source::MessagingAudit));
        let acts_of_auth = self.acts_of_auth.entries.iter().filter_map(|act| of_act(act, Source::AuthAudit));
        let mut moments: Vec<Moment> = acts.chain(acts_of_auth).collect();
        moments.extend(self.notes.iter().map(of_note));
        moments.extend(self.events.events.iter().map(of_event));
        moments.extend(self.messages.iter().map(of_message));
        moments.sort_by_key(|moment| (moment.at, moment.source, moment.position));
        moments
    }
}

fn of_act(act: &Named, source: Source) -> Option<Moment> {
    let content: Value = serde_json::from_str(&act.content).ok()?;
    let text = |name: &str| Some(content.get(name)?.as_str()?.to_owned());
    let actor = content.get("actor")?;
    let actor = match (actor.get("kind")?.as_str()?, actor.get("id").and_then(Value::as_str)) {
        (kind, Some(id)) => format!("{kind}:{id}"),
        (kind, None) => kind.to_owned(),
    };
    Some(Moment {
        at: text("at")?.parse().ok()?,
        source,
        what: text("act")?,
        actor: Some(actor),
        authority: text("authority"),
        subject: text("subject"),
        request_id: text("trace_id"),
        position: act.position,
        details: content.get("details").cloned().unwrap_or_default(),
    })
}

fn happened(at: DateTime<Utc>, source: Source, what: &str) -> Moment {
    Moment {
        at,
        source,
        what: what.to_owned(),
        actor: None,
        authority: None,
        subject: None,
        request_id: None,
        position: None,
        details: Value::Null,
    }
}

fn of_note(note: &Note) -> Moment {
    let by = note.noted_by.map_or_else(|| "operator".to_owned(), |id| format!("person:{id}"));
    Moment {
        actor: Some(by),
        authority: Some(note.authority.clone()),
        subject: Some(format!("note:{}", note.id)),
        details: json!({ "text": note.text }),
        ..happened(note.noted_at, Source::Notes, "note")
    }
}

fn of_event(event: &SecurityEvent) -> Moment {
    Moment {
        subject: event.person_id.map(|id| format!("account:{id}")),
        details: json!({
            "address": event.address, "device": event.device_id, "is_new_device": event.is_new_device,
            "session": event.session_id, "browser": event.browser, "detail": event.detail, "count": event.count,
            "last_at": event.last_at, "schools": event.school_ids, "event": event.id,
        }),
        ..happened(event.at, Source::SecurityEvents, &event.kind)
    }
}

fn of_message(message: &SentMessage) -> Moment {
    Moment {
        actor: Some(format!("person:{}", message.sender_id)),
        subject: Some(format!("message:{}", message.id)),
        details: json!({
            "school": message.school_id, "thread": message.thread_id, "recipients": message.recipients,
            "read_by": message.read_by, "state": message.state,
        }),
        ..happened(message.sent_at, Source::Messages, "message_sent")
    }
}
