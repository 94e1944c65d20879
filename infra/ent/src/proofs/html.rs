//! Settles how reports look as pages: one file that needs no network, for the screen and for paper.

use std::fmt::Write as _;

use super::aim::{self, Aim};

const STYLE: &str = "
body{font:15px/1.45 system-ui,sans-serif;max-width:900px;margin:2em auto;padding:0 1em;color:#1b1b1b;background:#fff}
h1{font-size:1.5em}h2{font-size:1.1em;margin:1.6em 0 .3em;break-after:avoid}
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #bbb;padding:.25em .5em;text-align:left}
td.missed{font-weight:bold;color:#a40e26}.stamp{border:3px solid #a40e26;color:#a40e26;padding:.3em .6em;display:inline-block}
svg{width:100%;height:auto;break-inside:avoid}svg text{font-size:11px;fill:#333}.end{text-anchor:end}.middle{text-anchor:middle}
polyline{fill:none;stroke-width:1.6}.grid{stroke:#ddd}.limit{stroke:#a40e26;stroke-dasharray:3 3}.bar{fill:#0b57a4}
.hour-line{stroke:#ccc}.hour{fill:none}.fault{fill:#a40e26;fill-opacity:.1}.fault-line{stroke:#a40e26}
@media print{body{margin:0;max-width:none}}";
/// Begins a page.
pub(super) fn head(title: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>{title}</title><style>{STYLE}</style><h1>{title}</h1>\n"
    )
}

/// Aims and what was found.
pub(super) fn table(aims: &[Aim]) -> String {
    let mut html =
        String::from("<table><tr><th></th><th>aim</th><th>found</th><th>limit</th><th>out of</th></tr>");
    for aim in aims {
        let class = if matches!(aim.mark(), "MISSED" | "TOO FEW") { " class='missed'" } else { "" };
        // Writing to a string cannot fail.
        let _ = write!(
            html,
            "<tr><td{class}>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            aim.mark(),
            escape(aim.title),
            aim::found(aim),
            aim::limit(aim),
            aim.samples
        );
    }
    html.push_str("</table>");
    html
}

/// A figure under its title.
pub(super) fn section(html: &mut String, title: &str, figure: &str) {
    put(html, &format!("<h2>{}</h2>\n{figure}", escape(title)));
}

/// A line.
pub(super) fn put(html: &mut String, element: &str) {
    let _ = writeln!(html, "{element}");
}

/// Text that stays text in HTML.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\'', "&#39;")
        .replace('"', "&quot;")
}
