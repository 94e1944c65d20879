//! Settles how a comparison is told: figure, peer, ratio, aim, verdict; to people as lines, to programs as JSON.

use serde_json::{Value, json};

/// What one contender cost.
pub struct Cost {
    /// Whose.
    pub name: &'static str,
    /// Nanoseconds a call, the median of all rounds.
    pub ns: f64,
}

/// Ours beside the cheapest peer.
pub struct Comparison {
    /// The benchmark.
    pub benchmark: &'static str,
    /// Under which circumstances.
    pub case: &'static str,
    /// Ours.
    pub ours: Cost,
    /// All others.
    pub peers: Vec<Cost>,
    /// Largest ratio of ours to the cheapest peer that is good enough.
    pub aim: f64,
}

impl Comparison {
    fn cheapest(&self) -> Option<&Cost> {
        self.peers.iter().min_by(|one, other| one.ns.total_cmp(&other.ns))
    }

    fn ratio(&self) -> f64 {
        self.cheapest().map_or(f64::INFINITY, |peer| self.ours.ns / peer.ns)
    }

    /// Whether the aim is met.
    pub fn is_met(&self) -> bool {
        self.ratio() <= self.aim
    }

    fn lines(&self) -> String {
        let verdict = if self.is_met() { "met" } else { "MISSED" };
        let peer = self.cheapest().map_or("nobody", |peer| peer.name);
        let (ratio, aim) = (self.ratio(), self.aim);
        let head = format!(
            "{} ({}): {ratio:.2} times {peer}, aim at most {aim:.2}: {verdict}\n",
            self.benchmark, self.case
        );
        let costs = std::iter::once(&self.ours).chain(&self.peers);
        costs.fold(head, |text, cost| text + &format!("    {:<34} {:>8.1} ns\n", cost.name, cost.ns))
    }

    fn json(&self) -> Value {
        let cost = |cost: &Cost| json!({ "name": cost.name, "ns": rounded(cost.ns) });
        json!({
            "benchmark": self.benchmark,
            "case": self.case,
            "ours": cost(&self.ours),
            "peers": self.peers.iter().map(cost).collect::<Vec<Value>>(),
            "cheapest_peer": self.cheapest().map(|peer| peer.name),
            "ratio": rounded(self.ratio()),
            "aim": self.aim,
            "is_met": self.is_met(),
        })
    }
}

fn rounded(figure: f64) -> f64 {
    (figure * 1_000.0).round() / 1_000.0
}

/// Prints all comparisons.
#[expect(clippy::print_stdout, reason = "the command line's own answer")]
pub fn print(comparisons: &[Comparison], as_json: bool) {
    if as_json {
        let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        let all: Vec<Value> = comparisons.iter().map(Comparison::json).collect();
        println!("{}", json!({ "cores": cores, "comparisons": all }));
    } else {
        for comparison in comparisons {
            print!("{}", comparison.lines());
        }
    }
}
