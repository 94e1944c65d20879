//! Settles how a figure that stands for itself is told: value, 95 % interval, aim, verdict; to people as lines, to programs as JSON.

use serde_json::{Value, json};

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A share, from 0 to 1, told in hundredths.
    Percent,
    /// So many.
    Count,
    /// Time.
    Microseconds,
}

/// A figure with its 95 % interval.
#[derive(Debug, Clone, Copy)]
pub struct Estimate {
    pub value: f64,
    /// None for what was measured and not drawn from a sample.
    pub interval: Option<(f64, f64)>,
}

/// Something found out.
pub struct Finding {
    /// The benchmark.
    pub benchmark: &'static str,
    /// Of what.
    pub case: String,
    /// Which figure of it.
    pub figure: &'static str,
    pub unit: Unit,
    pub estimate: Estimate,
    /// The greatest value that is good enough; None where none is promised.
    pub aim: Option<f64>,
}

impl Finding {
    /// Whether the aim is met, if there is one; not by a figure that could not be found.
    pub fn is_met(&self) -> bool {
        self.aim.is_none_or(|aim| self.estimate.value <= aim)
    }

    /// One line, below the line of its case.
    pub fn line(&self) -> String {
        let interval =
            self.estimate.interval.map(|(low, high)| format!("[{}, {}]", self.text(low), self.text(high)));
        let verdict = if self.is_met() { "met" } else { "MISSED" };
        let aim = self.aim.map(|aim| format!("  aim at most {}: {verdict}", self.text(aim)));
        let (interval, aim) = (interval.unwrap_or_default(), aim.unwrap_or_default());
        format!("    {:<48} {:>10} {interval:<20}{aim}", self.figure, self.text(self.estimate.value))
            .trim_end()
            .to_owned()
    }

    fn text(&self, value: f64) -> String {
        match self.unit {
            Unit::Percent => format!("{:.2} %", 100.0 * value),
            Unit::Count if value < 100.0 => format!("{value:.1}"),
            Unit::Count => format!("{value:.0}"),
            Unit::Microseconds => format!("{value:.1} us"),
        }
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let unit = match self.unit {
            Unit::Percent => "share",
            Unit::Count => "count",
            Unit::Microseconds => "microseconds",
        };
        json!({
            "benchmark": self.benchmark,
            "case": self.case,
            "figure": self.figure,
            unit: self.estimate.value,
            "interval_95": self.estimate.interval.map(|(low, high)| [low, high]),
            "aim": self.aim.map(|aim| json!({ "at_most": aim })),
            "is_met": self.is_met(),
        })
    }
}
