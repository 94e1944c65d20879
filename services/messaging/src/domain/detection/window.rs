//! Settles what recent sends and reviewers' decisions say of a send: how many people, of how many schools, have sent the like.

use std::collections::HashSet;
use std::hash::Hash;
use std::time::Duration;

use uuid::Uuid;

use super::behaviour::{Assessment, Circumstances, Climate};
use super::fingerprint::{Fingerprint, mix};

/// How far back sends are looked at.
pub const LOOKED_BACK: Duration = Duration::from_mins(10);
/// Of how many senders at most in each band, of each the newest: those who sent last.
pub const RECENT_IN_A_BAND: usize = 16;
/// How many of them at most in all: the newest.
pub const MOST_RECENT: usize = 256;
/// How long a refused or recalled text is remembered.
pub const REFUSED_FOR: Duration = Duration::from_hours(30 * 24);
/// How long a released text is remembered, in its own school.
pub const RELEASED_FOR: Duration = Duration::from_hours(24);
/// Refusals of how many senders' texts at most in each band, the newest; as many releases.
pub const DECISIONS_IN_A_BAND: usize = 8;
/// How many refusals at most in all, the newest; as many releases.
pub const MOST_DECISIONS: usize = 64;

/// So many other schools have to refuse a text for it to be held here: one reviewer alone holds nothing elsewhere.
const REFUSING_SCHOOLS: usize = 2;

/// A send that is to be judged.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The school in which it is sent.
    pub school_id: Uuid,
    /// Who sends it.
    pub sender_id: Uuid,
    /// Of its recipients: [`audience_mark`].
    pub audience: i64,
    /// Of its text; None for a short one.
    pub fingerprint: Option<Fingerprint>,
    /// What is known beside the text.
    pub circumstances: Circumstances,
}

/// An earlier send, held or delivered.
#[derive(Debug, Clone)]
pub struct Recent {
    /// The school in which it was sent.
    pub school_id: Uuid,
    /// Who sent it.
    pub sender_id: Uuid,
    /// Of its recipients.
    pub audience: i64,
    /// Of its text.
    pub fingerprint: Fingerprint,
    /// As [`Judgement`](super::verdict::Judgement) had it.
    pub is_noticed: bool,
}

/// What a reviewer said of a held text, or a recall of a delivered one.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The school of the sender.
    pub school_id: Uuid,
    /// Of the text.
    pub fingerprint: Fingerprint,
    /// Whether it was released; if not, it was refused or recalled.
    pub is_release: bool,
}

/// What the store knows when a send is judged.
#[derive(Debug, Clone, Default)]
pub struct Window {
    /// Who has been sending. It may be a minute old.
    pub climate: Climate,
    /// Sends of every school of the last [`LOOKED_BACK`] that share a band, of each sender the newest: [`MOST_RECENT`] at most.
    pub recent: Vec<Recent>,
    /// Refusals and recalls of every school within [`REFUSED_FOR`] and releases of this one within [`RELEASED_FOR`] that
    /// share a band: the newest [`MOST_DECISIONS`] of each.
    pub decisions: Vec<Decision>,
}

/// What a window says of one send: of those of other people, and of this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Similar {
    /// Distinct senders.
    pub senders: usize,
    /// Distinct schools.
    pub schools: usize,
    /// Distinct audiences.
    pub audiences: usize,
    /// Distinct senders of sends that were noticed.
    pub noticed_senders: usize,
    /// Distinct schools of sends that were noticed.
    pub noticed_schools: usize,
    /// Whether this school or two others refused or recalled such a text.
    pub is_refused: bool,
    /// Whether a reviewer of this school released such a text.
    pub is_released: bool,
}

/// Whether this school, or two others, refused or recalled a text like this one.
pub fn is_refused(school_id: Uuid, fingerprint: Option<&Fingerprint>, decisions: &[Decision]) -> bool {
    let is_like = |decision: &&Decision| {
        !decision.is_release && fingerprint.is_some_and(|own| own.is_similar(&decision.fingerprint))
    };
    let refusing: HashSet<Uuid> =
        decisions.iter().filter(is_like).map(|decision| decision.school_id).collect();
    refusing.contains(&school_id) || refusing.len() >= REFUSING_SCHOOLS
}

impl Similar {
    /// Counts those whose texts are similar.
    pub fn of(outgoing: &Outgoing, assessment: &Assessment, window: &Window) -> Self {
        let fingerprint = outgoing.fingerprint.as_ref();
        let is_like = |other: &Fingerprint| fingerprint.is_some_and(|own| own.is_similar(other));
        let is_of_another = |recent: &&Recent| recent.sender_id != outgoing.sender_id;
        let others = window.recent.iter().filter(is_of_another).filter(|recent| is_like(&recent.fingerprint));
        let others: Vec<&Recent> = others.collect();
        let noticed = || others.iter().filter(|recent| recent.is_noticed);
        let mut decisions = window.decisions.iter().filter(|decision| is_like(&decision.fingerprint));
        let own = |is_counted: bool, id: Uuid| is_counted.then_some(id);
        let is_noticed = assessment.is_noticed();
        Self {
            senders: distinct(others.iter().map(|recent| recent.sender_id), own(true, outgoing.sender_id)),
            schools: distinct(others.iter().map(|recent| recent.school_id), own(true, outgoing.school_id)),
            audiences: distinct(others.iter().map(|recent| recent.audience), Some(outgoing.audience)),
            noticed_senders: distinct(
                noticed().map(|recent| recent.sender_id),
                own(is_noticed, outgoing.sender_id),
            ),
            noticed_schools: distinct(
                noticed().map(|recent| recent.school_id),
                own(is_noticed, outgoing.school_id),
            ),
            is_refused: is_refused(outgoing.school_id, fingerprint, &window.decisions),
            is_released: decisions
                .any(|decision| decision.is_release && decision.school_id == outgoing.school_id),
        }
    }
}

fn distinct<T: Hash + Eq>(others: impl Iterator<Item = T>, own: Option<T>) -> usize {
    others.chain(own).collect::<HashSet<T>>().len()
}

/// Equal for equal sets of recipients, in any order; of different sets as good as never.
pub fn audience_mark(recipients: &[Uuid]) -> i64 {
    let marks = recipients.iter().map(|recipient| {
        let (high, low) = recipient.as_u64_pair();
        mix(mix(high) ^ low)
    });
    marks.fold(0_u64, u64::wrapping_add).cast_signed()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::behaviour::Proof;
    use super::super::normalise::NormalText;
    use super::*;

    const NOTICE: &str =
        "Le perroquet du CDI s'est échappé : ouvrez les fenêtres de la salle 12 à 10 h et sifflez doucement.";
    const VARIANT: &str = "Le perroquet du CDI s'est échappé : ouvrez les fenêtres de la salle 7 à 9 h 15, et sifflez doucement !";
    const OTHER: &str =
        "Bonjour, ma fille est malade et ne viendra pas ce matin. Merci de noter son absence. Cordialement.";

    const ORDINARY: Climate = Climate { people: 400, newcomers: 8 };

    fn print(text: &str) -> Fingerprint {
        Fingerprint::of(&NormalText::of(text)).unwrap()
    }

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    /// Of person 1 in school 1, who was noticed or not.
    fn outgoing(is_noticed: bool) -> Outgoing {
        let device_age = Duration::from_hours(if is_noticed { 1 } else { 1_000 });
        let circumstances = Circumstances {
            is_personnel: false,
            device_age,
            reset_age: None,
            proof: Proof::Impossible,
            local_hour: 10,
            recipients: 1,
            widest_before: 3,
            new_recipients: 0,
            reaches_personnel: true,
        };
        Outgoing {
            school_id: id(1),
            sender_id: id(1),
            audience: 1,
            fingerprint: Some(print(NOTICE)),
            circumstances,
        }
    }

    fn recent(text: &str, school: u128, sender: u128, audience: i64, is_noticed: bool) -> Recent {
        Recent {
            school_id: id(school),
            sender_id: id(sender),
            audience,
            fingerprint: print(text),
            is_noticed,
        }
    }

    fn similar(outgoing: &Outgoing, window: &Window) -> Similar {
        Similar::of(outgoing, &Assessment::of(&outgoing.circumstances, window.climate), window)
    }

    /// Senders, schools, audiences; noticed senders and schools.
    fn counts(outgoing: &Outgoing, recent: Vec<Recent>) -> [usize; 5] {
        let similar = similar(outgoing, &Window { climate: ORDINARY, recent, decisions: Vec::new() });
        let Similar { senders, schools, audiences, noticed_senders, noticed_schools, .. } = similar;
        [senders, schools, audiences, noticed_senders, noticed_schools]
    }

    #[test]
    fn who_sent_the_like() {
        let table: [(&str, Vec<Recent>, [usize; 5]); 6] = [
            ("nobody", vec![], [1, 1, 1, 1, 1]),
            ("somebody else something else", vec![recent(OTHER, 2, 2, 2, true)], [1, 1, 1, 1, 1]),
            ("the sender before", vec![recent(VARIANT, 1, 1, 9, true)], [1, 1, 1, 1, 1]),
            ("somebody of another school", vec![recent(VARIANT, 2, 2, 2, false)], [2, 2, 2, 1, 1]),
            (
                "the same person twice",
                vec![recent(VARIANT, 2, 2, 2, true), recent(NOTICE, 2, 2, 3, true)],
                [2, 2, 3, 2, 2],
            ),
            (
                "two of one class to one teacher",
                vec![recent(VARIANT, 1, 2, 1, true), recent(NOTICE, 1, 3, 1, false)],
                [3, 1, 1, 2, 1],
            ),
        ];
        for (who, recent, expected) in table {
            assert_eq!(counts(&outgoing(true), recent), expected, "{who}");
        }
        assert_eq!(counts(&outgoing(false), vec![recent(VARIANT, 2, 2, 2, true)]), [2, 2, 2, 1, 1]);
    }

    #[test]
    fn a_short_text_is_like_no_other() {
        let short = Outgoing { fingerprint: None, ..outgoing(true) };
        assert_eq!(counts(&short, vec![recent(NOTICE, 2, 2, 2, true)]), [1, 1, 1, 1, 1]);
    }

    #[test]
    fn whose_decisions_count() {
        let refused =
            |school| Decision { school_id: id(school), fingerprint: print(VARIANT), is_release: false };
        let released = |school| Decision { is_release: true, ..refused(school) };
        let other = |decision: Decision| Decision { fingerprint: print(OTHER), ..decision };
        let table: [(&str, Vec<Decision>, (bool, bool)); 7] = [
            ("refused here", vec![refused(1)], (true, false)),
            ("refused in one other school, twice", vec![refused(2), refused(2)], (false, false)),
            ("refused in two others", vec![refused(2), refused(3)], (true, false)),
            ("released here", vec![released(1)], (false, true)),
            ("released elsewhere", vec![released(2), released(3)], (false, false)),
            ("both", vec![refused(1), released(1)], (true, true)),
            ("of other texts", vec![other(refused(1)), other(released(1))], (false, false)),
        ];
        for (what, decisions, expected) in table {
            let similar = similar(&outgoing(false), &Window { decisions, ..Window::default() });
            assert_eq!((similar.is_refused, similar.is_released), expected, "{what}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn an_audience_has_one_mark_in_any_order(
            ids in prop::collection::hash_set(any::<u128>(), 1..40),
            other in any::<u128>(),
        ) {
            let mut ids: Vec<Uuid> = ids.into_iter().map(id).collect();
            let mark = audience_mark(&ids);
            ids.reverse();
            prop_assert_eq!(audience_mark(&ids), mark);
            ids[0] = id(other);
            prop_assert_ne!(audience_mark(&ids), mark);
        }

        /// Whatever is in the window, more people are never fewer.
        #[test]
        fn another_send_lowers_no_count(
            rows in prop::collection::vec((1_u128..6, 1_u128..9, 1_i64..6, any::<bool>()), 1..20),
        ) {
            let row = |(school, sender, audience, is_noticed): &(u128, u128, i64, bool)| {
                recent(VARIANT, *school, *sender, *audience, *is_noticed)
            };
            let all: Vec<Recent> = rows.iter().map(row).collect();
            let fewer = counts(&outgoing(true), all[1..].to_vec());
            let more = counts(&outgoing(true), all);
            prop_assert!(fewer.iter().zip(more).all(|(fewer, more)| *fewer <= more), "{fewer:?} {more:?}");
        }
    }
}
