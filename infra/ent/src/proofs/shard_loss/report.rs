//! Settles how the proof is reported: a table for people, a document for programs, both stamped with what was switched off.

use std::fmt::Write as _;

use anyhow::Result;
use comfy_table::{Table, presets};
use serde_json::{Value, json};

use super::Run;
use super::judge::{KEPT, MEDIAN, Verdict, WORST, in_timeouts};
use crate::engines::NODE_TIMEOUT;

/// For people.
pub(super) fn table(runs: &[Run], verdict: &Verdict, without: &str) -> String {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_header(["fault", "shard", "node", "answers/s before", "others kept", "away", "node time-outs"]);
    for run in runs {
        let before: Vec<String> = run.measured.before.iter().map(|rate| format!("{rate:.0}")).collect();
        let kept: Vec<String> = run.measured.kept.iter().map(|kept| format!("{kept:.1} %")).collect();
        let away =
            run.measured.away.map_or("not back".to_owned(), |away| format!("{:.1} s", away.as_secs_f64()));
        table.add_row([
            run.fault.to_owned(),
            (run.shard + 1).to_string(),
            run.node.clone(),
            before.join(" "),
            kept.join(" "),
            away,
            format!("{:.2}", in_timeouts(run.measured.away)),
        ]);
    }
    let mut text = table.to_string();
    let mut line = |title: &str, found: f64, aim: String, is_met: bool| {
        let mark = if is_met { "ok" } else { "MISSED" };
        // Writing to a string cannot fail.
        let _ = write!(text, "\n{mark:<6} {title}: {found:.2} ({aim})");
    };
    let kept = "the least that a healthy shard kept, in per cent";
    line(kept, verdict.kept, format!("at least {KEPT}"), verdict.kept >= KEPT);
    for (fault, median) in &verdict.medians {
        let title = format!("node time-outs until the shard was back, median of {fault}");
        line(&title, *median, format!("at most {MEDIAN}"), *median <= MEDIAN);
    }
    line("node time-outs, worst run", verdict.worst, format!("at most {WORST}"), verdict.worst <= WORST);
    let stamp = if without.is_empty() { String::new() } else { format!(" ABLATED: {without}") };
    let _ = write!(text, "\nshard-loss: {}{stamp}", if verdict.holds() { "green" } else { "RED" });
    text
}

/// For programs. A time that never came is `null`.
pub(super) fn json(runs: &[Run], verdict: &Verdict, without: &str) -> Result<String> {
    let of_run = |run: &Run| {
        json!({
            "fault": run.fault, "shard": run.shard + 1, "node": run.node,
            "answers_per_second_before": run.measured.before, "others_kept_percent": run.measured.kept,
            "away_ms": run.measured.away.map(|away| u64::try_from(away.as_millis()).unwrap_or(u64::MAX)),
        })
    };
    let medians: Vec<Value> = verdict
        .medians
        .iter()
        .map(|(fault, median)| json!({ "fault": fault, "timeouts": finite(*median) }))
        .collect();
    let ablated: Vec<&str> = without.split(',').filter(|part| !part.is_empty()).collect();
    let document = json!({
        "proof": "shard-loss", "ablated": ablated, "holds": verdict.holds(),
        "node_timeout_ms": u64::try_from(NODE_TIMEOUT.as_millis())?,
        "aims": { "others_kept_percent": KEPT, "median_timeouts": MEDIAN, "worst_timeouts": WORST },
        "others_kept_percent": finite(verdict.kept), "median_timeouts": medians,
        "worst_timeouts": finite(verdict.worst), "runs": runs.iter().map(of_run).collect::<Vec<_>>(),
    });
    Ok(serde_json::to_string_pretty(&document)?)
}

fn finite(number: f64) -> Option<f64> {
    number.is_finite().then_some(number)
}
