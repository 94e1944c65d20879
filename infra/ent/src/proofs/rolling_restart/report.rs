//! Settles how the outcome is told: a scorecard for the terminal, Markdown, a page, and one JSON document.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;
use serde::Serialize;

use super::stage::{Passed, Replaced};
use super::verdict::{self, Figures};
use super::visits::Visits;
use crate::proofs::aim::{self, Aim, Outcome};
use crate::proofs::html::{self, escape, put, section};
use crate::proofs::seen::{Seen, seconds};

/// Everything that is told.
#[derive(Serialize)]
pub(super) struct Told {
    proof: &'static str,
    outcome: Outcome,
    ablated: Vec<&'static str>,
    aims: Vec<Aim>,
    void: Vec<String>,
    figures: Figures,
    /// When k6 began: milliseconds since 1970.
    start: u64,
    replaced: Vec<Replaced>,
    /// How first tries ended that were no answers, and how often.
    troubles: BTreeMap<String, usize>,
    /// What went wrong for people, and how often.
    failures: BTreeMap<String, usize>,
}

/// Heads of the table of instances.
const HEADS: [&str; 3] = ["instance", "after s", "took s"];

impl Told {
    /// Judged.
    pub(super) fn of(
        passed: &Passed,
        visits: &Visits,
        seen: &Seen,
        figures: &Figures,
        ablated: Vec<&'static str>,
    ) -> Self {
        let (aims, void) = (verdict::aims(figures), verdict::void(figures));
        Self {
            proof: "rolling-restart",
            outcome: verdict::outcome(&aims, &void),
            ablated,
            aims,
            void,
            figures: *figures,
            start: seen.start,
            replaced: passed.replaced.clone(),
            troubles: visits.troubles(),
            failures: seen.failures(),
        }
    }

    /// Green, red or void.
    pub(super) fn outcome(&self) -> Outcome {
        self.outcome
    }

    fn headline(&self) -> String {
        let word = match self.outcome {
            Outcome::Green => "green",
            Outcome::Red => "RED",
            Outcome::Void => "VOID: the generator was not fit to judge",
        };
        let stamp = if self.ablated.is_empty() {
            String::new()
        } else {
            format!(" ABLATED: {}", self.ablated.join(", "))
        };
        format!("rolling-restart, {} instances: {word}{stamp}", self.figures.instances)
    }

    fn facts(&self) -> Vec<String> {
        let figures = &self.figures;
        let mut facts = vec![format!(
            "{} visits with {} requests; {} of these were answered only when they were repeated, {} were lost.",
            figures.visits, figures.asked, figures.repeated, figures.lost
        )];
        let mailboxes = figures.mailboxes;
        facts.push(format!(
            "{} messages were acknowledged; of those, {} were delivered to one person, who looked.",
            mailboxes.sent.expected, mailboxes.received.expected
        ));
        let unread = mailboxes.sent.not_looked + mailboxes.received.not_looked;
        if unread > 0 {
            facts.push(format!(
                "Messages whose mailbox could not be read, and that count as missing: {unread}."
            ));
        }
        let listed = |counts: &BTreeMap<String, usize>| {
            counts.iter().map(|(what, count)| format!("{what} ({count})")).collect::<Vec<_>>().join("; ")
        };
        if !self.troubles.is_empty() {
            facts.push(format!("First tries without an answer: {}.", listed(&self.troubles)));
        }
        if !self.failures.is_empty() {
            facts.push(format!("What went wrong for people: {}.", listed(&self.failures)));
        }
        facts.extend(self.void.iter().map(|reason| format!("Void because {reason}.")));
        facts
    }

    fn rows(&self) -> impl Iterator<Item = [String; HEADS.len()]> {
        self.replaced.iter().map(|one| {
            let took = one.took_ms.map_or_else(|| "-".to_owned(), |took| format!("{:.1}", seconds(took)));
            [one.instance.clone(), format!("{:.1}", seconds(one.at.saturating_sub(self.start))), took]
        })
    }

    /// For the terminal.
    pub(super) fn scorecard(&self) -> String {
        let rows: Vec<String> =
            self.rows().map(|[instance, at, took]| format!("{instance} {at}+{took} s")).collect();
        let replaced = format!("Replaced (after + took): {}.", rows.join(", "));
        format!(
            "{}\n{replaced}\n{}\n{}",
            self.facts().join("\n"),
            aim::scorecard(&self.aims),
            self.headline()
        )
    }

    /// For people who read it elsewhere.
    pub(super) fn markdown(&self) -> String {
        let mut text = format!("# {}\n\n", self.headline());
        for fact in self.facts() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "- {fact}");
        }
        let _ = writeln!(text, "\n{}", aim::markdown(&self.aims));
        let _ = writeln!(text, "| {} |\n|{}", HEADS.join(" | "), " --- |".repeat(HEADS.len()));
        for row in self.rows() {
            let _ = writeln!(text, "| {} |", row.join(" | "));
        }
        text
    }

    /// For people who look.
    pub(super) fn page(&self) -> String {
        let mut page = html::head(&self.headline());
        if !self.ablated.is_empty() {
            put(&mut page, &format!("<p class='stamp'>ABLATED: {}</p>", escape(&self.ablated.join(", "))));
        }
        put(&mut page, "<ul>");
        for fact in self.facts() {
            put(&mut page, &format!("<li>{}</li>", escape(&fact)));
        }
        put(&mut page, "</ul>");
        put(&mut page, &html::table(&self.aims));
        let cells = |tag: &str, row: &[String]| {
            row.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell))).collect::<Vec<_>>().concat()
        };
        let rows: Vec<String> = self.rows().map(|row| format!("<tr>{}</tr>", cells("td", &row))).collect();
        let head = cells("th", &HEADS.map(str::to_owned));
        section(&mut page, "Instances", &format!("<table><tr>{head}</tr>{}</table>", rows.concat()));
        page.push_str("</html>\n");
        page
    }

    /// For programs.
    pub(super) fn json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }
}
