//! Settles when demo events happened and are due, relative to the day of seeding: nothing that happened lies after its first minute.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, SecondsFormat, TimeDelta, Utc, Weekday};
use rand::Rng;

use super::streams::Dice;

/// The calendar of a data set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Calendar {
    pub(super) today: NaiveDate,
}

impl Calendar {
    /// Midnight UTC of the day of seeding: the latest moment at which anything has happened.
    pub(super) fn now(self) -> DateTime<Utc> {
        self.today.and_time(NaiveTime::MIN).and_utc()
    }

    /// The school days (Monday to Friday) from 3 days ago to 14 days ahead.
    pub(super) fn due_days(self) -> Vec<NaiveDate> {
        let first = self.today - Days::new(3);
        let is_school_day = |day: &NaiveDate| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
        first.iter_days().take(18).filter(is_school_day).collect()
    }

    /// When homework for `due` was given: 2 to 8 days before, during lessons, and not after yesterday.
    pub(super) fn given_before(self, due: NaiveDate, dice: &mut Dice) -> DateTime<Utc> {
        let day = (due - Days::new(dice.random_range(2..=8))).min(self.today - Days::new(1));
        at_work(day, dice)
    }

    /// A moment of one of the last `days` days, during the hours at which people write.
    pub(super) fn recently(self, days: u64, dice: &mut Dice) -> DateTime<Utc> {
        at_work(self.today - Days::new(dice.random_range(1..=days)), dice)
    }

    /// A moment after `earlier`, up to a day later, and before now.
    pub(super) fn soon_after(self, earlier: DateTime<Utc>, dice: &mut Dice) -> DateTime<Utc> {
        let later = earlier + TimeDelta::milliseconds(dice.random_range(120_000..64_800_000));
        if later < self.now() { later } else { earlier + (self.now() - earlier) / 2 }
    }

    /// When a message of `sent` was read, if it has been by now: within minutes or days, one in eight never.
    pub(super) fn reading(self, sent: DateTime<Utc>, dice: &mut Dice) -> Option<DateTime<Utc>> {
        let longest = 1_i64 << dice.random_range(5..=14);
        let read = sent + TimeDelta::minutes(dice.random_range(1..=longest));
        (dice.random_ratio(7, 8) && read < self.now()).then_some(read)
    }
}

fn at_work(day: NaiveDate, dice: &mut Dice) -> DateTime<Utc> {
    let start = day.and_time(NaiveTime::MIN).and_utc() + TimeDelta::hours(6);
    start + TimeDelta::milliseconds(dice.random_range(0..12 * 3_600_000))
}

/// RFC 3339 with milliseconds, as COPY reads it.
pub(super) fn timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
