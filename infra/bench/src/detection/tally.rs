//! Settles what is counted of a replayed day: what a campaign reached, and what honest people had to bear.

use std::collections::HashSet;

use uuid::Uuid;

use super::people::{HOUR_MS, MINUTE_MS};
use super::replay::Outcome;
use super::sending::Sending;

/// What one campaign reached.
#[derive(Debug, Clone, Copy)]
pub struct Reached {
    /// Sends that were held, and all.
    pub held: (f64, f64),
    /// Copies and schools until the campaign's first held send.
    pub copies_before: f64,
    pub schools_before: f64,
    /// Copies and schools in the end, had nobody done more than review.
    pub copies: f64,
    pub schools: f64,
}

/// Of the hostile sends of a day.
pub fn reached(sendings: &[Sending], outcomes: &[Outcome]) -> Reached {
    let hostile: Vec<(&Sending, &Outcome)> =
        sendings.iter().zip(outcomes).filter(|(sending, _)| sending.is_hostile).collect();
    let held = hostile.iter().filter(|(_, outcome)| outcome.is_held);
    let stopped = held
        .clone()
        .filter(|(_, outcome)| outcome.delivered_at_ms.is_none())
        .map(|(sending, _)| sending.at_ms);
    let first_hold_ms = stopped.min().unwrap_or(u64::MAX);
    let until = |end_ms: u64| {
        let delivered =
            hostile.iter().filter(|(_, outcome)| outcome.delivered_at_ms.is_some_and(|at| at < end_ms));
        let copies: u32 = delivered.clone().map(|(sending, _)| sending.circumstances().recipients).sum();
        let schools: HashSet<Uuid> = delivered.map(|(sending, _)| sending.outgoing.school_id).collect();
        (f64::from(copies), count(schools.len()))
    };
    let (copies_before, schools_before) = until(first_hold_ms);
    let (copies, schools) = until(u64::MAX);
    Reached {
        held: (count(held.count()), count(hostile.len())),
        copies_before,
        schools_before,
        copies,
        schools,
    }
}

/// What honest people had to bear in one day.
#[derive(Debug, Clone, Copy)]
pub struct Borne {
    /// Broad sends.
    pub broad: f64,
    /// Of these, held for longer than a minute.
    pub late: f64,
    /// Of these, not delivered within an hour: as good as refused.
    pub refused: f64,
    /// All honest sends, and those held for longer than a minute.
    pub sends: f64,
    pub sends_late: f64,
    /// Looked at by reviewers.
    pub reviewed: f64,
    /// Broad sends whose sender typed a code.
    pub codes: f64,
}

/// Of the honest sends of a day.
pub fn borne(sendings: &[Sending], outcomes: &[Outcome]) -> Borne {
    let honest = sendings.iter().zip(outcomes).filter(|(sending, _)| !sending.is_hostile);
    let mut borne =
        Borne { broad: 0.0, late: 0.0, refused: 0.0, sends: 0.0, sends_late: 0.0, reviewed: 0.0, codes: 0.0 };
    for (sending, outcome) in honest {
        let delay_ms = outcome.delivered_at_ms.map_or(u64::MAX, |at| at - sending.at_ms);
        let one = |is_so: bool| f64::from(u8::from(is_so));
        let is_late = delay_ms > MINUTE_MS;
        borne.sends += 1.0;
        borne.sends_late += one(is_late);
        borne.reviewed += one(outcome.is_reviewed);
        if sending.circumstances().is_broad() {
            borne.broad += 1.0;
            borne.late += one(is_late);
            borne.refused += one(delay_ms > HOUR_MS);
            borne.codes += one(outcome.is_held && !outcome.is_reviewed);
        }
    }
    borne
}

fn count(count: usize) -> f64 {
    super::interval::float(count)
}
