//! Settles how `fault` turns words into what the fault keeper is asked for.

use std::time::Duration;

use anyhow::Result;
use shared::fault::{DiskDelays, NetworkFault, Shape};

use crate::cli::{self, FaultAct, Lasting, Slow, Way};
use crate::context::Context;
use crate::engines;
use crate::faults::{self, Act, Reply, Request};
use crate::installation::secrets;
use crate::supervisor::State;
use crate::{exit, ui};

/// Breaks or mends something; refusals end with 1.
pub(crate) fn run(context: &Context, asked: &cli::Fault) -> Result<u8> {
    if State::load_running(&context.layout).is_none() {
        return Err(exit::not_running());
    }
    let mut request = request(&asked.act);
    if let Request::Make { target, .. } | Request::Clear { target: Some(target) } = &mut request {
        *target = resolve(context, target)?;
    }
    let reply = faults::ask(&context.layout, &request)?;
    match (&asked.act, &request) {
        (FaultAct::List(options), _) if options.json => ui::out(&serde_json::to_string_pretty(&reply)?)?,
        (_, Request::Make { target, act, .. }) => {
            let made = reply.faults.iter().find(|fault| fault.target == faults::canonical(target));
            ui::out(&made.map_or_else(|| format!("{target}: {act}"), ToString::to_string))?;
        }
        (_, Request::Clear { .. } | Request::List) => print(&reply)?,
    }
    Ok(0)
}

fn request(act: &FaultAct) -> Request {
    let network = |lasting: &Lasting, fault| make(&lasting.target, Act::Network(fault), lasting.lasts);
    match act {
        FaultAct::Stop(of) => make(&of.target, Act::Stop, of.lasts),
        FaultAct::Kill(of) => make(&of.target, Act::Kill, None),
        FaultAct::Cont(of) => Request::Clear { target: Some(of.target.clone()) },
        FaultAct::Slow(slow) => network(&slow.lasting, slow_fault(slow)),
        FaultAct::BlackHole(of) => network(of, NetworkFault::BlackHole),
        FaultAct::Reset(of) => network(of, NetworkFault::Reset),
        FaultAct::Refuse(of) => network(of, NetworkFault::Refuse),
        FaultAct::SlowDisk(of) => {
            let act = Act::SlowDisk(DiskDelays { sync_ms: of.fsync_ms, read_ms: of.read_ms });
            make(&of.target, act, of.lasts)
        }
        FaultAct::Clear(of) => Request::Clear { target: of.target.clone() },
        FaultAct::List(_) => Request::List,
    }
}

fn make(target: &str, act: Act, lasts: Option<Duration>) -> Request {
    let for_ms = lasts.and_then(|lasts| u64::try_from(lasts.as_millis()).ok());
    Request::Make { target: target.to_owned(), act, for_ms }
}

fn slow_fault(slow: &Slow) -> NetworkFault {
    let Slow { latency_ms, jitter_ms, bytes_per_second, .. } = *slow;
    let shape = Shape { latency_ms, jitter_ms, bytes_per_second };
    let way = |is_meant| if is_meant { shape } else { Shape::default() };
    NetworkFault::Slow {
        to_server: way(slow.direction != Way::ToClient),
        to_client: way(slow.direction != Way::ToServer),
    }
}

/// `redis-primary` and `primary-of:KEY` become the node that has the role now.
fn resolve(context: &Context, target: &str) -> Result<String> {
    let key = target.strip_prefix("primary-of:");
    if key.is_none() && target != "redis-primary" {
        return Ok(target.to_owned());
    }
    let password = secrets::ensure(&context.layout.path("secrets/redis"))?;
    Ok(format!("redis-{}", engines::primary(&password, key)?))
}

fn print(reply: &Reply) -> Result<()> {
    if reply.faults.is_empty() {
        ui::out("Nothing is broken.")?;
    }
    for fault in &reply.faults {
        ui::out(&fault.to_string())?;
    }
    if reply.paths.is_empty() {
        return Ok(ui::out("No path can be broken: start with `cargo ent up --faults`.")?);
    }
    Ok(ui::out(&format!("Paths: {}", reply.paths.join(", ")))?)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn parsed(words: &[&str]) -> Request {
        let words = ["ent", "fault"].iter().chain(words);
        let Command::Fault(asked) = Cli::try_parse_from(words).unwrap().command else {
            panic!("not `fault`")
        };
        request(&asked.act)
    }

    #[test]
    fn a_slow_path_may_be_slow_in_one_direction() {
        let late = Shape { latency_ms: 200, ..Shape::default() };
        let act = |direction| {
            parsed(&["slow", "a->b", "--latency-ms", "200", "--for", "10s", "--direction", direction])
        };
        let made = |to_server, to_client| Request::Make {
            target: "a->b".to_owned(),
            act: Act::Network(NetworkFault::Slow { to_server, to_client }),
            for_ms: Some(10_000),
        };
        assert_eq!(act("both"), made(late, late));
        assert_eq!(act("to-server"), made(late, Shape::default()));
        assert_eq!(act("to-client"), made(Shape::default(), late));
    }

    #[test]
    fn continuing_is_ending_the_pause() {
        assert_eq!(parsed(&["cont", "auth-1"]), Request::Clear { target: Some("auth-1".to_owned()) });
        assert_eq!(parsed(&["clear"]), Request::Clear { target: None });
    }
}
