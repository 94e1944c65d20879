//! Settles how a sibling reads security events: a window, of accounts or of a network, page by page.

use std::net::IpAddr;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Query};
use chrono::{DateTime, Utc};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use shared::context::Context;
use shared::http::Problem;
use shared::pg::Work;
use shared::service_token::CallingService;
use uuid::Uuid;

use crate::app::Auth;
use crate::error::Error;
use crate::store::security_event::{Gap, KeptEvent, Wanted, find, find_gaps, find_written_until};

/// Events of one page; 2,000 of them are about 600 KB.
const PAGE: i64 = 2_000;
/// Accounts of one question: their ids are in its address.
const MOST_PEOPLE: usize = 50;

/// Which events.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// From this moment on.
    from: DateTime<Utc>,
    /// Before this one.
    until: DateTime<Utc>,
    /// Ids of at most 50 accounts, with commas between them; all when absent.
    people: Option<String>,
    /// An address or a network; all when absent.
    address: Option<String>,
    /// Time and id of the last event of the page before.
    after_at: Option<DateTime<Utc>>,
    /// See `after_at`.
    after_id: Option<Uuid>,
}

/// One page.
#[derive(Serialize)]
pub struct Page {
    /// In the order of their time.
    events: Vec<KeptEvent>,
    /// Whether no event of the window comes after them.
    is_last: bool,
    /// What may be missing in the window.
    gaps: Vec<Gap>,
    /// Up to when everything that was seen is written; absent while no instance says so.
    written_until: Option<DateTime<Utc>>,
}

/// What happened in a window.
pub async fn list(
    _sibling: CallingService,
    context: Context,
    auth: Data<Auth>,
    question: Query<Question>,
) -> Result<Json<Page>, Problem> {
    let wanted = wanted(&question).ok_or_else(malformed)?;
    let (window, now) = ((wanted.from, wanted.until), context.clock().utc());
    let mut reader = auth.database().reader(&context, Work::Background).await.map_err(Error::from)?;
    // What is said to be written is asked first: an event that comes meanwhile is on a later page, never missed.
    let written_until = find_written_until(&mut reader, now).await.map_err(Error::from)?;
    let events = find(&mut reader, &wanted, PAGE).await.map_err(Error::from)?;
    let gaps = find_gaps(&mut reader, window, now).await.map_err(Error::from)?;
    let is_last = i64::try_from(events.len()).is_ok_and(|length| length < PAGE);
    Ok(Json(Page { events, is_last, gaps, written_until }))
}

fn wanted(question: &Question) -> Option<Wanted> {
    let people = question.people.iter().flat_map(|people| people.split(','));
    let people: Vec<Uuid> = people.map(|id| id.parse().ok()).collect::<Option<_>>()?;
    let after = match (question.after_at, question.after_id) {
        (Some(at), Some(id)) => Some((at, id)),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return None,
    };
    let network = match &question.address {
        Some(text) => Some(network(text)?),
        None => None,
    };
    let is_good = people.len() <= MOST_PEOPLE && question.from < question.until;
    is_good.then_some(Wanted { from: question.from, until: question.until, people, network, after })
}

fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn malformed() -> Problem {
    let detail = "from before until (RFC 3339); people: up to 50 ids with commas; address: an address or a network; \
                  after_at with after_id.";
    Problem::new(StatusCode::BAD_REQUEST, "malformed_query", detail)
}
