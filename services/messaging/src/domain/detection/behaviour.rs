//! Settles what speaks against a send before its text is looked at: the device, the hour, the audience, and what is new to the sender.

use std::time::Duration;

/// A device or a password younger than this is new.
const NEW_FOR: Duration = Duration::from_hours(24);
/// A one-time code counts as fresh for this long.
const CODE_FRESH_FOR: Duration = Duration::from_mins(15);
/// Local hours in which hardly anybody writes: from 23:00 until before 6:00.
const NIGHT: [u8; 7] = [23, 0, 1, 2, 3, 4, 5];
/// From how many recipients a send is broad: for personnel, who write to classes every day, and for everybody else.
const BROAD_FOR_PERSONNEL: u32 = 25;
const BROAD_FOR_OTHERS: u32 = 5;
/// From so many recipients on a one-time code is asked for whoever sends.
pub const LARGE_FROM: u32 = 200;
/// From this score on a send counts as noticed: similar texts of other noticed people then hold it.
const NOTICED_FROM: u32 = 3;
/// From one newcomer in so many people on, newcomers are common; of fewer people than these nothing is known.
const COMMON_FROM_ONE_IN: usize = 4;
const FEWEST_PEOPLE: usize = 64;

/// What is known of a send beside its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circumstances {
    /// Whether the sender is of the personnel of the school.
    pub is_personnel: bool,
    /// Since the account knows the device that sends.
    pub device_age: Duration,
    /// Since the last password was set with a printed code; none where that was never or long ago.
    pub reset_age: Option<Duration>,
    /// What the sender can prove beyond the password.
    pub proof: Proof,
    /// Hour of the school's local time, 0 to 23.
    pub local_hour: u8,
    /// People who would receive it.
    pub recipients: u32,
    /// Most recipients of any message that the sender has sent, a day ago or earlier, and that was not recalled; 0 for none.
    /// What was sent today does not count: a thief would work up to it.
    pub widest_before: u32,
    /// Recipients to whom the sender has never written, alone or among others. Asked of pupils and guardians, whose
    /// recipients are few; not looked at for personnel.
    pub new_recipients: u32,
    /// Whether personnel of the school is among the recipients.
    pub reaches_personnel: bool,
}

/// What the sender can prove beyond the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The account has no one-time codes.
    Impossible,
    /// It has; the last code in this session is so long ago.
    CodeAge(Duration),
}

/// Who has been sending: the people behind the newest [`CLIMATE_SENDS`] sends that were delivered and are older than ten minutes, in
/// every school. What a campaign sends is held, or too young, or of too few people to change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Climate {
    /// Distinct people.
    pub people: usize,
    /// Of these, newcomers: with [`Assessment::is_newcomer`] kept of one of their sends.
    pub newcomers: usize,
}

/// Sends of which the climate is told.
pub const CLIMATE_SENDS: usize = 512;

impl Climate {
    /// Whether a new device or password says nothing, because everybody has one: on the first days after holidays, and where
    /// hardly anybody has sent anything yet.
    pub fn has_many_newcomers(self) -> bool {
        self.people < FEWEST_PEOPLE || self.newcomers.saturating_mul(COMMON_FROM_ONE_IN) >= self.people
    }
}

/// Something that speaks against a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// The account has known the device for less than 24 hours.
    NewDevice,
    /// The password was set with a printed code less than 24 hours ago.
    NewPassword,
    /// It is between 23:00 and 6:00 in the school.
    Night,
    /// The sender has never written to half as many people, and they are many for what the sender is.
    FirstBroad,
    /// It goes to 200 people or more, and nobody has just typed a code.
    Large,
    /// A pupil or a guardian writes to personnel.
    Upward,
    /// A pupil or a guardian has never written to at least half of the recipients.
    NewRecipients,
}

impl Signal {
    /// Every signal.
    pub const ALL: [Self; 7] = [
        Self::NewDevice,
        Self::NewPassword,
        Self::Night,
        Self::FirstBroad,
        Self::Large,
        Self::Upward,
        Self::NewRecipients,
    ];

    /// The name in tables and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::NewDevice => "new_device",
            Self::NewPassword => "new_password",
            Self::Night => "night",
            Self::FirstBroad => "first_broad",
            Self::Large => "large",
            Self::Upward => "upward",
            Self::NewRecipients => "new_recipients",
        }
    }

    /// For the sender and the reviewer who ask why.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NewDevice => "It was sent from a device that this account has used for less than a day.",
            Self::NewPassword => "The account's password was set with a printed code less than a day ago.",
            Self::Night => "It was sent between 23:00 and 6:00.",
            Self::FirstBroad => "The sender has never written to nearly as many people at once.",
            Self::Large => "It goes to very many people, and no one-time code was typed just before.",
            Self::Upward => "It goes to personnel of the school.",
            Self::NewRecipients => "The sender has never written to most of these people.",
        }
    }

    /// What it adds to the score. Chosen on the tuning seeds of the detection benchmark: see docs/detection.md.
    fn weight(self, of: &Circumstances, climate: Climate) -> u32 {
        match self {
            Self::NewDevice | Self::NewPassword if climate.has_many_newcomers() => 0,
            Self::NewDevice | Self::NewPassword | Self::Large => 3,
            // Personnel seldom does either, and needs a code to go on, not a reviewer.
            Self::Night | Self::FirstBroad if of.is_personnel => 3,
            Self::Night | Self::FirstBroad => 2,
            Self::Upward | Self::NewRecipients => 1,
        }
    }

    fn is_in(self, of: &Circumstances) -> bool {
        match self {
            Self::NewDevice => of.device_age < NEW_FOR,
            Self::NewPassword => of.reset_age.is_some_and(|age| age < NEW_FOR),
            Self::Night => NIGHT.contains(&of.local_hour),
            Self::FirstBroad => of.is_broad() && of.recipients > of.widest_before.saturating_mul(2),
            Self::Large => of.recipients >= LARGE_FROM && !of.is_vouched(),
            Self::Upward => !of.is_personnel && of.reaches_personnel,
            Self::NewRecipients => {
                !of.is_personnel && of.new_recipients > 0 && of.new_recipients >= of.recipients.div_ceil(2)
            }
        }
    }
}

impl Circumstances {
    /// Whether they are many recipients for what the sender is.
    pub fn is_broad(&self) -> bool {
        self.recipients >= if self.is_personnel { BROAD_FOR_PERSONNEL } else { BROAD_FOR_OTHERS }
    }

    /// Whether the sender could prove now who they are, with a one-time code.
    pub fn has_codes(&self) -> bool {
        match self.proof {
            Proof::Impossible => false,
            Proof::CodeAge(_) => true,
        }
    }

    /// Whether somebody of the personnel proved who they are just now, on a device and with a password that are not
    /// new. The code of a sign-in on a new device does not count: whoever lured a password away may have lured one code too.
    pub fn is_vouched(&self) -> bool {
        let has_fresh_code = match self.proof {
            Proof::Impossible => false,
            Proof::CodeAge(age) => age <= CODE_FRESH_FOR,
        };
        self.is_personnel
            && has_fresh_code
            && !Signal::NewDevice.is_in(self)
            && !Signal::NewPassword.is_in(self)
    }
}

/// What speaks against a send, and how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// What speaks against it.
    pub signals: Vec<Signal>,
    /// The sum of their weights.
    pub score: u32,
}

impl Assessment {
    /// Of one send.
    pub fn of(circumstances: &Circumstances, climate: Climate) -> Self {
        let signals: Vec<Signal> =
            Signal::ALL.into_iter().filter(|signal| signal.is_in(circumstances)).collect();
        // Whoever sets a new password mostly does so on a new device: together they say what each says alone.
        let is_told_twice = signals.contains(&Signal::NewDevice);
        let counted = signals.iter().filter(|signal| !(is_told_twice && **signal == Signal::NewPassword));
        let score = counted.map(|signal| signal.weight(circumstances, climate)).sum();
        Self { signals, score }
    }

    /// Whether the signal is among them.
    pub fn has(&self, signal: Signal) -> bool {
        self.signals.contains(&signal)
    }

    /// Whether the device or the password is new.
    pub fn is_newcomer(&self) -> bool {
        self.has(Signal::NewDevice) || self.has(Signal::NewPassword)
    }

    /// Whether enough speaks against it for similar texts to count.
    pub fn is_noticed(&self) -> bool {
        self.score >= NOTICED_FROM
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Signal::{FirstBroad, Large, NewDevice, NewPassword, NewRecipients, Night, Upward};

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

    fn head() -> Circumstances {
        Circumstances {
            is_personnel: true,
            proof: Proof::CodeAge(Duration::from_mins(3)),
            recipients: 1_800,
            widest_before: 1_700,
            ..guardian()
        }
    }

    const ORDINARY: Climate = Climate { people: 400, newcomers: 8 };

    #[test]
    fn what_speaks_against_a_send() {
        let minutes = Duration::from_mins;
        let ten = Circumstances { recipients: 10, new_recipients: 5, ..guardian() };
        let long_ago = Proof::CodeAge(minutes(60));
        let table: [(&str, Circumstances, &[Signal], u32); 18] = [
            ("an ordinary morning", guardian(), &[Upward], 1),
            (
                "a new telephone",
                Circumstances { device_age: minutes(3), ..guardian() },
                &[NewDevice, Upward],
                4,
            ),
            ("a day and no less", Circumstances { device_age: minutes(1440), ..guardian() }, &[Upward], 1),
            (
                "a new password on a new device is told once",
                Circumstances { device_age: minutes(3), reset_age: Some(minutes(4)), ..guardian() },
                &[NewDevice, NewPassword, Upward],
                4,
            ),
            (
                "a new password",
                Circumstances { reset_age: Some(minutes(4)), ..guardian() },
                &[NewPassword, Upward],
                4,
            ),
            ("an old password", Circumstances { reset_age: Some(minutes(1440)), ..guardian() }, &[Upward], 1),
            ("late", Circumstances { local_hour: 23, ..guardian() }, &[Night, Upward], 3),
            ("early", Circumstances { local_hour: 6, ..guardian() }, &[Upward], 1),
            ("ten people for the first time", ten.clone(), &[FirstBroad, Upward, NewRecipients], 4),
            (
                "fewer than half of them new, and not twice as many as before",
                Circumstances { new_recipients: 4, widest_before: 5, ..ten },
                &[Upward],
                1,
            ),
            ("between pupils", Circumstances { reaches_personnel: false, ..guardian() }, &[], 0),
            ("a head writes to the school", head(), &[], 0),
            ("for the first time", Circumstances { widest_before: 90, ..head() }, &[FirstBroad], 3),
            ("to people who are new to a head", Circumstances { new_recipients: 1_800, ..head() }, &[], 0),
            ("at night", Circumstances { local_hour: 4, ..head() }, &[Night], 3),
            ("the last code is an hour ago", Circumstances { proof: long_ago, ..head() }, &[Large], 3),
            ("and they are 200", Circumstances { proof: long_ago, recipients: 200, ..head() }, &[Large], 3),
            ("or 199", Circumstances { proof: long_ago, recipients: 199, ..head() }, &[], 0),
        ];
        for (what, circumstances, signals, score) in table {
            let expected = Assessment { signals: signals.to_vec(), score };
            assert_eq!(Assessment::of(&circumstances, ORDINARY), expected, "{what}");
        }
    }

    #[test]
    fn what_everybody_has_says_nothing() {
        let newcomer =
            Circumstances { device_age: Duration::ZERO, reset_age: Some(Duration::ZERO), ..guardian() };
        let table = [
            ("one in fifty", ORDINARY, 4),
            ("nearly one in four", Climate { people: 400, newcomers: 99 }, 4),
            ("one in four", Climate { people: 400, newcomers: 100 }, 1),
            ("few people have written", Climate { people: 63, newcomers: 0 }, 1),
            ("enough have", Climate { people: 64, newcomers: 0 }, 4),
            ("nobody has", Climate::default(), 1),
        ];
        for (what, climate, score) in table {
            let assessment = Assessment::of(&newcomer, climate);
            assert_eq!(assessment.score, score, "{what}");
            assert!(assessment.is_newcomer(), "{what}");
        }
        let late = Circumstances { local_hour: 2, ..guardian() };
        assert_eq!(
            Assessment::of(&late, Climate::default()).score,
            3,
            "an hour of the night is nobody's habit"
        );
    }

    #[test]
    fn who_is_vouched() {
        let table = [
            ("a code just now", head(), true),
            (
                "too long ago",
                Circumstances { proof: Proof::CodeAge(Duration::from_mins(16)), ..head() },
                false,
            ),
            ("no codes at all", Circumstances { proof: Proof::Impossible, ..head() }, false),
            ("a new device", Circumstances { device_age: Duration::from_mins(2), ..head() }, false),
            ("a new password", Circumstances { reset_age: Some(Duration::from_mins(2)), ..head() }, false),
            ("a pupil with codes", Circumstances { is_personnel: false, ..head() }, false),
        ];
        for (what, circumstances, expected) in table {
            assert_eq!(circumstances.is_vouched(), expected, "{what}");
        }
    }

    #[test]
    fn extremes_are_judged() {
        let most = Circumstances {
            recipients: u32::MAX,
            widest_before: u32::MAX,
            new_recipients: u32::MAX,
            local_hour: 255,
            device_age: Duration::MAX,
            ..guardian()
        };
        assert_eq!(Assessment::of(&most, ORDINARY).signals, [Large, Upward, NewRecipients]);
        assert_eq!(
            Assessment::of(&Circumstances { recipients: 0, ..guardian() }, ORDINARY).signals,
            [Upward]
        );
    }
}
