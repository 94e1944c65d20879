//! Settles how wrk asks, and what of its report is read.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

use super::Scratch;
use super::programs::{Cores, Pinned, on_core};

/// Connections that ask at once, each again as soon as it is answered.
const CONNECTIONS: &str = "32";
/// Length of one asking.
const SECONDS: u32 = 3;

/// One asking.
pub struct Wrk<'a> {
    pub cores: Cores,
    pub script: &'a Path,
    pub url: String,
}

/// What one asking came to.
pub struct Taken {
    /// Answered.
    pub requests_a_second: f64,
    /// The server's use of the processor for one of them.
    pub nanoseconds_a_request: f64,
}

/// A script that sends these requests in turn, made once: wrk's core is not to be the limit.
pub fn script(requests: &[Vec<(&'static str, String)>]) -> Result<Scratch> {
    let tables: Vec<String> = requests
        .iter()
        .map(|headers| {
            let fields: Vec<String> =
                headers.iter().map(|(name, value)| format!("[{name:?}] = {value:?}")).collect();
            format!("{{ {} }}", fields.join(", "))
        })
        .collect();
    Scratch::new(&format!(
        "local heads = {{ {} }}\n\
         local requests, next = {{}}, 0\n\
         function init() for i, head in ipairs(heads) do requests[i] = wrk.format('GET', nil, head) end end\n\
         function request() next = next % #requests + 1 return requests[next] end\n",
        tables.join(",\n")
    ))
}

impl Wrk<'_> {
    /// Asks for some seconds; an answer that is not 2xx or 3xx, or none, is an error.
    #[expect(clippy::cast_precision_loss, reason = "counts of requests and nanoseconds are far below 2^52")]
    pub fn ask(&self, server: &Pinned) -> Result<Taken> {
        let mut command = on_core(self.cores.clients, Path::new("wrk"));
        command.args(["--threads", "1", "--connections", CONNECTIONS, "--duration", &format!("{SECONDS}s")]);
        command.arg("--script").arg(self.script).arg(&self.url);
        let before = server.processor_time()?;
        let output = command.output().context("cannot start wrk")?;
        let used = server.processor_time()?.saturating_sub(before);
        let report = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "wrk failed: {}", String::from_utf8_lossy(&output.stderr));
        for complaint in ["Non-2xx or 3xx responses", "Socket errors"] {
            if let Some(line) = report.lines().find(|line| line.contains(complaint)) {
                bail!("{}: {}", self.url, line.trim());
            }
        }
        let count =
            report.lines().find_map(|line| line.trim().split_once(" requests in ")?.0.parse::<u64>().ok());
        let rate =
            report.lines().find_map(|line| line.strip_prefix("Requests/sec:")?.trim().parse::<f64>().ok());
        let (count, rate) = count.zip(rate).with_context(|| format!("wrk reported: {report}"))?;
        ensure!(count > 0, "nothing was answered");
        Ok(Taken { requests_a_second: rate, nanoseconds_a_request: used.as_nanos() as f64 / count as f64 })
    }
}
