//! Settles campaigns: everybody of some classes or of a role is to set a password by a new code, which is printed on sheets.
//!
//! The request names the people under headings, which are the classes as the caller knows them: classes belong to courses, and
//! a campaign must work while courses is away. What it does to accounts is worked off in batches; codes are made when a sheet is
//! printed, since they are said once and kept nowhere.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use shared::audit::{Actor, Order};
use shared::context::Context;
use shared::pg::{Database, Transaction, Work};
use shared::session::{Claims, Role};
use utoipa::ToSchema;
use uuid::Uuid;

use super::administration::{may_administer, may_concern};
use super::code_issue::issue_in;
use super::codes::Purpose;
use super::revocation::{Act, Revocations, Target, revoke_in};
use super::sealed::SealingKey;
use crate::error::{AdministrationError, Error};
use crate::store;
use crate::store::campaign::{Batch, Card, Key, LeftOut, NewCampaign, Overview, Sheet};

/// Accounts in one transaction of the worker: it holds them, and the counter of revocations, for some milliseconds.
const BATCH: i64 = 50;
/// People of a role on one sheet.
const ON_A_SHEET: usize = 40;

/// Campaigns that are listed: a school has a few a year.
const LISTED: i64 = 50;

/// Who is to get a code.
pub enum People {
    /// These, under a heading each.
    Groups(Vec<Group>),
    /// Everybody with this role, under headings that begin so.
    Role(Role, &'static str),
}

/// The people of one sheet.
pub struct Group {
    /// Such as `3e A`.
    pub heading: String,
    /// The people.
    pub people: Vec<Uuid>,
}

/// A campaign that is asked for.
pub struct Request {
    /// Which; the caller's own name for it, so that the same request twice is one campaign.
    pub key: Key,
    /// What the codes are for: the first password, or another.
    pub purpose: Purpose,
    /// Who is to get one.
    pub people: People,
    /// Who is not.
    pub except: Vec<Uuid>,
}

/// How far a campaign is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Progress {
    /// The campaign.
    pub id: Uuid,
    /// `activation` or `reset`.
    #[schema(example = "reset")]
    pub purpose: String,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// What is printed at once, by number.
    pub sheets: Vec<Sheet>,
    /// Who gets no code.
    pub left_out: Vec<LeftOut>,
}

/// A sheet with its codes. It is made once and kept nowhere.
pub struct Printed {
    /// The class.
    pub heading: String,
    /// The school's name.
    pub school: String,
    /// What the codes are for.
    pub purpose: Purpose,
    /// When they are good no more.
    pub expires_at: DateTime<Utc>,
    /// Who gets which, in the order of names.
    pub cards: Vec<(Card, String)>,
}

/// Begins a campaign. The same again changes nothing.
pub async fn begin(
    database: &Database,
    context: &Context,
    order: &Order,
    created_by: Uuid,
    request: Request,
) -> Result<(), Error> {
    let Key { school, id } = request.key;
    let mut transaction = database.begin(context, Work::Write).await?;
    let new = NewCampaign {
        key: request.key,
        purpose: request.purpose.name(),
        fingerprint: fingerprint(&request),
        created_by,
        authority: order.authority.clone(),
        created_at: context.clock().utc(),
    };
    if let Some(before) = store::campaign::insert(&mut transaction, &new).await? {
        let is_same = before == new.fingerprint;
        return if is_same { Ok(()) } else { Err(AdministrationError::OtherCampaign.into()) };
    }
    let mut count = 0;
    for (number, group) in (1..).zip(groups(&mut transaction, school, request.people, &request.except).await?)
    {
        count += group.people.len();
        let sheet = (number, group.heading.as_str());
        if store::campaign::insert_sheet(&mut transaction, request.key, sheet, &group.people).await? > 0 {
            return Err(AdministrationError::NotOfTheSchool.into());
        }
    }
    let details = json!({ "school": school, "purpose": request.purpose.name(), "people": count });
    order.keep(&mut transaction, "campaign_begun", format!("campaign:{id}"), details).await?;
    Ok(transaction.commit().await?)
}

async fn groups(
    transaction: &mut Transaction,
    school: Uuid,
    people: People,
    except: &[Uuid],
) -> Result<Vec<Group>, Error> {
    let without = |mut people: Vec<Uuid>| {
        people.retain(|person| !except.contains(person));
        people
    };
    let groups: Vec<Group> = match people {
        People::Groups(groups) => {
            groups.into_iter().map(|group| Group { people: without(group.people), ..group }).collect()
        }
        People::Role(role, heading) => {
            let people = without(store::campaign::find_people(transaction, school, role).await?);
            let parts = people.chunks(ON_A_SHEET).zip(1..);
            parts
                .map(|(part, number)| Group { heading: format!("{heading} {number}"), people: part.to_vec() })
                .collect()
        }
    };
    Ok(groups.into_iter().filter(|group| !group.people.is_empty()).collect())
}

/// The latest campaigns of a school, the newest first.
pub async fn list(
    database: &Database,
    context: &Context,
    caller: &Claims,
    school: Uuid,
) -> Result<Vec<Overview>, Error> {
    may_administer(caller, school, context.clock().unix_seconds())?;
    let mut reader = database.reader(context, Work::Write).await?;
    Ok(store::campaign::find_latest(&mut reader, school, LISTED).await?)
}

/// How far a campaign of a school is.
pub async fn progress(
    database: &Database,
    context: &Context,
    caller: &Claims,
    key: Key,
) -> Result<Progress, Error> {
    may_administer(caller, key.school, context.clock().unix_seconds())?;
    // The primary: whoever has just begun it asks at once.
    let mut reader = database.reader(context, Work::Write).await?;
    let found = store::campaign::find(&mut reader, key).await?;
    let (purpose, created_at) = found.ok_or(AdministrationError::CampaignNotFound)?;
    let sheets = store::campaign::find_sheets(&mut reader, key).await?;
    let left_out = store::campaign::find_left_out(&mut reader, key).await?;
    Ok(Progress { id: key.id, purpose, created_at, sheets, left_out })
}

/// Works off one batch of whichever campaign. Returns whether there was one.
pub async fn work_off(revocations: &Revocations, context: &Context) -> Result<bool, Error> {
    let mut transaction = revocations.database().begin(context, Work::Background).await?;
    let Some(batch) = store::campaign::next_batch(&mut transaction, BATCH).await? else { return Ok(false) };
    let ready = store::campaign::sort(&mut transaction, &batch).await?;
    let is_reset = batch.purpose == Purpose::Reset.name();
    if is_reset && !ready.is_empty() {
        force_resets(&mut transaction, &batch, &ready).await?;
    }
    transaction.commit().await?;
    if is_reset {
        revocations.announce(context).await;
    }
    Ok(true)
}

async fn force_resets(transaction: &mut Transaction, batch: &Batch, people: &[Uuid]) -> Result<(), Error> {
    let now = transaction.context().clock().utc();
    store::campaign::force_reset(transaction, people, now).await?;
    let order = Order::new(Actor::Person(batch.created_by), batch.authority.clone());
    let act = Act {
        target: Target::Accounts(people.to_vec()),
        actor: order.actor,
        authority: Some(order.authority.clone()),
        details: json!({ "reason": "campaign", "campaign": batch.key.id }),
    };
    revoke_in(transaction, &act).await?;
    let details = json!({ "people": people });
    Ok(order.keep(transaction, "resets_forced", format!("campaign:{}", batch.key.id), details).await?)
}

/// Makes the codes of a sheet, for whoever still needs one. A sheet that was printed before is printed `again` only when that is
/// said: the codes of before are good no more.
pub async fn print(
    database: &Database,
    code_key: &SealingKey,
    context: &Context,
    order: &Order,
    (key, number): (Key, i32),
    again: bool,
) -> Result<Printed, Error> {
    let mut transaction = database.begin(context, Work::Write).await?;
    let held = store::campaign::hold_sheet(&mut transaction, key, number).await?;
    let (heading, printings, waiting, purpose, school) = held.ok_or(AdministrationError::CampaignNotFound)?;
    if waiting > 0 {
        return Err(AdministrationError::SheetNotReady.into());
    }
    if printings > 0 && !again {
        return Err(AdministrationError::SheetPrinted.into());
    }
    let people = store::campaign::hold_cards(&mut transaction, key, number, &purpose).await?;
    let purpose = if purpose == Purpose::Reset.name() { Purpose::Reset } else { Purpose::Activation };
    let mut expires_at = context.clock().utc();
    let mut cards = Vec::with_capacity(people.len());
    for card in people {
        may_concern(order, card.person_id, false)?;
        let issued = issue_in(&mut transaction, code_key, card.person_id, purpose).await?;
        expires_at = issued.expires_at;
        cards.push((card, issued.code));
    }
    store::campaign::note_printing(&mut transaction, key, number, context.clock().utc()).await?;
    let people: Vec<Uuid> = cards.iter().map(|(card, _)| card.person_id).collect();
    let details = json!({ "sheet": number, "printing": printings + 1, "people": people });
    order.keep(&mut transaction, "sheet_printed", format!("campaign:{}", key.id), details).await?;
    transaction.commit().await?;
    cards.sort_by(|(a, _), (b, _)| (&a.family_name, &a.given_name).cmp(&(&b.family_name, &b.given_name)));
    Ok(Printed { heading, school, purpose, expires_at, cards })
}

/// What tells this request from another under the same id.
fn fingerprint(request: &Request) -> String {
    let people = match &request.people {
        People::Groups(groups) => {
            json!(groups.iter().map(|group| (&group.heading, &group.people)).collect::<Vec<_>>())
        }
        People::Role(role, _) => json!(role.name()),
    };
    let asked = json!([request.purpose.name(), people, request.except]).to_string();
    URL_SAFE_NO_PAD.encode(Sha256::digest(asked))
}
