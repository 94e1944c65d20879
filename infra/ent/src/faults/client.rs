//! Settles how commands and the supervisor talk to the fault keeper.

use std::io::{BufRead, BufReader, Write};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::act::{Fault, Reply, Request};
use super::socket;
use crate::layout::Layout;

/// How long the keeper may take: it only signals processes and turns switches.
const LIMIT: Duration = Duration::from_secs(3);

/// Asks the keeper; what it refuses is an error.
pub(crate) fn ask(layout: &Layout, request: &Request) -> Result<Reply> {
    let mut stream = socket::connect(layout, LIMIT)?;
    let mut line = serde_json::to_string(request)?;
    line.push('\n');
    stream.write_all(line.as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).context("the fault keeper does not answer")?;
    let reply: Reply =
        serde_json::from_str(&answer).context("the fault keeper answered with something else")?;
    match reply.error {
        Some(error) => bail!(error),
        None => Ok(reply),
    }
}

/// What is broken now; nothing where no keeper answers.
pub(crate) fn active(layout: &Layout) -> Vec<Fault> {
    ask(layout, &Request::List).map(|reply| reply.faults).unwrap_or_default()
}

/// Ends every fault before the processes are stopped, which a paused one could not obey.
pub(crate) fn mend_all(layout: &Layout) {
    // Where no keeper answers, it has mended all at its end.
    drop(ask(layout, &Request::Clear { target: None }));
}
