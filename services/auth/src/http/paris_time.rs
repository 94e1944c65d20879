//! Settles how people read a moment on a page: as an hour of Paris.

use chrono::{DateTime, Datelike, FixedOffset, Utc};
use shared::paris::local;

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
