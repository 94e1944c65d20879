//! Settles how many requests a second one core of a service answers, beside bare actix-web with the same answers.
//!
//! The service runs as it does in use (its own program, log lines written, limits counting) on one core; wrk asks it on another,
//! straight at its port, over connections that are kept. The peer is a handler that returns the same status, headers and body from
//! memory, on the same core at another time. The rest of wrk's core is kept busy in both cases, so that it is never what differs.

pub mod bare;
pub mod configuration;
pub mod ours;
pub mod programs;
pub mod stalled;
pub mod wrk;

use std::path::Path;

use anyhow::{Context as _, Result};

use bare::Bare;
pub use bare::serve as serve_bare;
use ours::{Answer, Ours};
use programs::{Cores, KeptBusy, Pinned};
use wrk::Wrk;

use crate::engines::Engines;
use crate::harness::median;
use crate::report::{Comparison, Figure, Measure};

/// Times that each is asked, in turn.
const ROUNDS: usize = 5;

/// What is asked.
pub struct Case {
    pub name: &'static str,
    pub path: &'static str,
    pub is_signed_in: bool,
    /// Whether the client says which copy it has.
    pub is_conditional: bool,
    /// Smallest share of bare actix-web's rate.
    pub aim: f64,
}

const HOME: &str = "/courses/v1/home";

/// A fixed answer costs a copy. Ours is admitted, given a deadline and a trace, measured, and given its headers (`/livez`: half the rate);
/// also the token is checked, the account counted, what is kept looked up and a line logged (a quarter); also a page of 8,000 bytes is
/// written from objects (a fifth).
const CASES: [Case; 3] = [
    Case { name: "livez", path: "/livez", is_signed_in: false, is_conditional: false, aim: 0.5 },
    Case {
        name: "signed-in home, unchanged",
        path: HOME,
        is_signed_in: true,
        is_conditional: true,
        aim: 0.25,
    },
    Case { name: "signed-in home", path: HOME, is_signed_in: true, is_conditional: false, aim: 0.2 },
];

/// Each case, by requests a second and by processor time a request.
pub fn run() -> Result<Vec<Comparison>> {
    let cores = Cores::two()?;
    let engines = Engines::open()?;
    let ours = Ours::start(&engines, cores)?;
    let mut compared = Vec::new();
    for case in &CASES {
        let answer = ours.answer(&engines, case)?;
        let bare = Bare::start(&answer, cores)?;
        let ours = (&ours.program, ours.address.as_str());
        compared.extend(compare(("http", "http, processor time"), case, ours, &bare, &answer, cores)?);
    }
    Ok(compared)
}

/// Ours beside bare actix-web, in turn: by requests a second, and by processor time a request.
pub fn compare(
    (name, name_of_cost): (&'static str, &'static str),
    case: &Case,
    ours: (&Pinned, &str),
    bare: &Bare,
    answer: &Answer,
    cores: Cores,
) -> Result<[Comparison; 2]> {
    let script = wrk::script(&answer.requests)?;
    let asked = |program: &Pinned, address: &str| {
        let wrk = Wrk { cores, script: script.path(), url: format!("http://{address}{}", case.path) };
        wrk.ask(program)
    };
    let mut rates = [Vec::new(), Vec::new()];
    let mut costs = [Vec::new(), Vec::new()];
    let _busy = KeptBusy::start(cores.clients)?;
    // The first round fills caches and is not counted.
    for round in 0..=ROUNDS {
        for (which, (program, address)) in
            [ours, (&bare.program, bare.address.as_str())].into_iter().enumerate()
        {
            let taken = asked(program, address)?;
            if round > 0 {
                rates.get_mut(which).context("two contenders")?.push(taken.requests_a_second);
                costs.get_mut(which).context("two contenders")?.push(taken.nanoseconds_a_request);
            }
        }
    }
    let figures = |[ours, bare]: [Vec<f64>; 2]| {
        vec![
            Figure { name: "ours", value: median(ours) },
            Figure { name: "bare actix-web 4.18", value: median(bare) },
        ]
    };
    Ok([
        Comparison::new((name, case.name), Measure::Rate, figures(rates), case.aim),
        Comparison::new((name_of_cost, case.name), Measure::Cost, figures(costs), 1.0 / case.aim),
    ])
}

/// A file that is gone with its value.
pub struct Scratch(tempfile::NamedTempFile);

impl Scratch {
    /// A file with this in it.
    pub fn new(content: &str) -> Result<Self> {
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), content)?;
        Ok(Self(file))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}
