//! Settles what somebody reads who has sent as much as they may: what is left, and when it comes back.

use actix_web::http::StatusCode;
use chrono::{DateTime, Utc};
use shared::http::Problem;

use crate::domain::budget::{Exceeded, MOST_WAITING, Spent};

/// Those whose budgets come back at the same moment are told to come within so many seconds of it.
const RETURN_SPREAD_S: u32 = 30;

/// 403 and not 429, because libraries repeat a 429 by themselves.
pub(super) fn exceeded(exceeded: &Exceeded, now: DateTime<Utc>) -> Problem {
    let refused = |code, detail: String| Problem::new(StatusCode::FORBIDDEN, code, detail);
    match exceeded {
        Exceeded::Message { most } => {
            let detail = format!("One message of yours goes to {most} people at most: write to fewer.");
            refused("too_many_recipients", detail).with("most", most)
        }
        Exceeded::Day(spent) => {
            let Spent { most, left, .. } = spent;
            let detail = format!("You write to {most} different people a day at most, and {left} are left.");
            returning(refused("day_budget_spent", detail), spent, now)
        }
        Exceeded::Hour(spent) => {
            let Spent { most, left, .. } = spent;
            let detail = format!(
                "Your messages to many go to {most} recipients an hour at most, and {left} are left."
            );
            returning(refused("hour_budget_spent", detail), spent, now)
        }
        Exceeded::Messages(spent) => {
            let Spent { most, left, .. } = spent;
            let detail = format!("You send {most} messages an hour at most, and {left} are left.");
            returning(refused("message_budget_spent", detail), spent, now)
        }
        Exceeded::CodeNeeded => Problem::step_up_required(),
        Exceeded::CodeNeededForHour(spent) => {
            let Spent { most, left, .. } = spent;
            let detail = format!(
                "Your messages of an hour go to {most} recipients, and {left} are left: for more, prove again who you \
                 are, with the current code of your authenticator."
            );
            returning(refused("step_up_required", detail), spent, now)
        }
        Exceeded::Waiting => {
            let detail = format!(
                "{MOST_WAITING} messages of yours wait until somebody of the school has looked at them: this one would \
                 wait as well, and is not taken."
            );
            refused("too_many_waiting", detail).with("most", &MOST_WAITING)
        }
    }
}

fn returning(problem: Problem, spent: &Spent, now: DateTime<Utc>) -> Problem {
    let wait_s = u32::try_from((spent.back_at - now).num_seconds()).unwrap_or(0).saturating_add(1);
    problem
        .retry_after_within(wait_s, RETURN_SPREAD_S)
        .with("most", &spent.most)
        .with("left", &spent.left)
        .with("until", &spent.back_at)
}
