//! Settles what the detection of campaigns finds and what it costs honest people: generated days, judged by the code of the service.
//!
//! Weights and limits were chosen on seeds 0 to 99 and on one half of all phrases; what is reported is of seeds from 1000 on and
//! of the other half. One job is one campaign, or one day of one region, with its own seed.

mod attack;
mod burst;
mod cost;
mod dice;
mod findings;
mod interval;
mod jobs;
mod people;
mod replay;
mod sending;
mod tally;
mod traffic;
mod window;
mod wording;

pub use dice::Side;

use crate::finding::Finding;

/// Judges everything and tells it by family and by burst.
pub fn run(side: Side) -> Vec<Finding> {
    let mut findings = findings::of_campaigns(&jobs::campaigns(side));
    findings.extend(findings::of_bursts(&jobs::bursts(side)));
    findings.extend(findings::of_texts(&traffic::likeness(side)));
    findings.extend(cost::measure());
    findings
}
