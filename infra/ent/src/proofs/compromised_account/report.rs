//! Settles how the outcome is told: a scorecard for the terminal, Markdown, a page, and one JSON document.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;
use serde::Serialize;

use super::Asked;
use super::figures::Figures;
use super::verdict::{self, rank, sorted};
use crate::proofs::aim::{self, Aim, Outcome};
use crate::proofs::html::{self, escape, put};
use crate::proofs::seen::real;

/// Everything that is told.
#[derive(Serialize)]
pub(super) struct Told {
    proof: &'static str,
    outcome: Outcome,
    ablated: Vec<&'static str>,
    capacity_per_s: f64,
    aims: Vec<Aim>,
    campaigns: Vec<Figures>,
    /// Not judged: nothing tells it from an honest message.
    single_message: Figures,
}

/// Heads of the table of campaigns.
const HEADS: [&str; 11] = [
    "seed",
    "family",
    "",
    "held after s",
    "copies before",
    "schools before",
    "copies in all",
    "schools in all",
    "closed after s",
    "recall s",
    "honest held",
];

impl Told {
    /// Judged.
    pub(super) fn of(
        campaigns: Vec<Figures>,
        single_message: Figures,
        capacity_per_s: f64,
        asked: &Asked,
    ) -> Self {
        let aims = verdict::aims(&campaigns);
        let outcome = verdict::outcome(&aims);
        let ablated = asked.without.names();
        Self {
            proof: "compromised-account",
            outcome,
            ablated,
            capacity_per_s,
            aims,
            campaigns,
            single_message,
        }
    }

    /// Green or not.
    pub(super) fn outcome(&self) -> Outcome {
        self.outcome
    }

    fn headline(&self) -> String {
        let word = if self.outcome == Outcome::Green { "green" } else { "RED" };
        let stamp = if self.ablated.is_empty() {
            String::new()
        } else {
            format!(" ABLATED: {}", self.ablated.join(", "))
        };
        format!("compromised-account, {} campaigns: {word}{stamp}", self.campaigns.len())
    }

    fn facts(&self) -> Vec<String> {
        let sum = |figure: fn(&Figures) -> usize| self.campaigns.iter().map(figure).sum::<usize>();
        vec![
            format!(
                "{:.1} people can sign in per second; one fifth of that comes beside each campaign.",
                self.capacity_per_s
            ),
            format!(
                "Honest sends that were held: {} of {}.",
                sum(|one| one.honest_held),
                sum(|one| one.honest_sends)
            ),
            self.spread(),
            format!("Thieves were refused with: {}.", self.refusals()),
            format!("One message to one head, which detection cannot stop: {}.", line(&self.single_message)),
        ]
    }

    /// What is not judged: it depends on how soon somebody acts, which is 5 s here.
    fn spread(&self) -> String {
        #[expect(clippy::cast_precision_loss, reason = "copies are far below 2^53")]
        let copies = sorted(&self.campaigns, &|one| one.copies as f64);
        let schools = sorted(&self.campaigns, &|one| real(one.schools));
        let closed = sorted(&self.campaigns, &|one| one.closed_after_s);
        let of = |figures: &[f64]| (rank(figures, 0.5), rank(figures, 0.95));
        let ((copies, most_copies), (schools, most_schools)) = (of(&copies), of(&schools));
        let (after, at_most) = of(&closed);
        format!(
            "Until somebody stopped it, {after:.0} s after the first message (95th percentile {at_most:.0} s): {copies} copies in \
             {schools} schools (95th percentile {most_copies} in {most_schools}); all of them were recalled."
        )
    }

    fn refusals(&self) -> String {
        let mut all: BTreeMap<&str, usize> = BTreeMap::new();
        for (code, count) in self.campaigns.iter().flat_map(|one| &one.refusals) {
            *all.entry(code).or_default() += count;
        }
        all.iter().map(|(code, count)| format!("{code} ({count})")).collect::<Vec<_>>().join(", ")
    }

    fn rows(&self) -> impl Iterator<Item = [String; HEADS.len()]> {
        self.campaigns.iter().chain([&self.single_message]).map(row)
    }

    /// For the terminal.
    pub(super) fn scorecard(&self) -> String {
        format!("{}\n{}\n{}", self.facts().join("\n"), aim::scorecard(&self.aims), self.headline())
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
        put(&mut page, "<h2>Campaigns</h2><table>");
        let cells = |tag: &str, row: &[String]| {
            row.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell))).collect::<Vec<_>>().concat()
        };
        put(&mut page, &format!("<tr>{}</tr>", cells("th", &HEADS.map(str::to_owned))));
        for row in self.rows() {
            put(&mut page, &format!("<tr>{}</tr>", cells("td", &row)));
        }
        put(&mut page, "</table></html>");
        page
    }

    /// For programs.
    pub(super) fn json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }
}

/// A campaign in a line.
pub(super) fn line(of: &Figures) -> String {
    format!(
        "{} {}: {} copies in {} schools before the hold, {} in {} in all; recalled in {:.1} s",
        of.family,
        of.hour.name(),
        of.copies_before_hold,
        of.schools_before_hold,
        of.copies,
        of.schools,
        of.recall_s
    )
}

fn row(of: &Figures) -> [String; HEADS.len()] {
    [
        of.seed.to_string(),
        of.family.replace('_', " "),
        of.hour.name().to_owned(),
        of.hold_after_s.map_or_else(|| "never".to_owned(), |after| format!("{after:.1}")),
        of.copies_before_hold.to_string(),
        of.schools_before_hold.to_string(),
        of.copies.to_string(),
        of.schools.to_string(),
        format!("{:.0}", of.closed_after_s),
        format!("{:.2}", of.recall_s),
        format!("{} of {}", of.honest_held, of.honest_sends),
    ]
}
