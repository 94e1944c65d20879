//! Settles which hour it is in Paris, by the European Union's rule for summer time (directive 2000/84/EC).

use chrono::{DateTime, Datelike, Days, FixedOffset, NaiveDate, Utc};

/// A moment as clocks in Paris show it.
pub fn local(moment: DateTime<Utc>) -> DateTime<FixedOffset> {
    let year = moment.year();
    let is_summer = change(year, 3).is_none_or(|begin| begin <= moment)
        && change(year, 10).is_none_or(|end| moment < end);
    let hours = if is_summer { 2 } else { 1 };
    FixedOffset::east_opt(hours * 3_600)
        .map_or_else(|| moment.fixed_offset(), |zone| moment.with_timezone(&zone))
}

/// One in the morning, UTC, of the last Sunday of a month with 31 days.
fn change(year: i32, month: u32) -> Option<DateTime<Utc>> {
    let last = NaiveDate::from_ymd_opt(year, month, 31)?;
    let sunday = last.checked_sub_days(Days::new(u64::from(last.weekday().num_days_from_sunday())))?;
    Some(sunday.and_hms_opt(1, 0, 0)?.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summer_time_begins_and_ends_on_the_last_sundays_of_march_and_october() {
        for (utc, hour) in [
            ("2021-03-28T00:59:00Z", "01:59"),
            ("2021-03-28T01:00:00Z", "03:00"),
            ("2026-10-25T00:59:00Z", "02:59"),
            ("2026-10-25T01:00:00Z", "02:00"),
        ] {
            let moment: DateTime<Utc> = utc.parse().unwrap();
            assert_eq!(local(moment).format("%H:%M").to_string(), hour, "{utc}");
        }
    }
}
