//! Settles how much one account sends: recipients of a message, people of a day, messages and recipients of an hour. A pure function.
//!
//! A hijacked account gets nowhere before anybody has reacted, and honest people do not notice. The values are starting
//! values of the design; a school changes them within limits. An account on a device that it has used for less than a day
//! has half of them: whoever has a stolen password has no device of its owner.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use shared::session::Role;
use utoipa::ToSchema;

/// No message reaches more people than this, whoever sends it.
pub const MOST_RECIPIENTS: usize = 5_000;
/// A message to more people than this is broad, and counts for the hour.
pub const BROAD_FROM: usize = 10;
/// For more recipients than these, a one-time code of the last quarter of an hour is asked for.
pub const CODE_FROM: usize = 200;
/// So many messages of an account wait for a second look at most: more would bury those of others.
pub const MOST_WAITING: usize = 10;

const NEW_DEVICE: Duration = Duration::from_hours(24);
const DAY: TimeDelta = TimeDelta::days(1);
const HOUR: TimeDelta = TimeDelta::hours(1);

/// How much an account sends in a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Limits {
    /// Recipients of one message.
    pub per_message: usize,
    /// Distinct people of any 24 hours; absent: not counted.
    pub people_a_day: Option<usize>,
    /// Recipients of the broad messages (to more than 10) of any hour; absent: not counted.
    pub broad_an_hour: Option<usize>,
    /// Recipients of all messages of any hour, however few each has, without a one-time code of the last quarter of an hour;
    /// absent: not counted.
    pub unproved_an_hour: Option<usize>,
    /// Messages of any hour.
    pub messages_an_hour: usize,
}

impl Limits {
    /// Of a school that has changed nothing.
    pub fn default_of(role: Role) -> Self {
        match role {
            Role::Student => Self::of_few(10, 60, 60),
            Role::Guardian => Self::of_few(10, 50, 60),
            Role::Teacher => Self::of_many(1_000, 1_000, 600, 300),
            Role::SchoolLife | Role::Staff => Self::of_many(2_500, 5_000, 600, 300),
            Role::Principal | Role::LocalAdmin => Self::of_many(MOST_RECIPIENTS, 15_000, 600, 300),
        }
    }

    /// How far a school can raise them.
    pub fn widest_of(role: Role) -> Self {
        match role {
            Role::Student | Role::Guardian => Self::of_few(40, 200, 200),
            Role::Teacher | Role::SchoolLife | Role::Staff | Role::Principal | Role::LocalAdmin => {
                Self::of_many(MOST_RECIPIENTS, 30_000, 5_000, 1_000)
            }
        }
    }

    /// Of those who write to people they know.
    fn of_few(per_message: usize, people_a_day: usize, messages_an_hour: usize) -> Self {
        let people_a_day = Some(people_a_day);
        Self { per_message, people_a_day, broad_an_hour: None, unproved_an_hour: None, messages_an_hour }
    }

    /// Of personnel.
    fn of_many(per_message: usize, broad: usize, unproved: usize, messages_an_hour: usize) -> Self {
        let (broad_an_hour, unproved_an_hour) = (Some(broad), Some(unproved));
        Self { per_message, people_a_day: None, broad_an_hour, unproved_an_hour, messages_an_hour }
    }

    /// What somebody with both has: the wider of each.
    fn wider(self, other: Self) -> Self {
        Self {
            per_message: self.per_message.max(other.per_message),
            // Whose people are not counted in one role has them counted in none.
            people_a_day: self.people_a_day.zip(other.people_a_day).map(|(one, other)| one.max(other)),
            broad_an_hour: self.broad_an_hour.max(other.broad_an_hour),
            unproved_an_hour: self.unproved_an_hour.max(other.unproved_an_hour),
            messages_an_hour: self.messages_an_hour.max(other.messages_an_hour),
        }
    }

    /// On a new device: half.
    fn halved(self) -> Self {
        let half = |limit: usize| limit.div_ceil(2);
        Self {
            per_message: half(self.per_message),
            people_a_day: self.people_a_day.map(half),
            broad_an_hour: self.broad_an_hour.map(half),
            unproved_an_hour: self.unproved_an_hour.map(half),
            messages_an_hour: half(self.messages_an_hour),
        }
    }
}

/// What a school has changed, role by role.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct Budgets {
    changed: Vec<(Role, Limits)>,
}

impl Budgets {
    /// With what a school has changed.
    pub fn new(changed: Vec<(Role, Limits)>) -> Self {
        Self { changed }
    }

    /// Of a role.
    pub fn of_role(&self, role: Role) -> Limits {
        let changed = self.changed.iter().find(|(changed, _)| *changed == role);
        changed.map_or_else(|| Limits::default_of(role), |(_, limits)| *limits)
    }

    /// Of an account with these roles in the school. Somebody without a role sends nothing anyway.
    pub fn of(&self, roles: &[Role], device_age: Duration) -> Limits {
        let limits = roles.iter().map(|role| self.of_role(*role)).reduce(Limits::wider);
        let limits = limits.unwrap_or(Limits::default_of(Role::Student));
        if device_age < NEW_DEVICE { limits.halved() } else { limits }
    }
}

/// What an account has sent lately, in all its schools.
#[derive(Debug, Default, Clone)]
pub struct Usage {
    /// When it last wrote to each person of the last 24 hours who is no recipient now: the earliest first.
    pub others_of_day: Vec<DateTime<Utc>>,
    /// When its messages of the last hour were sent, and to how many: the earliest first.
    pub of_hour: Vec<(DateTime<Utc>, usize)>,
}

/// What is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exceeded {
    /// One message goes to so many at most.
    Message {
        /// The limit.
        most: usize,
    },
    /// So many people a day.
    Day(Spent),
    /// So many recipients of broad messages an hour.
    Hour(Spent),
    /// So many messages an hour.
    Messages(Spent),
    /// So large a message asks for a one-time code.
    CodeNeeded,
    /// So many recipients of an hour ask for one.
    CodeNeededForHour(Spent),
    /// So many of its messages wait for a second look.
    Waiting,
}

/// What is left, and when enough is for this message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// The limit.
    pub most: usize,
    /// What is left now.
    pub left: usize,
    /// When this message has room.
    pub back_at: DateTime<Utc>,
}

/// Whether an account may send one more message now, to so many people.
pub fn check(
    limits: Limits,
    usage: &Usage,
    recipients: usize,
    has_fresh_code: bool,
    now: DateTime<Utc>,
) -> Result<(), Exceeded> {
    if recipients > limits.per_message {
        return Err(Exceeded::Message { most: limits.per_message });
    }
    if let Some(most) = limits.people_a_day {
        let others = usage.others_of_day.iter().map(|at| (*at, 1));
        fits(most, others, recipients, DAY, now).map_err(Exceeded::Day)?;
    }
    let of_hour = || usage.of_hour.iter().copied();
    fits(limits.messages_an_hour, of_hour().map(|(at, _)| (at, 1)), 1, HOUR, now)
        .map_err(Exceeded::Messages)?;
    if let Some(most) = limits.broad_an_hour.filter(|_| recipients > BROAD_FROM) {
        let broad = of_hour().filter(|(_, count)| *count > BROAD_FROM);
        fits(most, broad, recipients, HOUR, now).map_err(Exceeded::Hour)?;
    }
    if has_fresh_code {
        return Ok(());
    }
    if recipients > CODE_FROM {
        return Err(Exceeded::CodeNeeded);
    }
    // Many messages to few reach as many as one to many does.
    limits.unproved_an_hour.map_or(Ok(()), |most| {
        fits(most, of_hour(), recipients, HOUR, now).map_err(Exceeded::CodeNeededForHour)
    })
}

/// Whether so many more have room; if not, when enough of what was used is older than the window.
fn fits(
    most: usize,
    used: impl Iterator<Item = (DateTime<Utc>, usize)> + Clone,
    more: usize,
    window: TimeDelta,
    now: DateTime<Utc>,
) -> Result<(), Spent> {
    let total: usize = used.clone().map(|(_, count)| count).sum();
    let over = (total + more).saturating_sub(most);
    if over == 0 {
        return Ok(());
    }
    let mut freed = 0;
    let enough = |(at, count): (DateTime<Utc>, usize)| {
        freed += count;
        (freed >= over).then_some(at + window)
    };
    // On a new device more may be used than is allowed: then it is the whole window.
    let back_at = { used }.find_map(enough).unwrap_or(now + window);
    Err(Spent { most, left: most.saturating_sub(total), back_at })
}

#[cfg(test)]
mod tests;
