//! Settles whether a send is delivered or held: the less a second look costs, the less it takes to ask for one.
//!
//! Whoever has one-time codes (all personnel) releases the own send within a minute by typing one, so a broad send of theirs is
//! held as soon as anything strong speaks against it, or as soon as others send the like. Pupils and guardians wait for
//! a reviewer: their sends are held when much speaks against them, or when something does and others of whom
//! something does send the like. Similar texts alone hold nobody's ordinary message: notices of absence are
//! much alike every morning, in every school.

use super::behaviour::{Assessment, Circumstances, Signal};
use super::window::{Outgoing, Similar, Window};

/// From this score on a send is held for a reviewer whatever its text.
const HELD_FROM: u32 = 4;
/// So many schools, or so many senders of one school, make a campaign of similar texts of people who were noticed.
const CAMPAIGN_SCHOOLS: usize = 2;
/// So many, whoever sends: teachers of different schools write the like now and then.
const ANYBODYS_SCHOOLS: usize = 4;
const ANYBODYS_SENDERS: usize = 5;
const CAMPAIGN_SENDERS: usize = 3;
/// In one school, to so many different audiences: a class that hands in the same homework writes to one teacher.
const CAMPAIGN_AUDIENCES: usize = 3;

/// What is said of a send: what becomes of it, and what those that come after have to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// What becomes of it.
    pub verdict: Verdict,
    /// Whether enough speaks against it for similar texts of others to count: kept with it.
    pub is_noticed: bool,
    /// Whether the device or the password is new: kept with it, for the [`Climate`](super::behaviour::Climate).
    pub is_newcomer: bool,
}

/// What becomes of a send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It goes to its recipients.
    Deliver,
    /// It waits.
    Hold(Hold),
}

/// Why a send waits, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Why; never empty.
    pub reasons: Vec<Reason>,
    /// Who may release it.
    pub release: Release,
}

/// Why a send waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Of the send itself.
    Signal(Signal),
    /// People of other schools send the like.
    SimilarElsewhere,
    /// Other people of this school send the like to other audiences.
    SimilarHere,
    /// Such a text was refused or recalled.
    SimilarRefused,
}

/// Who may release a held send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// The sender, by a one-time code that is typed after the hold.
    Sender,
    /// A reviewer of the school.
    Reviewer,
}

impl Reason {
    /// The name in tables and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Signal(signal) => signal.name(),
            Self::SimilarElsewhere => "similar_elsewhere",
            Self::SimilarHere => "similar_here",
            Self::SimilarRefused => "similar_refused",
        }
    }

    /// For the sender and the reviewer who ask why.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Signal(signal) => signal.reason(),
            Self::SimilarElsewhere => {
                "People of other schools have sent nearly the same text within ten minutes."
            }
            Self::SimilarHere => {
                "Several people of this school have sent nearly the same text within ten minutes."
            }
            Self::SimilarRefused => "A text nearly like this one was refused or recalled.",
        }
    }
}

/// Judges a send by what is known of it and by what the store knows of others.
pub fn judge(outgoing: &Outgoing, window: &Window) -> Judgement {
    let assessment = Assessment::of(&outgoing.circumstances, window.climate);
    let similar = Similar::of(outgoing, &assessment, window);
    let verdict = decide(&outgoing.circumstances, &assessment, &similar);
    Judgement { verdict, is_noticed: assessment.is_noticed(), is_newcomer: assessment.is_newcomer() }
}

fn decide(circumstances: &Circumstances, assessment: &Assessment, similar: &Similar) -> Verdict {
    if similar.is_refused {
        return hold(assessment, similar, Release::Reviewer);
    }
    if circumstances.is_vouched() {
        return Verdict::Deliver;
    }
    // What a reviewer of the school has read and released is no campaign there; the sender may still be an impostor.
    let is_compared = !similar.is_released;
    if circumstances.has_codes() && circumstances.is_broad() {
        let is_held = assessment.is_noticed() || (is_compared && is_campaign(similar));
        return if is_held { hold(assessment, similar, Release::Sender) } else { Verdict::Deliver };
    }
    let is_in_campaign = if assessment.is_noticed() {
        is_noticed_campaign(similar)
    } else {
        is_mostly_noticed_campaign(similar)
    };
    if assessment.score < HELD_FROM && !(is_compared && is_in_campaign) {
        return Verdict::Deliver;
    }
    let release = if circumstances.has_codes() { Release::Sender } else { Release::Reviewer };
    hold(assessment, similar, release)
}

/// A campaign, whoever sends it.
fn is_campaign(similar: &Similar) -> bool {
    similar.schools >= ANYBODYS_SCHOOLS
        || (similar.senders >= ANYBODYS_SENDERS && similar.audiences >= CAMPAIGN_AUDIENCES)
}

/// A campaign by those alone who were noticed.
fn is_noticed_campaign(similar: &Similar) -> bool {
    similar.noticed_schools >= CAMPAIGN_SCHOOLS || is_spread(similar, similar.noticed_senders)
}

/// Most of its senders were noticed, and they are enough: then the rest of them belong to it.
fn is_mostly_noticed_campaign(similar: &Similar) -> bool {
    is_noticed_campaign(similar)
        && similar.noticed_senders >= CAMPAIGN_SENDERS
        && similar.noticed_senders.saturating_mul(2) >= similar.senders
}

fn is_spread(similar: &Similar, senders: usize) -> bool {
    senders >= CAMPAIGN_SENDERS && similar.audiences >= CAMPAIGN_AUDIENCES
}

fn hold(assessment: &Assessment, similar: &Similar, release: Release) -> Verdict {
    let mut reasons: Vec<Reason> = assessment.signals.iter().copied().map(Reason::Signal).collect();
    let told = [
        (similar.schools >= CAMPAIGN_SCHOOLS, Reason::SimilarElsewhere),
        (is_spread(similar, similar.senders), Reason::SimilarHere),
        (similar.is_refused, Reason::SimilarRefused),
    ];
    reasons.extend(told.into_iter().filter(|(is_so, _)| *is_so).map(|(_, reason)| reason));
    Verdict::Hold(Hold { reasons, release })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::behaviour::{Climate, Proof};
    use super::*;

    const ORDINARY: Climate = Climate { people: 400, newcomers: 8 };

    fn guardian() -> Circumstances {
        Circumstances {
            is_personnel: false,
            device_age: Duration::from_hours(24 * 90),
            reset_age: None,
            proof: Proof::Impossible,
            local_hour: 8,
            recipients: 1,
            widest_before: 2,
            new_recipients: 0,
            reaches_personnel: true,
        }
    }

    fn on_new_device() -> Circumstances {
        Circumstances { device_age: Duration::from_mins(5), ..guardian() }
    }

    /// Noticed, and not held for that alone.
    fn pupil_to_pupil_on_new_device() -> Circumstances {
        Circumstances { reaches_personnel: false, ..on_new_device() }
    }

    fn teacher() -> Circumstances {
        Circumstances {
            is_personnel: true,
            proof: Proof::CodeAge(Duration::from_hours(3)),
            recipients: 60,
            widest_before: 90,
            reaches_personnel: false,
            ..guardian()
        }
    }

    fn vouched() -> Circumstances {
        Circumstances { proof: Proof::CodeAge(Duration::from_mins(1)), recipients: 2_000, ..teacher() }
    }

    /// Who else sent the like: senders, schools, audiences; of these noticed senders and schools.
    fn others(counts: [usize; 3], noticed: [usize; 2]) -> Similar {
        let [senders, schools, audiences] = counts;
        let [noticed_senders, noticed_schools] = noticed;
        Similar {
            senders,
            schools,
            audiences,
            noticed_senders,
            noticed_schools,
            is_refused: false,
            is_released: false,
        }
    }

    fn judged(circumstances: &Circumstances, similar: Option<Similar>) -> Option<Release> {
        let assessment = Assessment::of(circumstances, ORDINARY);
        let similar = similar.unwrap_or(others([1, 1, 1], [0, 0]));
        match decide(circumstances, &assessment, &similar) {
            Verdict::Deliver => None,
            Verdict::Hold(hold) => {
                assert!(!hold.reasons.is_empty(), "{circumstances:?}");
                Some(hold.release)
            }
        }
    }

    #[test]
    fn sends_that_nobody_else_sends() {
        use Release::{Reviewer, Sender};
        let ten = |of: Circumstances| Circumstances { recipients: 10, new_recipients: 8, ..of };
        let at_two = |of: Circumstances| Circumstances { local_hour: 2, ..of };
        let ten_friends = Circumstances { recipients: 10, reaches_personnel: false, ..guardian() };
        let table = [
            ("a notice of absence", guardian(), None),
            ("from a new telephone", on_new_device(), Some(Reviewer)),
            ("between pupils, from a new telephone", pupil_to_pupil_on_new_device(), None),
            ("at night", at_two(guardian()), None),
            (
                "at night to a teacher never written to",
                Circumstances { new_recipients: 1, ..at_two(guardian()) },
                Some(Reviewer),
            ),
            ("to ten people for the first time", ten(guardian()), Some(Reviewer)),
            (
                "to ten friends for the first time",
                Circumstances { new_recipients: 2, ..ten_friends.clone() },
                None,
            ),
            ("the same at night", at_two(ten_friends), Some(Reviewer)),
            ("a teacher to a class", teacher(), None),
            ("late in the evening", Circumstances { local_hour: 22, ..teacher() }, None),
            ("from a new device", Circumstances { device_age: Duration::ZERO, ..teacher() }, Some(Sender)),
            (
                "from a new device to few",
                Circumstances { recipients: 24, device_age: Duration::ZERO, ..teacher() },
                None,
            ),
            (
                "to the school for the first time",
                Circumstances { recipients: 900, ..teacher() },
                Some(Sender),
            ),
            ("the same after a code", vouched(), None),
            (
                "a code on a new device",
                Circumstances { device_age: Duration::ZERO, ..vouched() },
                Some(Sender),
            ),
            (
                "to the school for the first time, an account without codes",
                Circumstances { recipients: 900, proof: Proof::Impossible, local_hour: 3, ..teacher() },
                Some(Reviewer),
            ),
        ];
        for (what, circumstances, expected) in table {
            assert_eq!(judged(&circumstances, None), expected, "{what}");
        }
    }

    #[test]
    fn sends_that_others_send_too() {
        use Release::{Reviewer, Sender};
        let released = Similar { is_released: true, ..others([9, 4, 9], [9, 4]) };
        let refused = Similar { is_refused: true, ..others([1, 1, 1], [0, 0]) };
        let table = [
            ("notices of absence in twelve schools", guardian(), others([20, 12, 20], [2, 2]), None),
            ("most of them from new devices", guardian(), others([5, 3, 5], [3, 2]), Some(Reviewer)),
            ("two of them", guardian(), others([3, 2, 3], [2, 2]), None),
            (
                "two schools, both from new devices",
                pupil_to_pupil_on_new_device(),
                others([2, 2, 2], [2, 2]),
                Some(Reviewer),
            ),
            (
                "one other, who was not noticed",
                pupil_to_pupil_on_new_device(),
                others([2, 2, 2], [1, 1]),
                None,
            ),
            (
                "three of one school to three audiences",
                pupil_to_pupil_on_new_device(),
                others([3, 1, 3], [3, 1]),
                Some(Reviewer),
            ),
            ("two of one school", pupil_to_pupil_on_new_device(), others([2, 1, 2], [2, 1]), None),
            ("a class to one person", pupil_to_pupil_on_new_device(), others([26, 1, 1], [26, 1]), None),
            ("teachers pass a notice on", teacher(), others([5, 1, 5], [0, 0]), Some(Sender)),
            ("in four schools", teacher(), others([4, 4, 1], [0, 0]), Some(Sender)),
            ("in three schools", teacher(), others([4, 3, 4], [0, 0]), None),
            ("four of one school pass it on", teacher(), others([4, 1, 4], [0, 0]), None),
            ("heads copy the academy's text", vouched(), others([25, 25, 25], [0, 0]), None),
            ("what a reviewer released", pupil_to_pupil_on_new_device(), released, None),
            ("what a reviewer refused", guardian(), refused, Some(Reviewer)),
            ("what a reviewer refused, from a head", vouched(), refused, Some(Reviewer)),
        ];
        for (what, circumstances, similar, expected) in table {
            assert_eq!(judged(&circumstances, Some(similar)), expected, "{what}");
        }
    }

    #[test]
    fn a_release_of_the_text_does_not_clear_the_sender() {
        let circumstances = Circumstances { recipients: 10, ..on_new_device() };
        let similar = Similar { is_released: true, ..others([9, 4, 9], [9, 4]) };
        assert_eq!(judged(&circumstances, Some(similar)), Some(Release::Reviewer));
    }

    #[test]
    fn a_hold_says_everything_that_led_to_it() {
        let circumstances = Circumstances { local_hour: 1, ..on_new_device() };
        let assessment = Assessment::of(&circumstances, ORDINARY);
        let similar = Similar { is_refused: true, ..others([5, 2, 4], [5, 2]) };
        let Verdict::Hold(hold) = decide(&circumstances, &assessment, &similar) else { panic!("delivered") };
        let names: Vec<&str> = hold.reasons.iter().map(|reason| reason.name()).collect();
        let expected =
            ["new_device", "night", "upward", "similar_elsewhere", "similar_here", "similar_refused"];
        assert_eq!(names, expected);
        assert!(hold.reasons.iter().all(|reason| reason.reason().ends_with('.')));
    }
}
