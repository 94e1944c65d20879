//! Settles how an incident is opened, added to and closed: each an audited act, in a school by those in charge of it, elsewhere by operators.
//!
//! An incident that concerns several schools, or networks, is the operators': nobody in one school reads the sign-ins of
//! another. Closing ends nothing that is in force and deletes nothing; it says what is still to be ended.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use shared::audit::{Actor, Order};
use shared::context::Context;
use shared::ids;
use shared::pg::{Database, Transaction, Work};
use uuid::Uuid;

use super::incident::{Incident, NewIncident, Note, Remaining};
use super::restriction::Restriction;
use crate::error::{Error, IncidentError};
use crate::store;
use crate::store::restriction::EVERYWHERE;

/// Incidents that are listed.
const LISTED: i64 = 100;
/// How far back an incident may begin: as far as sign-ins are kept.
const FARTHEST: TimeDelta = TimeDelta::days(366);
/// Accounts of one incident.
pub const MOST_ACCOUNTS: usize = 500;

/// Who may see and change which incidents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Those of one school alone.
    School(Uuid),
    /// All: for operators.
    All,
}

impl Whose {
    fn has(self, incident: &Incident) -> bool {
        match self {
            Self::School(school) => incident.is_of(school),
            Self::All => true,
        }
    }
}

/// The acts. Cloning shares what they work on.
#[derive(Clone)]
pub struct Incidents {
    database: Database,
}

impl Incidents {
    /// On a database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Opens one.
    pub async fn open(&self, context: &Context, order: &Order, new: &NewIncident) -> Result<Incident, Error> {
        let now = context.clock().utc();
        check(new, now)?;
        let mut transaction = self.database.begin(context, Work::Background).await?;
        let id = ids::new_id(&**context.clock());
        if let (Actor::Person(_), [school]) = (order.actor, new.school_ids.as_slice()) {
            are_of_school(&mut transaction, *school, &new.accounts).await?;
        }
        let by = person(order);
        store::incident::insert(&mut transaction, (id, now), by, &order.authority, new).await?;
        let details = json!({
            "kind": new.kind, "schools": new.school_ids, "accounts": new.accounts, "networks": new.networks,
            "starts_at": new.starts_at,
        });
        keep(&mut transaction, order, "incident_opened", id, details).await?;
        let opened = store::incident::lock(&mut transaction, id).await?.ok_or(IncidentError::NotFound)?;
        transaction.commit().await?;
        Ok(opened)
    }

    /// The latest ones, the last opened first.
    pub async fn list(&self, context: &Context, whose: Whose) -> Result<Vec<Incident>, Error> {
        let mut reader = self.database.reader(context, Work::Background).await?;
        let school = match whose {
            Whose::School(school) => Some(school),
            Whose::All => None,
        };
        let found = store::incident::list(&mut reader, school, LISTED).await?;
        Ok(found.into_iter().filter(|incident| whose.has(incident)).collect())
    }

    /// One, with what people wrote down.
    pub async fn find(
        &self,
        context: &Context,
        whose: Whose,
        id: Uuid,
    ) -> Result<(Incident, Vec<Note>), Error> {
        let mut reader = self.database.reader(context, Work::Background).await?;
        let found = store::incident::find(&mut reader, id).await?;
        let incident = found.filter(|incident| whose.has(incident)).ok_or(IncidentError::NotFound)?;
        Ok((incident, store::incident::find_notes(&mut reader, id).await?))
    }

    /// The order, in an incident where one is named: it must be open and concern the school.
    pub async fn order_in(
        &self,
        context: &Context,
        order: Order,
        incident: Option<Uuid>,
        school: Option<Uuid>,
    ) -> Result<Order, Error> {
        if let Some(id) = incident {
            self.may_act_in(context, id, school).await?;
        }
        Ok(order.in_incident(incident))
    }

    async fn may_act_in(&self, context: &Context, id: Uuid, school: Option<Uuid>) -> Result<(), Error> {
        let mut reader = self.database.reader(context, Work::Background).await?;
        let incident = store::incident::find(&mut reader, id).await?.ok_or(IncidentError::NotFound)?;
        let concerns = |school| incident.school_ids.is_empty() || incident.school_ids.contains(&school);
        match (school.is_none_or(concerns), incident.closed_at) {
            (false, _) => Err(IncidentError::NotFound.into()),
            (true, Some(_)) => Err(IncidentError::Closed.into()),
            (true, None) => Ok(()),
        }
    }

    /// Writes something down.
    pub async fn note(
        &self,
        context: &Context,
        order: &Order,
        (whose, id): (Whose, Uuid),
        text: String,
    ) -> Result<Note, Error> {
        let mut transaction = self.database.begin(context, Work::Background).await?;
        self.lock_open(&mut transaction, whose, id).await?;
        let note = Note {
            id: ids::new_id(&**context.clock()),
            noted_at: context.clock().utc(),
            noted_by: person(order),
            authority: order.authority.clone(),
            text,
        };
        store::incident::insert_note(&mut transaction, id, &note).await?;
        // The text stays where it can be deleted; its hash says that it was not changed.
        let sha256 = shared::evidence::sha256(note.text.as_bytes());
        let details = json!({ "note": note.id, "sha256": sha256 });
        keep(&mut transaction, order, "incident_noted", id, details).await?;
        transaction.commit().await?;
        Ok(note)
    }

    /// Adds accounts that it concerns; returns how many are new.
    pub async fn name_accounts(
        &self,
        context: &Context,
        order: &Order,
        (whose, id): (Whose, Uuid),
        accounts: &[Uuid],
    ) -> Result<u64, Error> {
        let mut transaction = self.database.begin(context, Work::Background).await?;
        let incident = self.lock_open(&mut transaction, whose, id).await?;
        if incident.accounts.len() + accounts.len() > MOST_ACCOUNTS {
            return Err(IncidentError::Bad("accounts: 500 at most in one incident").into());
        }
        if let Whose::School(school) = whose {
            are_of_school(&mut transaction, school, accounts).await?;
        }
        let now = context.clock().utc();
        let count = store::incident::name_accounts(&mut transaction, id, accounts, now).await?;
        keep(&mut transaction, order, "incident_accounts_named", id, json!({ "accounts": accounts })).await?;
        transaction.commit().await?;
        Ok(count)
    }

    /// Keeps that somebody reads its timeline, which says who signed in from where.
    pub async fn keep_reading(
        &self,
        context: &Context,
        order: &Order,
        (whose, id): (Whose, Uuid),
    ) -> Result<(), Error> {
        let mut transaction = self.database.begin(context, Work::Background).await?;
        let found = store::incident::lock(&mut transaction, id).await?;
        found.filter(|incident| whose.has(incident)).ok_or(IncidentError::NotFound)?;
        keep(&mut transaction, order, "incident_timeline_read", id, json!({})).await?;
        Ok(transaction.commit().await?)
    }

    /// Closes one. Returns what stays in force.
    pub async fn close(
        &self,
        context: &Context,
        order: &Order,
        (whose, id): (Whose, Uuid),
    ) -> Result<Remaining, Error> {
        let now = context.clock().utc();
        let mut transaction = self.database.begin(context, Work::Background).await?;
        let incident = self.lock_open(&mut transaction, whose, id).await?;
        let remaining = remaining(&mut transaction, &incident, now).await?;
        store::incident::close(&mut transaction, id, now, person(order), &order.authority).await?;
        let details = json!({ "in_force": remaining.in_force.len() });
        keep(&mut transaction, order, "incident_closed", id, details).await?;
        transaction.commit().await?;
        Ok(remaining)
    }

    async fn lock_open(
        &self,
        transaction: &mut Transaction,
        whose: Whose,
        id: Uuid,
    ) -> Result<Incident, Error> {
        let found = store::incident::lock(transaction, id).await?;
        let incident = found.filter(|incident| whose.has(incident)).ok_or(IncidentError::NotFound)?;
        if incident.closed_at.is_some() { Err(IncidentError::Closed.into()) } else { Ok(incident) }
    }
}

/// What is in force in the schools of an incident.
async fn remaining(
    transaction: &mut Transaction,
    incident: &Incident,
    now: DateTime<Utc>,
) -> Result<Remaining, Error> {
    let schools = if incident.school_ids.is_empty() { vec![EVERYWHERE] } else { incident.school_ids.clone() };
    let mut in_force = vec![];
    for school in schools {
        let found = store::restriction::list_in_force(transaction, school, now).await?;
        in_force.extend(found.iter().map(|restriction| line(school, restriction)));
    }
    let schools = &incident.school_ids;
    for (school, recall) in
        store::incident::find_quarantined(transaction, schools, incident.starts_at).await?
    {
        in_force.push(format!("recall {recall} in school {school}: quarantined, until two persons decide"));
    }
    Ok(Remaining { in_force })
}

fn line(school: Uuid, restriction: &Restriction) -> String {
    let Restriction { id, role, direction, mode, ends_at, .. } = restriction;
    let (role, direction, mode) = (role.name(), direction.name(), mode.name());
    format!("restriction {id} in school {school}: {mode} {direction} {role}, until {ends_at}")
}

fn check(new: &NewIncident, now: DateTime<Utc>) -> Result<(), Error> {
    if new.starts_at > now || new.starts_at < now - FARTHEST {
        return Err(IncidentError::Bad("starts_at: within the last 366 days").into());
    }
    if new.accounts.len() > MOST_ACCOUNTS {
        return Err(IncidentError::Bad("accounts: 500 at most in one incident").into());
    }
    Ok(())
}

async fn are_of_school(transaction: &mut Transaction, school: Uuid, accounts: &[Uuid]) -> Result<(), Error> {
    let mut distinct = accounts.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let count = store::incident::count_of_school(transaction, school, &distinct).await?;
    let are_all = usize::try_from(count).is_ok_and(|count| count == distinct.len());
    if are_all { Ok(()) } else { Err(IncidentError::NotOfSchool.into()) }
}

async fn keep(
    transaction: &mut Transaction,
    order: &Order,
    act: &'static str,
    id: Uuid,
    details: serde_json::Value,
) -> Result<(), Error> {
    let order = order.clone().in_incident(Some(id));
    Ok(order.keep(transaction, act, format!("incident:{id}"), details).await?)
}

fn person(order: &Order) -> Option<Uuid> {
    match order.actor {
        Actor::Person(id) => Some(id),
        Actor::Operator | Actor::Service => None,
    }
}
