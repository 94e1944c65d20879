//! Settles which day and hour each campaign has: a month of its own, so that none meets what another has left (texts that were withdrawn
//! are held for 30 days when they come again), by turns at night and at 7:50.

use anyhow::{Context as _, Result};
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use serde::Serialize;
use shared::paris;

use crate::clock;
use crate::installation::calendar;
use crate::layout::Layout;

/// When a campaign begins, by clocks in Paris.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Hour {
    Night,
    Morning,
}

/// How much later people come back on devices that were new: over a day, and before the first campaign.
const DAY_AFTER_S: u32 = 25 * 3_600;

/// Between two campaigns.
const APART_DAYS: u64 = 31;

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

    fn local(self) -> Option<NaiveTime> {
        match self {
            Self::Night => NaiveTime::from_hms_opt(3, 0, 0),
            Self::Morning => NaiveTime::from_hms_opt(7, 50, 0),
        }
    }
}

/// The days of a proof. Containers may have been ahead before: the calendar of what people have written never goes back.
pub(super) struct Days {
    /// The services' time when the proof began.
    today: DateTime<Utc>,
    ahead_s: u32,
}

impl Days {
    /// From the services' today on.
    pub(super) fn begin(layout: &Layout) -> Result<Self> {
        let ahead_s = calendar::ahead_s(layout)?;
        Ok(Self { today: clock::wall() + TimeDelta::seconds(ahead_s.into()), ahead_s })
    }

    /// How far ahead of the machine's the calendar is when people come back.
    pub(super) fn day_after_s(&self) -> u32 {
        self.ahead_s + DAY_AFTER_S
    }

    /// How far ahead it is when the campaign of a seed begins.
    pub(super) fn campaign_s(&self, seed: u32) -> Result<u32> {
        let ahead = begin(seed, self.today)? - clock::wall();
        u32::try_from(ahead.num_seconds()).context("the calendar ends there")
    }
}

/// When the campaign of a seed begins: 31 days later for each seed, the first one the day after tomorrow.
fn begin(seed: u32, today: DateTime<Utc>) -> Result<DateTime<Utc>> {
    let days = u64::from(seed) * APART_DAYS + 2;
    let day = today.date_naive().checked_add_days(chrono::Days::new(days)).context("no such day")?;
    let local = day.and_time(Hour::of(seed).local().context("no such hour")?).and_utc();
    Ok(local - TimeDelta::seconds(paris::local(local).offset().local_minus_utc().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_campaign_has_a_month_of_its_own_and_all_families_both_hours() {
        let now: DateTime<Utc> = "2026-11-22T23:59:30Z".parse().unwrap();
        let begins: Vec<DateTime<Utc>> = (0..20).map(|seed| begin(seed, now).unwrap()).collect();
        assert!(begins.windows(2).all(|pair| pair[1] - pair[0] > TimeDelta::days(30)), "{begins:?}");
        assert_eq!(begins[0].to_rfc3339(), "2026-11-24T02:00:00+00:00");
        assert_eq!(begins[6].to_rfc3339(), "2027-05-29T05:50:00+00:00");
        for family in 0..FAMILIES {
            assert_ne!(Hour::of(family), Hour::of(family + FAMILIES), "{family}");
        }
    }
}
