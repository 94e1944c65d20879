//! Settles the page of the report: one file that needs no network, for the screen and for paper.

use std::fmt::Write as _;

use super::chart::{self, Mark, escape};
use super::report::{Told, found, limit};
use super::seen::real;
use super::series::Series;

const STYLE: &str = "
body{font:15px/1.45 system-ui,sans-serif;max-width:900px;margin:2em auto;padding:0 1em;color:#1b1b1b;background:#fff}
h1{font-size:1.5em}h2{font-size:1.1em;margin:1.6em 0 .3em;break-after:avoid}
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #bbb;padding:.25em .5em;text-align:left}
td.missed{font-weight:bold;color:#a40e26}.stamp{border:3px solid #a40e26;color:#a40e26;padding:.3em .6em;display:inline-block}
svg{width:100%;height:auto;break-inside:avoid}svg text{font-size:11px;fill:#333}.end{text-anchor:end}.middle{text-anchor:middle}
polyline{fill:none;stroke-width:1.6}.grid{stroke:#ddd}.limit{stroke:#a40e26;stroke-dasharray:3 3}.bar{fill:#0b57a4}
.hour-line{stroke:#ccc}.hour{fill:none}.fault{fill:#a40e26;fill-opacity:.1}.fault-line{stroke:#a40e26}
@media print{body{margin:0;max-width:none}}";
/// More attempts than this share one bar.
const BARS: u32 = 12;

/// The page.
pub(super) fn page(told: &Told<'_>, series: &Series, faults: &[Mark]) -> String {
    let marks: Vec<Mark> = hours(told).into_iter().chain(faults.iter().cloned()).collect();
    let chart = |curves: &[_], limit| chart::lines(curves, &marks, series.length_s, limit);
    let mut html = format!(
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>{title}</title><style>{STYLE}</style><h1>{title}</h1>\n",
        title = escape(&told.headline())
    );
    if !told.ablated.is_empty() {
        put(&mut html, &format!("<p class='stamp'>ABLATED: {}</p>", escape(&told.ablated.join(", "))));
    }
    put(&mut html, "<ul>");
    for fact in told.facts() {
        put(&mut html, &format!("<li>{}</li>", escape(&fact)));
    }
    put(&mut html, "</ul>");
    put(&mut html, &table(told));
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

fn table(told: &Told<'_>) -> String {
    let mut html =
        String::from("<table><tr><th></th><th>aim</th><th>found</th><th>limit</th><th>out of</th></tr>");
    for aim in &told.verdict.aims {
        let class = if matches!(aim.mark(), "MISSED" | "TOO FEW") { " class='missed'" } else { "" };
        // Writing to a string cannot fail.
        let _ = write!(
            html,
            "<tr><td{class}>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            aim.mark(),
            escape(aim.title),
            found(aim),
            limit(aim),
            aim.samples
        );
    }
    html.push_str("</table>");
    html
}

fn attempts(series: &Series) -> Vec<(String, f64)> {
    let mut bars: Vec<(String, f64)> = (1..BARS)
        .map(|number| (number.to_string(), real(series.attempts.get(&number).copied().unwrap_or(0))))
        .collect();
    let more: usize = series.attempts.range(BARS..).map(|(_, people)| people).sum();
    bars.push((format!("{BARS} or more"), real(more)));
    bars
}

fn section(html: &mut String, title: &str, figure: &str) {
    put(html, &format!("<h2>{}</h2>\n{figure}", escape(title)));
}

fn put(html: &mut String, element: &str) {
    let _ = writeln!(html, "{element}");
}
