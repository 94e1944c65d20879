//! Settles how a comparison is told: figure, peer, ratio, aim, verdict; to people as lines, to programs as JSON.

use serde_json::{Value, json};

use crate::finding::Finding;

/// What a figure counts, and so which of two is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Nanoseconds for one of something: less is better, and the aim is the largest ratio that is good enough.
    Cost,
    /// So many a second: more is better, and the aim is the smallest ratio that is good enough.
    Rate,
    /// Bytes of one of something: less is better.
    Size,
}

/// What one contender reached: the median of its rounds.
pub struct Figure {
    /// Whose.
    pub name: &'static str,
    /// Nanoseconds, or how many a second.
    pub value: f64,
}

/// Ours beside the best peer.
pub struct Comparison {
    /// The benchmark.
    pub benchmark: &'static str,
    /// Under which circumstances.
    pub case: &'static str,
    /// What the figures count.
    pub measure: Measure,
    /// Ours.
    pub ours: Figure,
    /// All others.
    pub peers: Vec<Figure>,
    /// Ratio of ours to the best peer that is just good enough.
    pub aim: f64,
}

impl Measure {
    fn aim_word(self) -> &'static str {
        match self {
            Self::Cost | Self::Size => "at most",
            Self::Rate => "at least",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Cost => "ns",
            Self::Rate => "per_second",
            Self::Size => "bytes",
        }
    }

    fn text(self, value: f64) -> String {
        match self {
            Self::Cost if value < 10_000.0 => format!("{value:>10.1} ns"),
            Self::Cost => format!("{:>10.1} us", value / 1_000.0),
            Self::Rate if value < 1_000.0 => format!("{value:>10.1} /s"),
            Self::Rate => format!("{value:>10.0} /s"),
            Self::Size => format!("{value:>10.1} bytes"),
        }
    }
}

impl Comparison {
    /// The first figure is ours.
    pub fn new(
        (benchmark, case): (&'static str, &'static str),
        measure: Measure,
        figures: Vec<Figure>,
        aim: f64,
    ) -> Self {
        let mut figures = figures.into_iter();
        let ours = figures.next().unwrap_or(Figure { name: "ours", value: f64::NAN });
        Self { benchmark, case, measure, ours, peers: figures.collect(), aim }
    }

    fn best_peer(&self) -> Option<&Figure> {
        let by_value = |one: &&Figure, other: &&Figure| one.value.total_cmp(&other.value);
        match self.measure {
            Measure::Cost | Measure::Size => self.peers.iter().min_by(by_value),
            Measure::Rate => self.peers.iter().max_by(by_value),
        }
    }

    fn ratio(&self) -> f64 {
        self.best_peer().map_or(f64::NAN, |peer| self.ours.value / peer.value)
    }

    /// Whether the aim is met; not by a figure that could not be measured.
    pub fn is_met(&self) -> bool {
        match self.measure {
            Measure::Cost | Measure::Size => self.ratio() <= self.aim,
            Measure::Rate => self.ratio() >= self.aim,
        }
    }

    fn lines(&self) -> String {
        let verdict = if self.is_met() { "met" } else { "MISSED" };
        let peer = self.best_peer().map_or("nobody", |peer| peer.name);
        let (ratio, aim, word) = (self.ratio(), self.aim, self.measure.aim_word());
        let head = format!(
            "{} ({}): {ratio:.2} times {peer}, aim {word} {aim:.2}: {verdict}\n",
            self.benchmark, self.case
        );
        let figures = std::iter::once(&self.ours).chain(&self.peers);
        figures.fold(head, |text, figure| {
            text + format!("    {:<44} {}\n", figure.name, self.measure.text(figure.value)).as_str()
        })
    }

    fn json(&self) -> Value {
        let unit = self.measure.unit();
        let figure = |figure: &Figure| json!({ "name": figure.name, unit: rounded(figure.value) });
        json!({
            "benchmark": self.benchmark,
            "case": self.case,
            "ours": figure(&self.ours),
            "peers": self.peers.iter().map(figure).collect::<Vec<Value>>(),
            "best_peer": self.best_peer().map(|peer| peer.name),
            "ratio": rounded(self.ratio()),
            "aim": { self.measure.aim_word().replace(' ', "_"): self.aim },
            "is_met": self.is_met(),
        })
    }
}

fn rounded(figure: f64) -> f64 {
    (figure * 1_000.0).round() / 1_000.0
}

/// Prints everything that was measured.
#[expect(clippy::print_stdout, reason = "the command line's own answer")]
pub fn print(comparisons: &[Comparison], findings: &[Finding], as_json: bool) {
    if as_json {
        let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        let comparisons: Vec<Value> = comparisons.iter().map(Comparison::json).collect();
        let findings: Vec<Value> = findings.iter().map(Finding::json).collect();
        println!("{}", json!({ "cores": cores, "comparisons": comparisons, "findings": findings }));
        return;
    }
    for comparison in comparisons {
        print!("{}", comparison.lines());
    }
    let mut of = "";
    for finding in findings {
        if finding.case != of {
            println!("{} ({}):", finding.benchmark, finding.case);
            of = &finding.case;
        }
        println!("{}", finding.line());
    }
}
