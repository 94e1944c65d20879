//! Settles the aims of the proof, the counts they need to mean anything, and what makes a run void.

use serde::Serialize;

use super::front_door::Troubles;
use super::mailboxes::Mailboxes;
use super::stage::Passed;
use super::visits::Visits;
use crate::proofs::aim::{Aim, Outcome};
use crate::proofs::seen::{Seen, is_done, real};

/// Of requests that were answered only when they were repeated: a tenth of what the retries of a whole service may be
/// (`shared::resilience::retry_budget`, 10 %).
const REPEATED: f64 = 0.01;

/// What was found.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Figures {
    pub(super) instances: usize,
    pub(super) replaced: usize,
    pub(super) visits: usize,
    pub(super) asked: usize,
    pub(super) repeated: usize,
    pub(super) lost: usize,
    pub(super) tried_again: f64,
    pub(super) broken_off: f64,
    pub(super) steps: usize,
    pub(super) steps_done: usize,
    pub(super) mailboxes: Mailboxes,
    pub(super) dropped: u64,
}

impl Figures {
    /// Counts.
    pub(super) fn of(
        passed: &Passed,
        visits: &Visits,
        seen: &Seen,
        troubles: Troubles,
        mailboxes: &Mailboxes,
        dropped: u64,
    ) -> Self {
        let steps = || seen.people.iter().flat_map(|person| &person.steps).filter(|step| step.3 != "skipped");
        Self {
            instances: passed.before.count(),
            replaced: passed.after.gone_since(&passed.before).len().min(passed.after.count()),
            visits: visits.0.len(),
            asked: visits.asked(),
            repeated: visits.repeated(),
            lost: visits.lost(),
            tried_again: troubles.tried_again,
            broken_off: troubles.broken_off,
            steps: steps().count(),
            steps_done: steps().filter(|step| is_done(&step.3)).count(),
            mailboxes: *mailboxes,
            dropped,
        }
    }
}

/// Judges a run.
#[rustfmt::skip]
pub(super) fn aims(figures: &Figures) -> Vec<Aim> {
    let most = |name, title, found, limit, unit, samples, needed| Aim {
        name, title, found: Some(found), limit, unit, is_least: false, samples, needed, applies: true,
    };
    let least = |name, title, found, limit, unit, samples, needed| Aim {
        name, title, found: Some(found), limit, unit, is_least: true, samples, needed, applies: true,
    };
    let Figures { asked, mailboxes: all, .. } = *figures;
    let (instances, twice) = (figures.instances, all.sent.twice + all.received.twice);
    let repeated = real(figures.repeated) / real(asked.max(1));
    let done = real(figures.steps_done) / real(figures.steps.max(1));
    vec![
        least("replaced", "instances that were replaced under load", real(figures.replaced), real(instances), "", instances, 6),
        most("lost", "requests that were lost, though they could be repeated once", real(figures.lost), 0.0, "", asked, 1_000),
        most("repeated", "requests that were answered only when they were repeated", repeated, REPEATED, "", asked, 1_000),
        most("tried_again", "times that the front door had to try again, or elsewhere", figures.tried_again, 0.0, "", asked, 1_000),
        most("broken_off", "accepted requests that an instance broke off", figures.broken_off, 0.0, "", asked, 1_000),
        least("steps", "steps of signed-in people that succeed", done, 0.999, "", figures.steps, 500),
        most("missing", "acknowledged messages that their sender does not find", real(all.sent.missing), 0.0, "", all.sent.expected, 50),
        most("unseen", "delivered messages that their reader does not find", real(all.received.missing), 0.0, "", all.received.expected, 5),
        most("twice", "messages that are there twice", real(twice), 0.0, "", all.sent.expected + all.received.expected, 50),
    ]
}

/// Why a run is neither green nor red.
pub(super) fn void(figures: &Figures) -> Vec<String> {
    let reason =
        || format!("{} people could not come: the generator had no virtual user left", figures.dropped);
    (figures.dropped > 0).then(reason).into_iter().collect()
}

/// Green or not; a target so slow that the generator ran out is red when something else says so too.
pub(super) fn outcome(aims: &[Aim], void: &[String]) -> Outcome {
    match (aims.iter().all(Aim::is_met), void.is_empty()) {
        (true, true) => Outcome::Green,
        (false, _) => Outcome::Red,
        (true, false) => Outcome::Void,
    }
}

#[cfg(test)]
mod tests {
    use super::super::mailboxes::Tally;
    use super::*;

    fn good() -> Figures {
        let sent = Tally { expected: 200, ..Tally::default() };
        let received = Tally { expected: 20, ..Tally::default() };
        Figures {
            instances: 9,
            replaced: 9,
            visits: 250,
            asked: 3_000,
            repeated: 30,
            lost: 0,
            tried_again: 0.0,
            broken_off: 0.0,
            steps: 1_200,
            steps_done: 1_199,
            mailboxes: Mailboxes { sent, received },
            dropped: 0,
        }
    }

    fn missed(figures: &Figures) -> Vec<&'static str> {
        aims(figures).iter().filter(|aim| !aim.is_met()).map(|aim| aim.name).collect()
    }

    fn outcome_of(figures: &Figures) -> Outcome {
        outcome(&aims(figures), &void(figures))
    }

    #[test]
    fn each_aim_alone_makes_a_run_red() {
        assert_eq!(outcome_of(&good()), Outcome::Green);
        let Mailboxes { sent, received } = good().mailboxes;
        let with = |sent, received| Figures { mailboxes: Mailboxes { sent, received }, ..good() };
        let cases = [
            (Figures { replaced: 8, ..good() }, "replaced"),
            (Figures { lost: 1, ..good() }, "lost"),
            (Figures { repeated: 31, ..good() }, "repeated"),
            (Figures { tried_again: 1.0, ..good() }, "tried_again"),
            (Figures { broken_off: 1.0, ..good() }, "broken_off"),
            (Figures { steps_done: 1_198, ..good() }, "steps"),
            (with(Tally { missing: 1, ..sent }, received), "missing"),
            (with(sent, Tally { missing: 1, ..received }), "unseen"),
            (with(Tally { twice: 1, ..sent }, received), "twice"),
            (with(sent, Tally { twice: 1, ..received }), "twice"),
        ];
        for (figures, name) in cases {
            assert_eq!(missed(&figures), [name]);
            assert_eq!(outcome_of(&figures), Outcome::Red);
        }
    }

    #[test]
    fn figures_without_enough_samples_are_missed() {
        assert_eq!(missed(&Figures { instances: 3, replaced: 3, ..good() }), ["replaced"]);
        let few = Figures { asked: 900, repeated: 0, ..good() };
        assert_eq!(missed(&few), ["lost", "repeated", "tried_again", "broken_off"]);
        assert_eq!(
            missed(&Figures { mailboxes: Mailboxes::default(), ..good() }),
            ["missing", "unseen", "twice"]
        );
    }

    #[test]
    fn people_who_could_not_come_prove_nothing() {
        assert_eq!(outcome_of(&Figures { dropped: 1, ..good() }), Outcome::Void);
        assert_eq!(outcome_of(&Figures { dropped: 1, lost: 1, ..good() }), Outcome::Red);
    }
}
