//! Settles which hour people read on a page: that of Paris, by the European Union's rule for summer time (directive 2000/84/EC).

use chrono::{DateTime, Datelike, Days, FixedOffset, NaiveDate, Utc};

/// The months as people read them.
const MONTHS: [(&str, &str); 12] = [
    ("janvier", "January"),
    ("février", "February"),
    ("mars", "March"),
    ("avril", "April"),
    ("mai", "May"),
    ("juin", "June"),
    ("juillet", "July"),
    ("août", "August"),
    ("septembre", "September"),
    ("octobre", "October"),
    ("novembre", "November"),
    ("décembre", "December"),
];

/// Such as `6 avril à 17 h 30`.
pub fn in_french(moment: DateTime<Utc>) -> String {
    let local = local(moment);
    format!("{} {} à {}", local.day(), month(local).0, local.format("%-H h %M"))
}

/// Such as `6 April, 17:30`.
pub fn in_english(moment: DateTime<Utc>) -> String {
    let local = local(moment);
    format!("{} {}, {}", local.day(), month(local).1, local.format("%H:%M"))
}

fn month(local: DateTime<FixedOffset>) -> (&'static str, &'static str) {
    MONTHS.iter().zip(1..).find(|(_, number)| *number == local.month()).map_or(("", ""), |(names, _)| *names)
}

fn local(moment: DateTime<Utc>) -> DateTime<FixedOffset> {
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
        for (utc, french) in [
            ("2021-03-28T00:59:00Z", "28 mars à 1 h 59"),
            ("2021-03-28T01:00:00Z", "28 mars à 3 h 00"),
            ("2021-04-06T15:30:00Z", "6 avril à 17 h 30"),
            ("2026-10-25T00:59:00Z", "25 octobre à 2 h 59"),
            ("2026-10-25T01:00:00Z", "25 octobre à 2 h 00"),
            ("2026-12-31T23:30:00Z", "1 janvier à 0 h 30"),
        ] {
            assert_eq!(in_french(utc.parse().unwrap()), french, "{utc}");
        }
        assert_eq!(in_english("2021-04-06T15:30:00Z".parse().unwrap()), "6 April, 17:30");
    }
}
