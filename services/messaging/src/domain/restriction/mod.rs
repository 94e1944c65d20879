//! Settles what a send restriction is, and what becomes of a message while some are in force: a pure function.
//!
//! A restriction is of a role and a direction: what people with the role send (`from`), or what is sent to them (`to`). So
//! pupils can be silenced while the school goes on writing to families. Somebody with several roles acts in the one that is
//! free: a teacher whose child is in the school writes as a teacher while families are closed. Where several restrictions
//! meet, the strictest decides.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::session::Role;
use utoipa::ToSchema;
use uuid::Uuid;

/// Whose side a restriction is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// What people with the role send.
    From,
    /// What is sent to people with the role.
    To,
}

impl Direction {
    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::From => "from",
            Self::To => "to",
        }
    }
}

/// What is still possible, from everything to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Everything.
    Open,
    /// Answers to people who wrote in the same thread.
    ReplyOnly,
    /// Everything, and nothing is delivered before somebody of the school has looked at it.
    Hold,
    /// Nothing.
    Closed,
}

impl Mode {
    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::ReplyOnly => "reply_only",
            Self::Hold => "hold",
            Self::Closed => "closed",
        }
    }
}

/// A restriction as it is in a school now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Restriction {
    /// Which one.
    pub id: Uuid,
    /// Whether operators have closed all schools, of which this is one.
    pub is_of_all_schools: bool,
    /// Whose messages.
    pub role: Role,
    /// Those that they send, or those that are sent to them.
    pub direction: Direction,
    /// What is still possible.
    pub mode: Mode,
    /// Whether it is reopened only after an all-clear of the school.
    pub needs_all_clear: bool,
    /// Why, as those read who are refused.
    pub reason: String,
    /// Who demanded it.
    pub authority: String,
    /// Since when.
    pub opened_at: DateTime<Utc>,
    /// When it ends by itself.
    pub ends_at: DateTime<Utc>,
}

/// What a restriction needs to know of a message. It is kept with one that is held, for the day of its release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// The sender's roles in the school.
    pub sender_roles: Vec<Role>,
    /// The roles of each kind of recipient, each kind once.
    pub recipient_roles: Vec<Vec<Role>>,
    /// Whether it goes only to people who wrote to the sender in the same thread.
    pub is_reply: bool,
}

/// What becomes of a message, as far as restrictions go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage<'a> {
    /// Nothing is in its way.
    Free,
    /// It waits until somebody has looked at it.
    Held,
    /// It is not taken, for this restriction.
    Refused(&'a Restriction),
}

impl Passage<'_> {
    /// A refusal is worse the later it ends.
    fn compare(&self, other: &Self) -> Ordering {
        let key = |passage: &Passage<'_>| match passage {
            Passage::Free => (0, None),
            Passage::Held => (1, None),
            Passage::Refused(restriction) => (2, Some(restriction.ends_at)),
        };
        key(self).cmp(&key(other))
    }
}

/// What becomes of a message while these restrictions are in force in its school.
pub fn judge<'a>(in_force: &'a [Restriction], letter: &Letter) -> Passage<'a> {
    let sender = of_person(in_force, Direction::From, &letter.sender_roles, letter.is_reply);
    let recipients = letter.recipient_roles.iter();
    let recipients = recipients.map(|roles| of_person(in_force, Direction::To, roles, letter.is_reply));
    recipients.fold(sender, |worst, next| std::cmp::max_by(worst, next, Passage::compare))
}

/// The best of somebody's roles.
fn of_person<'a>(
    in_force: &'a [Restriction],
    direction: Direction,
    roles: &[Role],
    is_reply: bool,
) -> Passage<'a> {
    let passages = roles.iter().map(|role| of_role(in_force, direction, *role, is_reply));
    passages.min_by(Passage::compare).unwrap_or(Passage::Free)
}

/// The worst of what is in force for a role.
fn of_role(in_force: &[Restriction], direction: Direction, role: Role, is_reply: bool) -> Passage<'_> {
    let here = in_force.iter().filter(|one| one.direction == direction && one.role == role);
    let passages = here.map(|restriction| match restriction.mode {
        Mode::ReplyOnly if !is_reply => Passage::Refused(restriction),
        Mode::Open | Mode::ReplyOnly => Passage::Free,
        Mode::Hold => Passage::Held,
        Mode::Closed => Passage::Refused(restriction),
    });
    passages.max_by(Passage::compare).unwrap_or(Passage::Free)
}

/// Why a restriction cannot be made so weak now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotYet {
    /// It is as weak already.
    NotWeaker,
    /// Somebody who comes before is not that far: staff, teachers, guardians, pupils.
    EarlierStep(Role),
}

/// Whether a restriction may become this weak beside what is in force: nobody sends more freely than those before them.
pub fn may_become(restriction: &Restriction, mode: Mode, in_force: &[Restriction]) -> Result<(), NotYet> {
    if mode >= restriction.mode {
        return Err(NotYet::NotWeaker);
    }
    let is_before = |one: &&Restriction| {
        (one.direction, restriction.direction) == (Direction::From, Direction::From)
            && step(one.role) < step(restriction.role)
            && one.mode > mode
    };
    in_force.iter().find(is_before).map_or(Ok(()), |one| Err(NotYet::EarlierStep(one.role)))
}

/// The order in which roles send again.
fn step(role: Role) -> u8 {
    match role {
        Role::Principal | Role::SchoolLife | Role::Staff | Role::LocalAdmin => 0,
        Role::Teacher => 1,
        Role::Guardian => 2,
        Role::Student => 3,
    }
}

#[cfg(test)]
mod tests;
