//! Settles the figures of one campaign, computed from what thieves, honest people and witnesses saw.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::act::{Act, Kind, Witness};
use super::calendar::Hour;
use super::evidence::Evidence;
use super::operator::Contained;
use crate::proofs::seen::{Seen, is_done};

/// Whoever was thrown out may get an answer to what they asked just before.
const SETTLED_MS: u64 = 1_000;

/// One campaign.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figures {
    pub(super) seed: u32,
    pub(super) family: String,
    pub(super) hour: Hour,
    /// Thieves who were in at some time.
    pub(super) thieves_in: usize,
    /// Sends that thieves asked for.
    pub(super) sends: usize,
    /// What thieves were told when a send was refused, and how often.
    pub(super) refusals: BTreeMap<String, usize>,
    /// Copies that could be read before the first was held, and schools that they reached.
    pub(super) copies_before_hold: u64,
    pub(super) schools_before_hold: usize,
    /// The same of the whole campaign, until somebody stopped it.
    pub(super) copies: u64,
    pub(super) schools: usize,
    /// From the first send to the first that was held; none when none was.
    pub(super) hold_after_s: Option<f64>,
    /// From the first send until sending was closed.
    pub(super) closed_after_s: f64,
    /// From the operator's command to its end: everything that was sent is invisible.
    pub(super) recall_s: f64,
    pub(super) restriction_s: f64,
    /// Sends that were accepted although they began after the restriction had been committed, of restricted roles; and those asked for.
    pub(super) accepted_after_restriction: usize,
    pub(super) asked_after_restriction: usize,
    /// What thieves could still do when their accounts had been secured; and what they tried.
    pub(super) done_after_revocation: usize,
    pub(super) tried_after_revocation: usize,
    /// Copies that recipients could still read after the recall; and how many looked.
    pub(super) copies_after_recall: usize,
    pub(super) witnesses: usize,
    /// Whether a copy was delivered to anybody who could be asked.
    pub(super) has_readers: bool,
    /// Whether the evidence was found whole, and each of the edits to it found out.
    pub(super) evidence_is_whole: bool,
    pub(super) edits_found: usize,
    pub(super) edits_made: usize,
    /// Steps of honest people who were in, those that failed (a refusal of the restriction apart), and sends that were held.
    pub(super) honest_steps: usize,
    pub(super) honest_failures: usize,
    pub(super) honest_held: usize,
    pub(super) honest_sends: usize,
}

/// What the figures are made of.
pub(super) struct Sources<'a> {
    pub(super) seed: u32,
    pub(super) family: String,
    pub(super) acts: &'a [Act],
    pub(super) honest: &'a Seen,
    pub(super) contained: &'a Contained,
    pub(super) evidence: Evidence,
    pub(super) witnesses: &'a [Witness],
}

impl Figures {
    /// The figures of a campaign.
    pub(super) fn of(from: &Sources<'_>) -> Self {
        let Sources { seed, acts, contained, .. } = *from;
        let sends: Vec<&Act> = acts.iter().filter(|act| act.did == Kind::Send).collect();
        let held = sends.iter().find(|act| act.is_held());
        let begin = sends.first().map_or(0, |act| act.at);
        let until = held.map_or(u64::MAX, |act| act.ended_at);
        let (copies_before_hold, schools_before_hold) = reached(acts, until);
        let (copies, schools) = reached(acts, u64::MAX);
        let restricted = Restricted::of(from);
        let secured = secured_at(acts, &contained.secured);
        let secured = |act: &&Act| secured.get(&act.thief).is_some_and(|at| act.at > at + SETTLED_MS);
        let honest_steps = honest_steps(from.honest, contained.restricted_ms);
        Self {
            seed,
            family: from.family.clone(),
            hour: Hour::of(seed),
            thieves_in: acts
                .iter()
                .filter(|act| act.did == Kind::SignIn && act.is_done())
                .map(|act| act.thief)
                .collect::<BTreeSet<_>>()
                .len(),
            sends: sends.len(),
            refusals: refusals(&sends),
            copies_before_hold,
            schools_before_hold,
            copies,
            schools,
            hold_after_s: held.map(|act| seconds_between(begin, act.ended_at)),
            closed_after_s: seconds_between(begin, contained.restricted_ms),
            recall_s: contained.recall_s,
            restriction_s: contained.restriction_s,
            accepted_after_restriction: restricted.accepted,
            asked_after_restriction: restricted.asked,
            done_after_revocation: acts.iter().filter(secured).filter(|act| act.is_done()).count(),
            tried_after_revocation: acts.iter().filter(secured).count(),
            copies_after_recall: from.witnesses.iter().map(|witness| witness.copies).sum(),
            witnesses: from.witnesses.iter().filter(|witness| witness.has_looked).count(),
            has_readers: !from.witnesses.is_empty(),
            evidence_is_whole: from.evidence.is_whole,
            edits_found: from.evidence.edits_found,
            edits_made: from.evidence.edits_made,
            honest_steps: honest_steps.all,
            honest_failures: honest_steps.failed,
            honest_held: honest_steps.held,
            honest_sends: honest_steps.sends,
        }
    }
}

/// Since when the accounts of thieves are secured.
fn secured_at(acts: &[Act], secured: &BTreeMap<String, u64>) -> BTreeMap<usize, u64> {
    let of = |act: &Act| Some((act.thief, *secured.get(act.person.as_ref()?)?));
    acts.iter().filter_map(of).collect()
}

/// Problem codes, which are the last word of what is told.
fn refusals(sends: &[&Act]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for act in sends.iter().filter(|act| !act.is_done()) {
        let code = act.detail.rsplit(' ').next().unwrap_or_default();
        *counts.entry(code.to_owned()).or_default() += 1;
    }
    counts
}

/// Copies and schools of the sends that ended until then.
fn reached(acts: &[Act], until: u64) -> (u64, usize) {
    let delivered = acts.iter().filter(|act| act.is_delivered() && act.ended_at <= until);
    let (mut copies, mut schools) = (0, BTreeSet::new());
    for act in delivered {
        copies += act.recipients;
        schools.insert(&act.school);
    }
    (copies, schools.len())
}

/// Sends of restricted roles that began after the restriction: thieves' and honest people's.
struct Restricted {
    asked: usize,
    accepted: usize,
}

impl Restricted {
    fn of(from: &Sources<'_>) -> Self {
        let since = from.contained.restricted_ms;
        let closed = |role: &str| matches!(role, "pupil" | "guardian");
        let thieves = from.acts.iter().filter(|act| act.did == Kind::Send && closed(&act.role));
        let thieves = thieves.map(|act| (act.at, act.is_done(), act.outcome != "skipped"));
        let honest = from.honest.people.iter().filter(|person| closed(&person.role));
        let honest = honest.flat_map(|person| &person.steps).filter(|step| step.0 == "send");
        let honest = honest.map(|step| (step.1, is_done(&step.3), step.3 != "skipped"));
        let after: Vec<bool> = thieves
            .chain(honest)
            .filter(|(at, _, is_asked)| *is_asked && *at > since)
            .map(|(_, is_accepted, _)| is_accepted)
            .collect();
        Self { asked: after.len(), accepted: after.iter().filter(|is_accepted| **is_accepted).count() }
    }
}

#[derive(Default)]
struct Honest {
    all: usize,
    failed: usize,
    sends: usize,
    held: usize,
}

/// A pupil whose message is refused because sending is closed has met the restriction, not a failure.
fn honest_steps(honest: &Seen, restricted_ms: u64) -> Honest {
    let mut counts = Honest::default();
    for step in honest.people.iter().flat_map(|person| &person.steps) {
        let (name, at, outcome) = (step.0.as_str(), step.1, step.3.as_str());
        let is_restricted = name == "send" && outcome == "denied" && at >= restricted_ms;
        if outcome == "skipped" || is_restricted {
            continue;
        }
        counts.all += 1;
        counts.failed += usize::from(!is_done(outcome));
        counts.sends += usize::from(name == "send");
        counts.held += usize::from(outcome == "held");
    }
    counts
}

/// Seconds between two times in milliseconds.
fn seconds_between(from: u64, to: u64) -> f64 {
    crate::proofs::seen::seconds(to.saturating_sub(from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proofs::seen::Step;
    use crate::proofs::seen::tests::pupil;

    fn act(thief: usize, did: Kind, at: u64, outcome: &str) -> Act {
        Act {
            thief,
            role: "pupil".to_owned(),
            school: format!("school {thief}"),
            did,
            at,
            ended_at: at + 10,
            outcome: outcome.to_owned(),
            detail: "POST /messages answered 403 sending_restricted".to_owned(),
            person: (did == Kind::SignIn).then(|| format!("person {thief}")),
            recipients: 10,
            readers: vec![],
            to_class: None,
        }
    }

    fn of(acts: &[Act], steps: Vec<Step>) -> Figures {
        let evidence = Evidence { is_whole: true, edits_made: 4, edits_found: 4 };
        let contained = Contained {
            incident: String::new(),
            restricted_ms: 5_000,
            restriction_s: 0.1,
            since_ms: 1_000,
            recall_s: 0.2,
            secured: [("person 0".to_owned(), 8_000)].into(),
        };
        let mut person = pupil(0.0, 0.0);
        person.steps = steps;
        let honest = Seen { start: 1, people: vec![person] };
        let witnesses = [Witness { has_looked: true, copies: 0 }, Witness { has_looked: false, copies: 0 }];
        let family = "template".to_owned();
        Figures::of(&Sources {
            seed: 6,
            family,
            acts,
            honest: &honest,
            contained: &contained,
            evidence,
            witnesses: &witnesses,
        })
    }

    #[test]
    fn copies_count_until_the_first_is_held_and_in_all() {
        let acts = [
            act(0, Kind::SignIn, 900, "ok"),
            act(0, Kind::Send, 1_000, "ok"),
            act(1, Kind::Send, 1_500, "held"),
            act(2, Kind::Send, 2_000, "ok"),
            act(2, Kind::Send, 6_000, "denied"),
        ];
        let figures = of(&acts, vec![]);
        assert_eq!((figures.copies_before_hold, figures.schools_before_hold), (10, 1));
        assert_eq!((figures.copies, figures.schools, figures.sends, figures.thieves_in), (20, 2, 4, 1));
        assert_eq!(figures.hold_after_s, Some(0.51));
        assert_eq!((figures.asked_after_restriction, figures.accepted_after_restriction), (1, 0));
        assert_eq!(figures.refusals.get("sending_restricted"), Some(&1));
        assert_eq!((figures.witnesses, figures.hour), (1, Hour::Morning));
    }

    #[test]
    fn what_is_accepted_from_anybody_after_the_restriction_counts_and_what_was_under_way_does_not() {
        let acts = [act(0, Kind::Send, 4_990, "ok"), act(0, Kind::Send, 5_001, "held")];
        let late = Step("send".to_owned(), 5_200, 20.0, "ok".to_owned());
        let figures = of(&acts, vec![late]);
        assert_eq!((figures.asked_after_restriction, figures.accepted_after_restriction), (2, 2));
    }

    #[test]
    fn what_secured_accounts_still_do_counts() {
        let acts = [
            act(0, Kind::SignIn, 900, "ok"),
            act(0, Kind::Read, 8_900, "ok"),
            act(0, Kind::Read, 9_100, "ok"),
            act(0, Kind::SignIn, 9_200, "denied"),
            act(1, Kind::SignIn, 950, "ok"),
            act(1, Kind::Read, 9_300, "ok"),
        ];
        let figures = of(&acts, vec![]);
        assert_eq!((figures.tried_after_revocation, figures.done_after_revocation), (2, 1));
    }

    #[test]
    fn an_honest_message_that_meets_the_restriction_is_no_failure() {
        let step = |name: &str, at, outcome: &str| Step(name.to_owned(), at, 20.0, outcome.to_owned());
        let steps = vec![
            step("send", 4_000, "held"),
            step("send", 5_100, "denied"),
            step("home", 5_200, "shed"),
            step("open_course", 5_300, "skipped"),
        ];
        let figures = of(&[], steps);
        assert_eq!((figures.honest_steps, figures.honest_failures), (2, 1));
        assert_eq!((figures.honest_sends, figures.honest_held), (1, 1));
    }
}
