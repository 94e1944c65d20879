//! Settles how the outcome is told: a scorecard for the terminal, Markdown, and one JSON document.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;
use serde::Serialize;

use super::calibration::Capacity;
use super::figures::Figures;
use super::plan::Plan;
use super::verdict::Verdict;
use crate::proofs::aim::{self, Aim, Outcome};

/// Everything that is told of a run.
pub(super) struct Told<'a> {
    pub(super) day: &'static str,
    pub(super) profile: &'static str,
    /// Parts that are switched off, as the services themselves say.
    pub(super) ablated: &'a [String],
    pub(super) plan: &'a Plan,
    pub(super) capacity: Capacity,
    pub(super) figures: &'a Figures,
    pub(super) verdict: &'a Verdict,
    /// What became of the flood's requests, if there was one.
    pub(super) flood: Option<&'a serde_json::Value>,
    /// What went wrong for people, and how often.
    pub(super) failures: &'a BTreeMap<String, usize>,
}

#[derive(Serialize)]
struct Document<'a> {
    proof: &'static str,
    profile: &'static str,
    ablated: &'a [String],
    outcome: Outcome,
    capacity_per_s: Capacity,
    plan: &'a Plan,
    aims: &'a [Aim],
    void: &'a [String],
    goodput_per_s: f64,
    attempts_p99: f64,
    polls_per_person_told: f64,
    overtaken_at_worst_s: f64,
    generator_late_s: f64,
    flood: Option<&'a serde_json::Value>,
    failures: &'a BTreeMap<String, usize>,
}

impl Told<'_> {
    /// One word, stamped when parts were switched off.
    pub(super) fn headline(&self) -> String {
        let word = match self.verdict.outcome {
            Outcome::Green => "green",
            Outcome::Red => "RED",
            Outcome::Void => "VOID: the generator or the machine was not fit to judge",
        };
        let stamp = if self.ablated.is_empty() {
            String::new()
        } else {
            format!(" ABLATED: {}", self.ablated.join(", "))
        };
        format!("{} ({}): {word}{stamp}", self.day, self.profile)
    }

    /// What the run was like, in sentences.
    pub(super) fn facts(&self) -> Vec<String> {
        let (plan, figures, capacity) = (self.plan, self.figures, self.capacity);
        let mut facts = vec![
            format!(
                "{} people planned, {} came, {} signed in; at most {:.1} came per second, {:.2} times what can sign in.",
                plan.planned,
                figures.arrived,
                figures.served,
                plan.peak_per_s,
                plan.peak_per_s / capacity.mean()
            ),
            format!(
                "Capacity: {:.1} sign-ins per second before, {:.1} after (whole visits without a pause); {:.1} on the plateaus while anyone waited ({} s).",
                capacity.before, capacity.after, figures.goodput_per_s, figures.crowded_s
            ),
            format!(
                "Sign-ins sent per person: {:.2} in the mean, {:.0} at the 99th percentile; whoever was told a time asked {:.1} times how it stands. Overtaken by up to {:.0} s.",
                figures.attempts, figures.attempts_p99, figures.polls, figures.order.worst_s
            ),
            format!(
                "Generator: {} virtual users, {} people who could not come, {:.1} s late at worst.",
                plan.most_vus, plan.dropped, figures.lateness_s
            ),
        ];
        facts.extend(self.flood.map(|flood| format!("Flood: {flood}.")));
        if !self.failures.is_empty() {
            let failures: Vec<String> =
                self.failures.iter().map(|(what, count)| format!("{what} ({count})")).collect();
            facts.push(format!("What went wrong for people: {}.", failures.join(", ")));
        }
        facts.extend(self.verdict.void.iter().map(|reason| format!("Void because {reason}.")));
        facts
    }

    /// For the terminal.
    pub(super) fn scorecard(&self) -> String {
        let table = aim::scorecard(&self.verdict.aims);
        format!("{}\n{table}\n{}", self.facts().join("\n"), self.headline())
    }

    /// For people who read it elsewhere.
    pub(super) fn markdown(&self) -> String {
        let mut text = format!("# {}\n\n", self.headline());
        for fact in self.facts() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "- {fact}");
        }
        text.push('\n');
        text.push_str(&aim::markdown(&self.verdict.aims));
        text
    }

    /// For programs.
    pub(super) fn json(&self) -> Result<String> {
        let document = Document {
            proof: "april-6",
            profile: self.profile,
            ablated: self.ablated,
            outcome: self.verdict.outcome,
            capacity_per_s: self.capacity,
            plan: self.plan,
            aims: &self.verdict.aims,
            void: &self.verdict.void,
            goodput_per_s: self.figures.goodput_per_s,
            attempts_p99: self.figures.attempts_p99,
            polls_per_person_told: self.figures.polls,
            overtaken_at_worst_s: self.figures.order.worst_s,
            generator_late_s: self.figures.lateness_s,
            flood: self.flood,
            failures: self.failures,
        };
        Ok(serde_json::to_string_pretty(&document)?)
    }
}
