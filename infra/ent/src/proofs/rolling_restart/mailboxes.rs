//! Settles what becomes of messages that were acknowledged: each is in its sender's mailbox once, and in that of the person it is for.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::visits::Visits;
use crate::commands::accounts::{self, Account};
use crate::proofs::generator::{self, Load};

/// Of those who look: the load tests sign in with these.
const ROLES: [&str; 4] = ["Student", "Guardian", "Teacher", "Principal"];

/// Whose mailbox it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mailbox {
    /// What a person has sent.
    Sent,
    /// What a person was sent.
    Inbox,
}

/// What a mailbox should hold, as `loadtests/scenarios/found.ts` reads it.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Expected {
    login: String,
    #[serde(rename = "box")]
    of: Mailbox,
    /// Milliseconds since 1970.
    since: u64,
    subjects: Vec<String>,
}

/// What it holds.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    kind: String,
    login: String,
    #[serde(rename = "box")]
    of: Mailbox,
    has_looked: bool,
    counts: BTreeMap<String, usize>,
}

/// Messages looked for, and what was found of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Tally {
    pub(super) expected: usize,
    pub(super) missing: usize,
    pub(super) twice: usize,
    /// Missing because the mailbox could not be read.
    pub(super) not_looked: usize,
}

/// Of senders, and of recipients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Mailboxes {
    pub(super) sent: Tally,
    pub(super) received: Tally,
}

impl Mailboxes {
    /// Lets them look.
    pub(super) fn look(load: &Load<'_>, visits: &Visits, start: u64) -> Result<Self> {
        let expected = expected(visits, &accounts::read(&load.context.layout)?, start);
        if expected.is_empty() {
            return Ok(Self::default());
        }
        let mut step = load.context.ui.step("senders and recipients look for every message");
        step.detail(&format!("{} mailboxes", expected.len()));
        let file = load.folder.join("expected.json");
        std::fs::write(&file, serde_json::to_string(&expected)?)?;
        let environment = [("EXPECTED", file.display().to_string())];
        let run = load.start("found", "found", &environment)?.wait(load.context, |_| Ok(()))?;
        generator::require(&run)?;
        let mailboxes = Self::of(&expected, &found(&run.seen)?);
        step.done(&format!("{} messages", mailboxes.sent.expected));
        Ok(mailboxes)
    }

    fn of(expected: &[Expected], found: &[Found]) -> Self {
        let tally = |of: Mailbox| {
            let mut tally = Tally::default();
            for one in expected.iter().filter(|one| one.of == of) {
                let holds = found.iter().find(|found| (found.of, &found.login) == (of, &one.login));
                tally.add(one, holds.filter(|found| found.has_looked));
            }
            tally
        };
        Self { sent: tally(Mailbox::Sent), received: tally(Mailbox::Inbox) }
    }
}

impl Tally {
    fn add(&mut self, expected: &Expected, found: Option<&Found>) {
        self.expected += expected.subjects.len();
        let Some(found) = found else {
            self.missing += expected.subjects.len();
            self.not_looked += expected.subjects.len();
            return;
        };
        for subject in &expected.subjects {
            match found.counts.get(subject).copied().unwrap_or(0) {
                0 => self.missing += 1,
                1 => {}
                _more => self.twice += 1,
            }
        }
    }
}

/// Every sender's mailbox; and of messages for one person, theirs, where one account has the name.
fn expected(visits: &Visits, accounts: &[Account], since: u64) -> Vec<Expected> {
    let mut mailboxes: BTreeMap<(Mailbox, String), Vec<String>> = BTreeMap::new();
    for visit in &visits.0 {
        for message in &visit.sent {
            let subject = || message.subject.clone();
            mailboxes.entry((Mailbox::Sent, visit.login.clone())).or_default().push(subject());
            let (Some(school), Some(reader)) = (&message.school, &message.reader) else { continue };
            let is_reader = |one: &&Account| {
                one.person_name == *reader
                    && one.school_uais.contains(school.as_str())
                    && ROLES.contains(&one.role.as_str())
                    && message.is_delivered
            };
            let mut readers = accounts.iter().filter(is_reader);
            if let (Some(reader), None) = (readers.next(), readers.next()) {
                mailboxes.entry((Mailbox::Inbox, reader.login.clone())).or_default().push(subject());
            }
        }
    }
    let expect = |((of, login), subjects)| Expected { login, of, since, subjects };
    mailboxes.into_iter().map(expect).collect()
}

fn found(path: &Path) -> Result<Vec<Found>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Found>(line).ok());
    Ok(lines.filter(|line| line.kind == "found").collect())
}

#[cfg(test)]
mod tests {
    use super::super::visits;
    use super::*;

    fn account(login: &str, name: &str) -> Account {
        Account {
            login: login.to_owned(),
            password: String::new(),
            role: "Guardian".to_owned(),
            school_uais: "0960000D".to_owned(),
            totp_secret: String::new(),
            person_name: name.to_owned(),
            class_name: String::new(),
        }
    }

    fn looked(login: &str, of: Mailbox, counts: &[(&str, usize)]) -> Found {
        let counts = counts.iter().map(|(subject, count)| ((*subject).to_owned(), *count)).collect();
        Found { kind: "found".to_owned(), login: login.to_owned(), of, has_looked: true, counts }
    }

    #[test]
    fn senders_look_for_all_and_readers_for_what_was_delivered_to_them() {
        let accounts = [account("other", "Bo Hoang"), account("one", "Awa Hoang")];
        let expected = expected(&visits::tests::visits(), &accounts, 5000);
        let boxes: Vec<_> =
            expected.iter().map(|one| (one.of, one.login.as_str(), one.subjects.len())).collect();
        assert_eq!(boxes, [(Mailbox::Sent, "a.b", 2), (Mailbox::Inbox, "one", 1)]);
        let namesakes = [account("one", "Awa Hoang"), account("two", "Awa Hoang")];
        assert_eq!(super::expected(&visits::tests::visits(), &namesakes, 5000).len(), 1);
    }

    #[test]
    fn a_message_that_is_not_there_is_missing_and_one_that_is_there_twice_is_told() {
        let expected = expected(&visits::tests::visits(), &[account("one", "Awa Hoang")], 5000);
        let found = [
            looked("a.b", Mailbox::Sent, &[("Visite 1", 2), ("Visite 2", 0)]),
            looked("one", Mailbox::Inbox, &[("Visite 1", 1)]),
        ];
        let mailboxes = Mailboxes::of(&expected, &found);
        assert_eq!(mailboxes.sent, Tally { expected: 2, missing: 1, twice: 1, not_looked: 0 });
        assert_eq!(mailboxes.received, Tally { expected: 1, ..Tally::default() });
    }

    #[test]
    fn a_mailbox_that_nobody_could_read_holds_nothing() {
        let expected = expected(&visits::tests::visits(), &[], 5000);
        let blind = Found { has_looked: false, ..looked("a.b", Mailbox::Sent, &[("Visite 1", 1)]) };
        for found in [vec![blind], vec![]] {
            let sent = Mailboxes::of(&expected, &found).sent;
            assert_eq!((sent.missing, sent.not_looked), (2, 2));
        }
    }
}
