//! Settles the aims of the proof: of the median and the 95th percentile of all campaigns, or of every one of them. Of fewer than
//! twenty the 95th percentile (nearest rank) is the worst, so that few campaigns are judged more severely.

use super::figures::Figures;
use crate::proofs::aim::{Aim, Outcome};
use crate::proofs::seen::real;

/// Judges all campaigns; a single message to one head is not among them.
#[rustfmt::skip]
pub(super) fn aims(campaigns: &[Figures]) -> Vec<Aim> {
    let most = |name, title, found: f64, limit, unit, samples, needed| Aim {
        name, title, found: Some(found), limit, unit, is_least: false, samples, needed, applies: true,
    };
    let least = |name, title, found: f64, limit, unit, samples, needed| Aim {
        name, title, found: Some(found), limit, unit, is_least: true, samples, needed, applies: true,
    };
    let all = campaigns.len();
    let of = |figure: &dyn Fn(&Figures) -> f64| sorted(campaigns, figure);
    #[expect(clippy::cast_precision_loss, reason = "copies are far below 2^53")]
    let copies = of(&|one| one.copies_before_hold as f64);
    let schools = of(&|one| real(one.schools_before_hold));
    let recall = of(&|one| one.recall_s);
    let sum = |figure: fn(&Figures) -> usize| campaigns.iter().map(figure).sum::<usize>();
    let whole = campaigns.iter().filter(|one| one.evidence_is_whole).count();
    let (steps, failures) = (sum(|one| one.honest_steps), sum(|one| one.honest_failures));
    let honest = 1.0 - real(failures) / real(steps.max(1));
    vec![
        most("copies_median", "copies delivered before the hold, median", rank(&copies, 0.5), 50.0, "", all, 1),
        most("copies_p95", "the same, 95th percentile", rank(&copies, 0.95), 500.0, "", all, 1),
        most("schools_median", "schools reached before the hold, of 25, median", rank(&schools, 0.5), 5.0, "", all, 1),
        most("schools_p95", "the same, 95th percentile", rank(&schools, 0.95), 10.0, "", all, 1),
        most("recall", "until everything is recalled, at worst", rank(&recall, 1.0), 5.0, "s", all, 1),
        most("seen_after_recall", "copies that recipients could read after the recall", real(sum(|one| one.copies_after_recall)), 0.0, "", sum(|one| one.witnesses), sum(|one| usize::from(one.has_readers)).max(1)),
        most("after_restriction", "messages accepted after the restriction", real(sum(|one| one.accepted_after_restriction)), 0.0, "", sum(|one| one.asked_after_restriction), 10 * all),
        most("after_revocation", "acts of secured accounts", real(sum(|one| one.done_after_revocation)), 0.0, "", sum(|one| one.tried_after_revocation), 10 * all),
        least("evidence", "campaigns whose evidence verifies", real(whole), real(all), "", all, 1),
        least("edits", "edits of evidence that are found out, of all", ratio(sum(|one| one.edits_found), sum(|one| one.edits_made)), 1.0, "", sum(|one| one.edits_made), all),
        least("honest", "steps of honest people that succeed", honest, 0.999, "", steps, 100 * all),
    ]
}

/// What came of it.
pub(super) fn outcome(aims: &[Aim]) -> Outcome {
    if aims.iter().all(Aim::is_met) { Outcome::Green } else { Outcome::Red }
}

/// All values of a figure, in their order.
pub(super) fn sorted(campaigns: &[Figures], figure: &dyn Fn(&Figures) -> f64) -> Vec<f64> {
    let mut values: Vec<f64> = campaigns.iter().map(figure).collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The value that this share of all is at most (nearest rank); infinite of none.
pub(super) fn rank(sorted: &[f64], share: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index, 0 at the least")]
    let rank = (real(sorted.len()) * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(f64::INFINITY)
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { real(part) / real(whole) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::calendar::Hour;
    use super::*;

    fn good() -> Figures {
        Figures {
            seed: 0,
            family: "template".to_owned(),
            hour: Hour::Night,
            thieves_in: 30,
            sends: 300,
            refusals: BTreeMap::new(),
            copies_before_hold: 30,
            schools_before_hold: 3,
            copies: 40,
            schools: 4,
            hold_after_s: Some(1.0),
            closed_after_s: 6.0,
            recall_s: 0.5,
            restriction_s: 0.1,
            accepted_after_restriction: 0,
            asked_after_restriction: 100,
            done_after_revocation: 0,
            tried_after_revocation: 100,
            copies_after_recall: 0,
            witnesses: 5,
            has_readers: true,
            evidence_is_whole: true,
            edits_found: 16,
            edits_made: 16,
            honest_steps: 1_000,
            honest_failures: 0,
            honest_held: 0,
            honest_sends: 100,
        }
    }

    fn missed(campaigns: &[Figures]) -> Vec<&'static str> {
        let aims = aims(campaigns);
        aims.iter().filter(|aim| !aim.is_met()).map(|aim| aim.name).collect()
    }

    fn with_one(changed: Figures) -> Vec<Figures> {
        let mut campaigns = vec![good(); 20];
        campaigns[7] = changed;
        campaigns
    }

    #[test]
    fn each_thing_that_must_not_happen_makes_the_proof_red_when_it_happens_once() {
        assert_eq!(outcome(&aims(&vec![good(); 20])), Outcome::Green);
        let cases = [
            (Figures { recall_s: 5.1, ..good() }, "recall"),
            (Figures { copies_after_recall: 1, ..good() }, "seen_after_recall"),
            (Figures { accepted_after_restriction: 1, ..good() }, "after_restriction"),
            (Figures { done_after_revocation: 1, ..good() }, "after_revocation"),
            (Figures { evidence_is_whole: false, ..good() }, "evidence"),
            (Figures { edits_found: 15, ..good() }, "edits"),
            (Figures { honest_failures: 21, ..good() }, "honest"),
        ];
        for (figures, name) in cases {
            assert_eq!(missed(&with_one(figures)), [name]);
        }
    }

    #[test]
    fn one_campaign_that_spreads_is_within_the_percentiles_and_two_are_not() {
        let wide = Figures { copies_before_hold: 600, schools_before_hold: 12, ..good() };
        let mut campaigns = with_one(wide.clone());
        assert_eq!(missed(&campaigns), [""; 0]);
        campaigns[8] = wide.clone();
        assert_eq!(missed(&campaigns), ["copies_p95", "schools_p95"]);
        assert_eq!(missed(&[vec![good(); 18], vec![wide]].concat()), ["copies_p95", "schools_p95"]);
    }

    #[test]
    fn what_nobody_has_tried_or_looked_at_is_missed() {
        let blind = Figures { witnesses: 0, asked_after_restriction: 0, tried_after_revocation: 0, ..good() };
        assert_eq!(missed(&vec![blind; 20]), ["seen_after_recall", "after_restriction", "after_revocation"]);
    }
}
