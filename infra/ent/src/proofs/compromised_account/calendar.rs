//! Settles which day and hour each campaign has: a day of its own, so that none meets what another has left, by turns at night and at 7:50.

use anyhow::{Context as _, Result};
use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use serde::Serialize;

/// When a campaign begins. Paris is an hour ahead of UTC, or two: 3:00 or 4:00 are both night, and so 7:50 is 7:50 in winter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Hour {
    Night,
    Morning,
}

/// How far ahead people come back on devices that were new: over a day, and before the first campaign.
pub(super) const DAY_AFTER_S: u32 = 25 * 3_600;

/// There are so many families. Hours take turns, and a family that comes again has the other one.
const FAMILIES: u32 = 6;

impl Hour {
    /// Of a seed.
    pub(super) fn of(seed: u32) -> Self {
        if (seed + seed / FAMILIES).is_multiple_of(2) { Self::Night } else { Self::Morning }
    }

    /// In reports.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Night => "at night",
            Self::Morning => "at 7:50",
        }
    }

    fn utc(self) -> Option<NaiveTime> {
        match self {
            Self::Night => NaiveTime::from_hms_opt(2, 0, 0),
            Self::Morning => NaiveTime::from_hms_opt(6, 50, 0),
        }
    }
}

/// How many seconds ahead of `now` the campaign of a seed begins: one day later for each seed, the first one the day after tomorrow.
pub(super) fn ahead_s(seed: u32, now: DateTime<Utc>) -> Result<u32> {
    let day = now.date_naive().checked_add_days(Days::new(u64::from(seed) + 2)).context("no such day")?;
    let begin = day.and_time(Hour::of(seed).utc().context("no such hour")?).and_utc();
    let ahead: TimeDelta = begin - now;
    u32::try_from(ahead.num_seconds()).context("the calendar ends there")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_campaign_has_a_later_day_and_all_families_both_hours() {
        let now: DateTime<Utc> = "2026-11-22T23:59:30Z".parse().unwrap();
        let begins: Vec<DateTime<Utc>> =
            (0..20).map(|seed| now + TimeDelta::seconds(ahead_s(seed, now).unwrap().into())).collect();
        assert!(begins.windows(2).all(|pair| pair[1] - pair[0] > TimeDelta::hours(12)), "{begins:?}");
        assert_eq!(begins[0].to_rfc3339(), "2026-11-24T02:00:00+00:00");
        assert_eq!(begins[6].to_rfc3339(), "2026-11-30T06:50:00+00:00");
        for family in 0..FAMILIES {
            assert_ne!(Hour::of(family), Hour::of(family + FAMILIES), "{family}");
        }
    }
}
