//! Settles what the store's stand-in answers: the window that the service's detection asks for, by the same index and the same limits.

use std::collections::{BTreeSet, HashSet};

use messaging::detection::behaviour::{CLIMATE_SENDS, Climate};
use messaging::detection::verdict::{Judgement, Verdict};
use messaging::detection::window::{
    DECISIONS_IN_A_BAND, Decision, LOOKED_BACK, MOST_DECISIONS, MOST_RECENT, RECENT_IN_A_BAND, RELEASED_FOR,
    Recent, Window,
};

use uuid::Uuid;

use super::people::MINUTE_MS;
use super::sending::Sending;

/// A send sees those committed a second ago or more: the slowest that a decision may be.
const UNSEEN_MS: u64 = 1_000;

/// Sends of all schools and decisions on them. A row's number is its place in the order of time.
#[derive(Default)]
pub struct Store<'a> {
    rows: Vec<Row<'a>>,
    /// Asked anew once a minute.
    climate: Climate,
    climate_until_ms: u64,
    recent: Index,
    refused: Index,
    released: Index,
}

struct Row<'a> {
    sending: &'a Sending,
    is_noticed: bool,
    is_newcomer: bool,
    is_delivered: bool,
}

/// A band, a row's number and its sender: looked up as the store's index is, which has one row of each sender in a band.
#[derive(Default)]
struct Index(BTreeSet<(i32, usize, Uuid)>);

impl Index {
    fn insert(&mut self, sending: &Sending, number: usize) {
        let sender_id = sending.outgoing.sender_id;
        let bands = sending.print.iter().flat_map(|print| print.bands);
        self.0.extend(bands.map(|band| (band, number, sender_id)));
    }

    /// The newest of those that share a band, below `end`, of each sender one in a band.
    fn newest(&self, sending: &Sending, end: usize, in_a_band: usize, in_all: usize) -> Vec<usize> {
        let of_band = |band: i32| {
            let mut senders = HashSet::new();
            let newest = self.0.range((band, 0, Uuid::nil())..(band, end, Uuid::nil())).rev();
            newest.filter(move |(.., sender)| senders.insert(*sender)).take(in_a_band)
        };
        let bands = sending.print.iter().flat_map(|print| print.bands);
        let numbers: HashSet<usize> = bands.flat_map(of_band).map(|(_, number, _)| *number).collect();
        let mut numbers: Vec<usize> = numbers.into_iter().collect();
        numbers.sort_unstable_by(|one, other| other.cmp(one));
        numbers.truncate(in_all);
        numbers
    }
}

impl<'a> Store<'a> {
    /// What the service is told when this is sent.
    pub fn window(&mut self, sending: &Sending) -> Window {
        let begin_ms = sending.at_ms.saturating_sub(milliseconds(LOOKED_BACK));
        if self.climate_until_ms <= sending.at_ms {
            self.climate = self.climate(begin_ms);
            self.climate_until_ms = sending.at_ms + MINUTE_MS;
        }
        let seen = self.rows.partition_point(|row| row.sending.at_ms + UNSEEN_MS <= sending.at_ms);
        let recent = self.recent.newest(sending, seen, RECENT_IN_A_BAND, MOST_RECENT);
        let recent =
            self.of(&recent).filter(|row| row.sending.at_ms >= begin_ms).filter_map(Row::recent).collect();
        let decided = |index: &Index| index.newest(sending, usize::MAX, DECISIONS_IN_A_BAND, MOST_DECISIONS);
        let refused = decided(&self.refused);
        let released_from_ms = sending.at_ms.saturating_sub(milliseconds(RELEASED_FOR));
        let is_valid = |row: &&Row<'_>| {
            row.sending.outgoing.school_id == sending.outgoing.school_id
                && row.sending.at_ms >= released_from_ms
        };
        let released = decided(&self.released);
        let released = self.of(&released).filter(is_valid).filter_map(|row| row.decision(true));
        let decisions = self.of(&refused).filter_map(|row| row.decision(false)).chain(released).collect();
        Window { climate: self.climate, recent, decisions }
    }

    fn of<'b>(&'b self, numbers: &'b [usize]) -> impl Iterator<Item = &'b Row<'a>> {
        numbers.iter().filter_map(|number| self.rows.get(*number))
    }

    fn climate(&self, begin_ms: u64) -> Climate {
        let old = self.rows.partition_point(|row| row.sending.at_ms < begin_ms);
        let newest = self.rows.iter().take(old).rev().filter(|row| row.is_delivered).take(CLIMATE_SENDS);
        let people = |rows: &mut dyn Iterator<Item = &Row<'_>>| {
            rows.map(|row| row.sending.outgoing.sender_id).collect::<HashSet<Uuid>>().len()
        };
        let newcomers = people(&mut newest.clone().filter(|row| row.is_newcomer));
        Climate { people: people(&mut newest.into_iter()), newcomers }
    }

    /// Keeps a send, held or delivered. They come in the order of time.
    pub fn insert(&mut self, sending: &'a Sending, judgement: &Judgement) {
        self.recent.insert(sending, self.rows.len());
        let Judgement { verdict, is_noticed, is_newcomer } = judgement;
        let is_delivered = *verdict == Verdict::Deliver;
        self.rows.push(Row { sending, is_noticed: *is_noticed, is_newcomer: *is_newcomer, is_delivered });
    }

    /// A reviewer of the sender's school has refused the send of this number.
    pub fn refuse(&mut self, sending: &Sending, number: usize) {
        self.refused.insert(sending, number);
    }

    /// A reviewer of the sender's school has released it.
    pub fn release(&mut self, sending: &Sending, number: usize) {
        self.released.insert(sending, number);
    }
}

impl Row<'_> {
    fn recent(&self) -> Option<Recent> {
        let of = &self.sending.outgoing;
        Some(Recent {
            school_id: of.school_id,
            sender_id: of.sender_id,
            audience: of.audience,
            fingerprint: of.fingerprint.clone()?,
            is_noticed: self.is_noticed,
        })
    }

    fn decision(&self, is_release: bool) -> Option<Decision> {
        let of = &self.sending.outgoing;
        Some(Decision { school_id: of.school_id, fingerprint: of.fingerprint.clone()?, is_release })
    }
}

fn milliseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
