//! Settles what becomes of every send of a day: judged by the service's code in the order of time, held, released or refused.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use messaging::detection::verdict::{Release, Verdict, judge};

use super::dice::{Concern, Dice, dice, lognormal};
use super::people::{HOUR_MS, MINUTE_MS, milliseconds};
use super::sending::Sending;
use super::window::Store;

/// Reviewers look from 7:30 to 18:00.
const REVIEWED_FROM_MS: u64 = 7 * HOUR_MS + 30 * MINUTE_MS;
const REVIEWED_UNTIL_MS: u64 = 18 * HOUR_MS;
const DAY_MS: u64 = 24 * HOUR_MS;
/// In the median a held message waits eight minutes for its reviewer; one in six longer than 22.
const REVIEW_MEDIAN_S: f64 = 480.0;
/// After so long without the sender's code a reviewer sees the message too.
const CODE_AWAITED_MS: u64 = 5 * MINUTE_MS;

/// What became of a send.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outcome {
    /// When it reached its recipients; None for never.
    pub delivered_at_ms: Option<u64>,
    pub is_held: bool,
    /// Whether a reviewer had to look at it.
    pub is_reviewed: bool,
}

/// Judges all sends, which are in the order of time; outcomes are in the same order.
pub fn replay(seed: u64, sendings: &[Sending]) -> Vec<Outcome> {
    let mut replay = Replay {
        store: Store::default(),
        outcomes: vec![Outcome::default(); sendings.len()],
        waiting: BinaryHeap::new(),
        dice: dice(seed, Concern::Reviewers),
    };
    for (number, sending) in sendings.iter().enumerate() {
        replay.decide_until(sending.at_ms, sendings);
        replay.send(number, sending);
    }
    replay.decide_until(u64::MAX, sendings);
    replay.outcomes
}

struct Replay<'a> {
    store: Store<'a>,
    outcomes: Vec<Outcome>,
    /// When somebody decides on a held send: the moment, its number, whether that is its sender.
    waiting: BinaryHeap<Reverse<(u64, usize, bool)>>,
    dice: Dice,
}

impl<'a> Replay<'a> {
    fn send(&mut self, number: usize, sending: &'a Sending) {
        let judgement = judge(&sending.outgoing, &self.store.window(sending));
        self.store.insert(sending, &judgement);
        let Some(outcome) = self.outcomes.get_mut(number) else { return };
        match judgement.verdict {
            Verdict::Deliver => outcome.delivered_at_ms = Some(sending.at_ms),
            Verdict::Hold(hold) => {
                outcome.is_held = true;
                self.wait(number, sending, hold.release);
            }
        }
    }

    fn wait(&mut self, number: usize, sending: &Sending, release: Release) {
        let decision = match (release, sending.code_within_ms) {
            (Release::Sender, Some(within)) if within < CODE_AWAITED_MS => {
                (sending.at_ms + within, number, true)
            }
            (Release::Sender, _) => (self.reviewed_at(sending.at_ms + CODE_AWAITED_MS), number, false),
            (Release::Reviewer, _) => (self.reviewed_at(sending.at_ms), number, false),
        };
        self.waiting.push(Reverse(decision));
    }

    fn reviewed_at(&mut self, at_ms: u64) -> u64 {
        let (day, time) = (at_ms / DAY_MS * DAY_MS, at_ms % DAY_MS);
        let begin = if time < REVIEWED_FROM_MS {
            day + REVIEWED_FROM_MS
        } else if time >= REVIEWED_UNTIL_MS {
            day + DAY_MS + REVIEWED_FROM_MS
        } else {
            at_ms
        };
        begin + milliseconds(lognormal(REVIEW_MEDIAN_S, 1.0, &mut self.dice))
    }

    /// Reviewers are taken to be right: they refuse what is hostile and release the rest.
    fn decide_until(&mut self, now_ms: u64, sendings: &[Sending]) {
        while let Some(Reverse((at_ms, number, is_sender))) = self.waiting.peek().copied() {
            if at_ms > now_ms {
                return;
            }
            self.waiting.pop();
            let (Some(sending), Some(outcome)) = (sendings.get(number), self.outcomes.get_mut(number)) else {
                continue;
            };
            outcome.is_reviewed = !is_sender;
            if is_sender || !sending.is_hostile {
                outcome.delivered_at_ms = Some(at_ms);
            }
            match (is_sender, sending.is_hostile) {
                (true, _) => {}
                (false, true) => self.store.refuse(sending, number),
                (false, false) => self.store.release(sending, number),
            }
        }
    }
}
