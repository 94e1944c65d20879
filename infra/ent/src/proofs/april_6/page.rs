//! Settles the page of the report: one file that needs no network, for the screen and for paper.

use super::chart::{self, Mark};
use super::report::Told;
use super::series::Series;
use crate::proofs::html::{self, escape, put, section};
use crate::proofs::seen::real;

/// More attempts than this share one bar.
const BARS: u32 = 12;

/// The page.
pub(super) fn page(told: &Told<'_>, series: &Series, faults: &[Mark]) -> String {
    let marks: Vec<Mark> = hours(told).into_iter().chain(faults.iter().cloned()).collect();
    let chart = |curves: &[_], limit| chart::lines(curves, &marks, series.length_s, limit);
    let mut html = html::head(&told.headline());
    if !told.ablated.is_empty() {
        put(&mut html, &format!("<p class='stamp'>ABLATED: {}</p>", escape(&told.ablated.join(", "))));
    }
    put(&mut html, "<ul>");
    for fact in told.facts() {
        put(&mut html, &format!("<li>{}</li>", escape(&fact)));
    }
    put(&mut html, "</ul>");
    put(&mut html, &html::table(&told.verdict.aims));
    section(&mut html, "Planned against served, people per second", &chart(&series.flow, None));
    section(
        &mut html,
        "Time to sign in by role, from the first attempt to success, in seconds, by arrival",
        &chart(&series.sign_in, None),
    );
    section(&mut html, "People waiting who were let in later", &chart(&series.waiting, None));
    section(&mut html, "Attempts per person", &chart::bars(&attempts(series)));
    section(
        &mut html,
        "Steps of signed-in people, in milliseconds (limit: 200 at the 99th percentile)",
        &chart(&series.latency, Some(200.0)),
    );
    html.push_str("</html>\n");
    html
}

fn hours(told: &Told<'_>) -> Vec<Mark> {
    let phase = |(began, phase): (f64, &super::plan::Phase)| Mark {
        from_s: began,
        to_s: phase.flood.as_ref().map(|_| began + phase.seconds),
        text: phase
            .flood
            .as_ref()
            .map_or_else(|| phase.clock.clone(), |kind| format!("{} {kind} flood", phase.clock)),
        is_fault: phase.flood.is_some(),
    };
    told.plan.phases().map(phase).collect()
}

fn attempts(series: &Series) -> Vec<(String, f64)> {
    let mut bars: Vec<(String, f64)> = (1..BARS)
        .map(|number| (number.to_string(), real(series.attempts.get(&number).copied().unwrap_or(0))))
        .collect();
    let more: usize = series.attempts.range(BARS..).map(|(_, people)| people).sum();
    bars.push((format!("{BARS} or more"), real(more)));
    bars
}
