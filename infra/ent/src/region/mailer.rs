//! Settles how a demo message is stored: one body, one delivery for each recipient other than the sender, part of them read.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::TableCount;
use super::courses::TaughtGroup;
use super::ids::born_at;
use super::people::{Person, Role};
use super::shape::SchoolKey;
use super::streams::{Concern, Dice, dice};
use super::times::{Calendar, timestamp};
use super::writer::Table;

const SERVICE: &str = "messaging";

/// Nobody starts with more unread messages than a person would leave unread.
const MOST_UNREAD: u8 = 8;

/// Whoever answers has read the message before: this long after it was sent.
const READ_BEFORE_ANSWER: TimeDelta = TimeDelta::seconds(60);

/// Part of a group that a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Student,
    Teacher,
    Guardian,
}

impl Part {
    fn as_str(self) -> &'static str {
        match self {
            Self::Student => "student",
            Self::Teacher => "teacher",
            Self::Guardian => "guardian",
        }
    }

    fn members(self, group: &TaughtGroup) -> Vec<Uuid> {
        let pupils = &group.group.pupils;
        match self {
            Self::Student => pupils.iter().map(|pupil| pupil.person.id).collect(),
            Self::Teacher => group.teachers.iter().map(|teacher| teacher.id).collect(),
            Self::Guardian => pupils.iter().flat_map(|pupil| &pupil.guardians).map(|g| g.id).collect(),
        }
    }
}

/// Whom a message is for: as the sender named them, and who they are. The set keeps rows in one order and free of doubles.
pub(super) struct Audience {
    named: Value,
    members: BTreeSet<Uuid>,
}

impl Audience {
    pub(super) fn person(school: SchoolKey, person: &Person) -> Self {
        Self {
            named: json!({ "kind": "people", "school_id": school.id, "ids": [person.id] }),
            members: BTreeSet::from([person.id]),
        }
    }

    pub(super) fn group(group: &TaughtGroup, parts: &[Part]) -> Self {
        let names: Vec<&str> = parts.iter().map(|part| part.as_str()).collect();
        let (school, id) = (group.group.school.id, group.group.id);
        Self {
            named: json!({ "kind": "group", "school_id": school, "id": id, "parts": names }),
            members: parts.iter().flat_map(|part| part.members(group)).collect(),
        }
    }

    /// Everybody who has `role` at `school`: the caller knows them.
    pub(super) fn role(school: SchoolKey, role: Role, members: impl Iterator<Item = Uuid>) -> Self {
        Self {
            named: json!({ "kind": "role", "school_id": school.id, "role": role.as_str() }),
            members: members.collect(),
        }
    }
}

/// One message of an exchange.
pub(super) struct Turn<'a> {
    pub(super) sender: &'a Person,
    pub(super) audience: &'a Audience,
    pub(super) body: String,
}

/// Messaging's tables while they are written.
pub(super) struct Mailer {
    calendar: Calendar,
    reading: Dice,
    unread: HashMap<Uuid, u8>,
    thread: Table,
    message: Table,
    delivery: Table,
}

impl Mailer {
    pub(super) fn create(out: &Path, seed: u64, calendar: Calendar) -> anyhow::Result<Self> {
        let table = |name, columns: &[&'static str]| Table::create(out, SERVICE, name, columns);
        Ok(Self {
            calendar,
            reading: dice(seed, Concern::Reading),
            unread: HashMap::new(),
            thread: table("thread", &["school_id", "id", "subject", "started_by", "started_at"])?,
            message: table(
                "message",
                &[
                    "school_id",
                    "id",
                    "thread_id",
                    "sender_id",
                    "audience",
                    "recipient_count",
                    "body",
                    "sent_at",
                ],
            )?,
            delivery: table(
                "delivery",
                &["school_id", "recipient_id", "message_id", "thread_id", "read_at"],
            )?,
        })
    }

    /// Writes a thread of `turns`, the first at `started_at`, the others some time after the one before.
    pub(super) fn exchange(
        &mut self,
        school: SchoolKey,
        subject: &str,
        turns: &[Turn],
        started_at: DateTime<Utc>,
        dice: &mut Dice,
    ) -> anyhow::Result<()> {
        let Some(first) = turns.first() else { return Ok(()) };
        let school = school.id.to_string();
        let thread = born_at(started_at, dice).to_string();
        let starter = first.sender.id.to_string();
        self.thread.row(&[&school, &thread, subject, &starter, &timestamp(started_at)])?;
        let mut sent_at = started_at;
        let mut left = turns;
        while let Some((turn, later)) = left.split_first() {
            let answerers: Vec<Uuid> = later.iter().map(|turn| turn.sender.id).collect();
            self.post(&school, &thread, turn, sent_at, &answerers, dice)?;
            sent_at = self.calendar.soon_after(sent_at, dice);
            left = later;
        }
        Ok(())
    }

    fn post(
        &mut self,
        school: &str,
        thread: &str,
        turn: &Turn,
        sent_at: DateTime<Utc>,
        answerers: &[Uuid],
        dice: &mut Dice,
    ) -> anyhow::Result<()> {
        let id = born_at(sent_at, dice).to_string();
        let sender = turn.sender.id;
        let mut recipients: Vec<Uuid> = turn.audience.members.iter().copied().collect();
        recipients.retain(|recipient| *recipient != sender);
        self.message.row(&[
            school,
            &id,
            thread,
            &sender.to_string(),
            &turn.audience.named.to_string(),
            &recipients.len().to_string(),
            &turn.body,
            &timestamp(sent_at),
        ])?;
        for recipient in recipients {
            let answers = answerers.contains(&recipient);
            let read_at = self.read_at(recipient, sent_at, answers).map_or_else(String::new, timestamp);
            self.delivery.row(&[school, &recipient.to_string(), &id, thread, &read_at])?;
        }
        Ok(())
    }

    fn read_at(&mut self, reader: Uuid, sent_at: DateTime<Utc>, answers: bool) -> Option<DateTime<Utc>> {
        let read_at = self.calendar.reading(sent_at, &mut self.reading);
        if answers {
            return Some(sent_at + READ_BEFORE_ANSWER);
        }
        let unread = self.unread.entry(reader).or_insert(0);
        if read_at.is_none() && *unread < MOST_UNREAD {
            *unread += 1;
            return None;
        }
        Some(read_at.unwrap_or(sent_at + READ_BEFORE_ANSWER))
    }

    pub(super) fn finish(self) -> anyhow::Result<Vec<TableCount>> {
        [self.thread, self.message, self.delivery].into_iter().map(Table::finish).collect()
    }
}
