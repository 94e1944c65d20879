//! Settles what can go wrong with restrictions, and what somebody reads who may not send for now: until when, and why.

use actix_web::http::StatusCode;
use chrono::{DateTime, Utc};
use shared::http::Problem;

use crate::domain::restriction::{Direction, Mode, NotYet, Restriction};
use crate::domain::wording::people;

/// Those for whom sending opens at the same moment are told to come within so many seconds of it.
const OPENING_SPREAD_S: u32 = 60;

/// A failure of an act about restrictions, or what one has closed.
#[derive(Debug, thiserror::Error)]
pub enum RestrictionError {
    /// A message is not taken for now.
    #[error("sending is restricted: {:?} {:?} {:?}", .restriction.role, .restriction.direction, .restriction.mode)]
    Restricted {
        /// By this.
        restriction: Box<Restriction>,
        /// When this was said.
        now: DateTime<Utc>,
    },
    /// A restriction without an end that is allowed, or otherwise wrong.
    #[error("{0}")]
    Bad(&'static str),
    /// So many restrictions of a school, or of all schools, are not over.
    #[error("too many restrictions are open")]
    TooMany,
    /// The school has no such restriction in force.
    #[error("no such restriction in force")]
    NotFound,
    /// It cannot be made so weak now.
    #[error("the restriction cannot be made so weak: {0:?}")]
    NotYet(NotYet),
    /// It is reopened only after an all-clear, and there was none since it was opened.
    #[error("the school has no all-clear since")]
    NoAllClear,
}

impl RestrictionError {
    /// What it is to whoever asked.
    pub(super) fn problem(&self) -> Problem {
        let conflict = |code, detail: String| Problem::new(StatusCode::CONFLICT, code, detail);
        match self {
            Self::Restricted { restriction, now } => restricted(restriction, *now),
            Self::Bad(fault) => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_body", *fault),
            Self::TooMany => conflict(
                "too_many_restrictions",
                "So many restrictions are in force already: reopen one of them first.".to_owned(),
            ),
            Self::NotFound => Problem::new(
                StatusCode::NOT_FOUND,
                "restriction_not_found",
                "There is no such restriction here, or it is over.",
            ),
            Self::NotYet(NotYet::NotWeaker) => {
                conflict("not_weaker", "This restriction is as weak as that already.".to_owned())
            }
            Self::NotYet(NotYet::EarlierStep(role)) => conflict(
                "earlier_step_first",
                format!(
                    "Reopen in steps (staff, teachers, guardians, pupils): {} come first.",
                    people(*role)
                ),
            )
            .with("role", role),
            Self::NoAllClear => conflict(
                "all_clear_missing",
                "Somebody has to make sure first that the school is safe, and give the all-clear.".to_owned(),
            ),
        }
    }
}

/// 403 and not 503, because libraries repeat a 503 by themselves.
fn restricted(restriction: &Restriction, now: DateTime<Utc>) -> Problem {
    let wait_s = u32::try_from((restriction.ends_at - now).num_seconds()).unwrap_or(0).saturating_add(1);
    let who = people(restriction.role);
    let what = match (restriction.direction, restriction.mode) {
        (Direction::From, Mode::ReplyOnly) => {
            format!("{who} of this school can only answer those who wrote to them")
        }
        (Direction::To, Mode::ReplyOnly) => {
            format!("{who} of this school only get answers to what they wrote")
        }
        (Direction::From, Mode::Open | Mode::Hold | Mode::Closed) => {
            format!("{who} of this school cannot send messages")
        }
        (Direction::To, Mode::Open | Mode::Hold | Mode::Closed) => {
            format!("nobody can send messages to {who} of this school")
        }
    };
    let until = restriction.ends_at.format("%-d %B %Y, %H:%M UTC");
    let detail = format!("Until {until} at the latest, {what}. The reason: {}", restriction.reason);
    Problem::new(StatusCode::FORBIDDEN, "sending_restricted", detail)
        .retry_after_within(wait_s, OPENING_SPREAD_S)
        .with("until", &restriction.ends_at)
        .with("reason", &restriction.reason)
        .with("mode", &restriction.mode)
        .with("direction", &restriction.direction)
        .with("role", &restriction.role)
}
