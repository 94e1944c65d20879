//! Settles what an aim of a proof is, when it is met, and how it is told.

use comfy_table::{Table, presets};
use serde::Serialize;

/// One aim and what was found.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Aim {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) found: Option<f64>,
    pub(super) limit: f64,
    pub(super) unit: &'static str,
    /// Whether more is better.
    pub(super) is_least: bool,
    /// What the figure rests on, and how much of it it needs.
    pub(super) samples: usize,
    pub(super) needed: usize,
    /// Whether the target can do what is asked; what it cannot is "n/a", never green.
    pub(super) applies: bool,
}

/// What came of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Green,
    Red,
    /// The generator or the machine was not fit: neither green nor red.
    Void,
}

impl Aim {
    /// Whether it is met: a figure without enough samples never is.
    pub(super) fn is_met(&self) -> bool {
        let is_good = |found| if self.is_least { found >= self.limit } else { found <= self.limit };
        self.applies && self.samples >= self.needed && self.found.is_some_and(is_good)
    }

    /// The mark of its line.
    pub(super) fn mark(&self) -> &'static str {
        match (self.applies, self.samples >= self.needed, self.is_met()) {
            (false, _, _) => "n/a",
            (true, false, _) => "TOO FEW",
            (true, true, true) => "ok",
            (true, true, false) => "MISSED",
        }
    }
}

/// Aims for the terminal.
pub(super) fn scorecard(aims: &[Aim]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_header(["", "aim", "found", "limit", "out of"]);
    for aim in aims {
        table.add_row([
            aim.mark().to_owned(),
            aim.title.to_owned(),
            found(aim),
            limit(aim),
            aim.samples.to_string(),
        ]);
    }
    table
}

/// Aims in Markdown.
pub(super) fn markdown(aims: &[Aim]) -> String {
    let head = "| | aim | found | limit | out of |\n| --- | --- | ---: | ---: | ---: |\n".to_owned();
    aims.iter().fold(head, |text, aim| {
        let (found, limit) = (found(aim), limit(aim));
        format!("{text}| {} | {} | {found} | {limit} | {} |\n", aim.mark(), aim.title, aim.samples)
    })
}

/// What was found, with its unit.
pub(super) fn found(aim: &Aim) -> String {
    aim.found.map_or_else(
        || "never".to_owned(),
        |found| format!("{} {}", short(found), aim.unit).trim().to_owned(),
    )
}

/// The limit, with its direction.
pub(super) fn limit(aim: &Aim) -> String {
    let word = if aim.is_least { "at least" } else { "at most" };
    format!("{word} {} {}", short(aim.limit), aim.unit).trim().to_owned()
}

fn short(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
