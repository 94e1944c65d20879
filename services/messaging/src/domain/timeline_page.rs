//! Settles the printable page of a timeline: one HTML file that needs nothing else, no network and no script.

use std::fmt::Write;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;

use super::incident::Incident;
use super::timeline::{Moment, Source};
use crate::upstream::security_events::Gap;

const HEAD: &str = include_str!("timeline_page.html");

/// What the page shows.
pub struct Page<'a> {
    /// The incident.
    pub incident: &'a Incident,
    /// As of when.
    pub made_at: DateTime<Utc>,
    /// In the order of time.
    pub moments: &'a [Moment],
    /// Spans in which sign-ins may be missing.
    pub gaps: &'a [Gap],
    /// What is missing for other reasons.
    pub missing: &'a [String],
}

impl Page<'_> {
    /// The page.
    pub fn render(&self) -> String {
        let Self { incident, made_at, moments, gaps, missing } = self;
        let mut rows = String::new();
        for moment in *moments {
            // Writing to a string does not fail.
            let _ = writeln!(rows, "{}", row(moment));
        }
        let missing: Vec<String> = gaps.iter().map(gap).chain(missing.iter().cloned()).collect();
        let missing = if missing.is_empty() {
            "Nothing is known to be missing.".to_owned()
        } else {
            let items: Vec<String> =
                missing.iter().map(|line| format!("<li>{}</li>", escape(line))).collect();
            format!("May be missing:<ul>{}</ul>", items.concat())
        };
        let closed =
            incident.closed_at.map_or_else(|| "open".to_owned(), |at| format!("closed {}", time(at)));
        let facts = format!(
            "{} &middot; {} &middot; since {} &middot; opened {} &middot; {closed} &middot; demanded by {}",
            incident.id,
            incident.kind.name(),
            time(incident.starts_at),
            time(incident.opened_at),
            escape(&incident.authority)
        );
        HEAD.replace("{title}", &escape(&incident.title))
            .replace("{facts}", &facts)
            .replace("{made_at}", &time(*made_at))
            .replace("{count}", &moments.len().to_string())
            .replace("{missing}", &missing)
            .replace("{rows}", &rows)
    }
}

fn row(moment: &Moment) -> String {
    let text = |value: &Option<String>| value.as_deref().map(escape).unwrap_or_default();
    let kept = match (moment.source, moment.position) {
        (Source::MessagingAudit, Some(position)) => format!("messaging, entry {position}"),
        (Source::AuthAudit, Some(position)) => format!("auth, entry {position}"),
        (Source::MessagingAudit | Source::AuthAudit, None) => "no place in the log yet".to_owned(),
        (Source::SecurityEvents, _) => "sign-ins".to_owned(),
        (Source::Messages, _) => "messages".to_owned(),
        (Source::Notes, _) => "notes".to_owned(),
    };
    format!(
        "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{kept}</td></tr>",
        time(moment.at),
        escape(&moment.what),
        text(&moment.subject),
        text(&moment.actor),
        text(&moment.authority),
        details(&moment.details),
        text(&moment.request_id)
    )
}

fn details(details: &Value) -> String {
    let Some(details) = details.as_object() else { return String::new() };
    let said = details.iter().filter(|(name, value)| !value.is_null() && name.as_str() != "incident");
    let said = said.map(|(name, value)| match value.as_str() {
        Some(text) => format!("{name}: {}", escape(text)),
        None => format!("{name}: {}", escape(&value.to_string())),
    });
    said.collect::<Vec<_>>().join("<br>")
}

fn gap(gap: &Gap) -> String {
    let until = gap.until.map_or_else(|| "an unknown moment".to_owned(), time);
    let lost = gap.lost.map_or_else(|| "an unknown number of".to_owned(), |lost| lost.to_string());
    format!("{lost} sign-in events that {} saw from {} until {until}", gap.instance, time(gap.from))
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // A placeholder of the page itself is no text of anybody.
            '{' => escaped.push_str("&#123;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::incident::Kind;
    use serde_json::json;
    use uuid::Uuid;

    #[test]
    fn whatever_people_wrote_is_text_on_the_page() {
        let at = DateTime::from_timestamp(1_788_242_400, 0).unwrap();
        let incident = Incident {
            id: Uuid::nil(),
            kind: Kind::HijackedAccounts,
            title: "<script>alert(1)</script> {rows}".to_owned(),
            authority: "l'école & \"le rectorat\"".to_owned(),
            school_ids: vec![],
            accounts: vec![],
            networks: vec![],
            starts_at: at,
            opened_at: at,
            opened_by: None,
            closed_at: None,
        };
        let moment = Moment {
            at,
            source: Source::MessagingAudit,
            what: "incident_opened".to_owned(),
            actor: Some("operator".to_owned()),
            authority: Some("<b>".to_owned()),
            subject: None,
            request_id: None,
            position: Some(7),
            details: json!({ "note": "<img src=x>", "incident": "hidden" }),
        };
        let gaps = [Gap { instance: "auth-1".to_owned(), from: at, until: None, lost: Some(3) }];
        let missing = ["sign-ins: auth cannot be reached".to_owned()];
        let page =
            Page { incident: &incident, made_at: at, moments: &[moment], gaps: &gaps, missing: &missing }
                .render();
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("<b>"), "{page}");
        assert!(page.contains("messaging, entry 7") && page.contains("note: &lt;img"), "{page}");
        assert!(page.contains("3 sign-in events that auth-1 saw") && page.contains("auth cannot be reached"));
        assert_eq!(page.matches("<tr>").count(), 2, "a title with a placeholder is no placeholder: {page}");
        assert!(!page.contains("src=\"http") && !page.contains("href"), "it needs nothing else");
    }
}
