//! Settles what campaigns do: which accounts, from which devices, how fast, to whom, with which words. Assumptions, unless a source is named.
//!
//! Thirty accounts in 25 schools, as in March 2024. Most passwords were stolen, so most campaigns come from devices new to the
//! account; a part of the accounts is used through sessions stolen from the victim's own device. Personnel signs in
//! with one-time codes, so their accounts are mostly reached that second way. Budgets of recipients hold.

use std::sync::Arc;
use std::time::Duration;

use messaging::detection::behaviour::Proof;
use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};

use super::dice::{Concern, Dice, Side, dice, share_of};
use super::people::{Day, HOUR_MS, Kind, MINUTE_MS, Person, SECOND_MS, School, milliseconds};
use super::sending::{Print, Sending};
use super::wording::campaign::{Script, Style};

/// Accounts of a campaign.
const ACCOUNTS: usize = 30;

/// How a campaign goes about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Template,
    Personalised,
    Paraphrase,
    /// One send of one account every 11 to 40 minutes, to one to three people.
    SlowDrip,
    /// Answers within threads that the account has, to people whom it has written to.
    ReplyHijack,
    /// Accounts of personnel, to classes, levels and schools.
    StaffAccount,
    /// One message of one account to the head of one school.
    SingleMessage,
}

/// When it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Between 23:00 and 3:00; a slow one at 20:00.
    Night,
    /// At 7:50.
    Morning,
    /// At 7:50 of the first day after holidays.
    MorningBack,
}

impl Family {
    pub const ALL: [Self; 7] = [
        Self::Template,
        Self::Personalised,
        Self::Paraphrase,
        Self::SlowDrip,
        Self::ReplyHijack,
        Self::StaffAccount,
        Self::SingleMessage,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::Personalised => "personalised",
            Self::Paraphrase => "paraphrase",
            Self::SlowDrip => "slow drip",
            Self::ReplyHijack => "reply hijack",
            Self::StaffAccount => "staff account",
            Self::SingleMessage => "single message to one head",
        }
    }

    fn style(self, dice: &mut Dice) -> Style {
        let any = [Style::Template, Style::Personalised, Style::Paraphrase];
        match self {
            Self::Template | Self::SingleMessage => Style::Template,
            Self::Personalised => Style::Personalised,
            Self::Paraphrase => Style::Paraphrase,
            Self::SlowDrip | Self::ReplyHijack | Self::StaffAccount => {
                any.choose(dice).copied().unwrap_or(Style::Paraphrase)
            }
        }
    }

    fn kind(self, dice: &mut Dice) -> Kind {
        match self {
            Self::SingleMessage => Kind::Guardian,
            Self::StaffAccount => match dice.random_range(0..10) {
                0 => Kind::Head,
                1 | 2 => Kind::SchoolLife,
                _ => Kind::Teacher,
            },
            Self::Template | Self::Personalised | Self::Paraphrase | Self::SlowDrip | Self::ReplyHijack => {
                match dice.random_range(0..10) {
                    0 => Kind::Teacher,
                    1..=3 => Kind::Guardian,
                    _ => Kind::Pupil,
                }
            }
        }
    }
}

impl Start {
    pub const ALL: [Self; 3] = [Self::Night, Self::Morning, Self::MorningBack];

    pub fn name(self) -> &'static str {
        match self {
            Self::Night => "at night",
            Self::Morning => "at 7:50",
            Self::MorningBack => "at 7:50, everybody back",
        }
    }

    pub fn day(self) -> Day {
        match self {
            Self::Night | Self::Morning => Day::ORDINARY,
            Self::MorningBack => Day::BACK,
        }
    }
}

/// What a whole campaign shares.
struct Plan {
    family: Family,
    script: Script,
    /// Share of accounts used from a device new to them, personnel apart.
    new_devices: f64,
    /// Mean seconds between accounts.
    pace_s: f64,
}

/// All sends of one campaign, in their order.
pub fn campaign(seed: u64, side: Side, family: Family, start: Start, region: &[School]) -> Vec<Sending> {
    let mut dice = dice(seed, Concern::Campaign);
    let style = family.style(&mut dice);
    let plan = Plan {
        family,
        script: Script::new(style, side, &mut dice),
        new_devices: dice.random_range(0.7..1.0),
        // From a script that needs a third of a second for an account to somebody who types: a minute.
        pace_s: 0.3 * (200.0_f64).powf(dice.random()),
    };
    let mut at_ms = begin(family, start, &mut dice);
    let mut sendings = Vec::new();
    for account in accounts(family, region, &mut dice) {
        plan.act(account, at_ms, &mut dice, &mut sendings);
        at_ms += plan.pause(&mut dice);
    }
    sendings.sort_by_key(|sending| sending.at_ms);
    sendings
}

fn begin(family: Family, start: Start, dice: &mut Dice) -> u64 {
    match (start, family) {
        (Start::Morning | Start::MorningBack, _) => 7 * HOUR_MS + 50 * MINUTE_MS,
        (Start::Night, Family::SlowDrip) => 20 * HOUR_MS,
        (
            Start::Night,
            Family::Template
            | Family::Personalised
            | Family::Paraphrase
            | Family::ReplyHijack
            | Family::StaffAccount
            | Family::SingleMessage,
        ) => dice.random_range(23 * HOUR_MS..27 * HOUR_MS),
    }
}

/// Every school once, then some of them again, in no order.
fn accounts<'a>(family: Family, region: &'a [School], dice: &mut Dice) -> Vec<&'a Person> {
    let mut schools: Vec<&School> = region.iter().collect();
    while schools.len() < ACCOUNTS {
        schools.extend(region.choose(dice));
    }
    schools.shuffle(dice);
    schools.truncate(if family == Family::SingleMessage { 1 } else { ACCOUNTS });
    schools.into_iter().filter_map(|school| school.all(family.kind(dice)).choose(dice)).collect()
}

impl Plan {
    fn pause(&self, dice: &mut Dice) -> u64 {
        if self.family == Family::SlowDrip {
            return dice.random_range(11 * MINUTE_MS..40 * MINUTE_MS);
        }
        milliseconds(-self.pace_s * (1.0 - dice.random::<f64>()).ln())
    }

    /// One account: one send to a class, a level or a school; up to three sends to named people.
    fn act(&self, account: &Person, at_ms: u64, dice: &mut Dice, sendings: &mut Vec<Sending>) {
        let sends = match self.family {
            Family::SlowDrip | Family::SingleMessage | Family::StaffAccount => 1,
            Family::Template | Family::Personalised | Family::Paraphrase | Family::ReplyHijack => {
                if account.is_personnel() { 1 } else { dice.random_range(1..=3) }
            }
        };
        let is_thief_on_new_device = dice.random_bool(if account.is_personnel() {
            self.personnel_on_new_devices()
        } else {
            self.new_devices
        });
        // One thief of a personnel's account in ten has its one-time codes too, and types one when asked.
        let has_codes = account.is_personnel() && dice.random_bool(0.1);
        let mut at_ms = at_ms;
        for _ in 0..sends {
            let mut sending = self.send(account, at_ms, dice);
            sending.code_within_ms = has_codes.then(|| dice.random_range(20 * SECOND_MS..60 * SECOND_MS));
            if is_thief_on_new_device {
                sending.outgoing.circumstances.device_age = Duration::from_mins(dice.random_range(2..40));
            } else if has_codes {
                sending.outgoing.circumstances.proof = Proof::CodeAge(Duration::from_mins(1));
            }
            sendings.push(sending);
            at_ms += dice.random_range(3 * SECOND_MS..20 * SECOND_MS);
        }
    }

    /// Mixed campaigns reach personnel by stolen sessions; who goes for personnel lures one-time codes away as well.
    fn personnel_on_new_devices(&self) -> f64 {
        if self.family == Family::StaffAccount { 0.3 } else { 0.0 }
    }

    fn send(&self, account: &Person, at_ms: u64, dice: &mut Dice) -> Sending {
        let recipients = self.recipients(account, dice);
        let mut circumstances = account.sends_to(recipients, at_ms);
        let (first_letters, upward) = match (self.family, account.kind) {
            (Family::ReplyHijack, _) => (0.0, 0.6),
            (Family::SingleMessage, _) => (0.8, 1.0),
            (_, Kind::Guardian) => (0.7, 1.0),
            (_, Kind::Pupil) => (0.7, 0.7),
            (_, Kind::Teacher | Kind::SchoolLife | Kind::Head) => (0.05, 0.0),
        };
        circumstances.new_recipients = share_of(recipients, first_letters, dice);
        circumstances.reaches_personnel = dice.random_bool(upward);
        let print: Option<Arc<Print>> = Print::of(&self.script.copy(dice));
        let sending = Sending::new(account, at_ms, dice.random(), circumstances, print);
        Sending { is_hostile: true, ..sending }
    }

    fn recipients(&self, account: &Person, dice: &mut Dice) -> u32 {
        match (self.family, account.kind) {
            (Family::SingleMessage, _) => 1,
            (Family::SlowDrip, _) => dice.random_range(1..=3),
            (Family::ReplyHijack, _) => dice.random_range(1..=4),
            (_, Kind::Pupil | Kind::Guardian) if dice.random_bool(0.5) => 10,
            (_, Kind::Pupil | Kind::Guardian) => dice.random_range(3..=10),
            (_, Kind::Teacher | Kind::SchoolLife | Kind::Head) => match dice.random_range(0..10) {
                0 => dice.random_range(500..=1_000),
                1..=3 => dice.random_range(100..=400),
                _ => dice.random_range(25..=90),
            },
        }
    }
}
