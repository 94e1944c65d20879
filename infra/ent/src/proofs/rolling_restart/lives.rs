//! Settles which instances run, and which life of each: an instance that was restarted has begun at another time.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::context::Context;
use crate::services::{Instance, SERVICES};
use crate::supervisor::State;

/// How long an instance may take to say who it is.
const LIMIT: Duration = Duration::from_secs(2);
/// With one instance there is nobody to serve meanwhile.
const LEAST: usize = 2;

/// One life of an instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Life {
    pub(super) service: &'static str,
    pub(super) instance: String,
    started_at: String,
}

/// Those that run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lives {
    all: BTreeSet<Life>,
    /// What each does without.
    ablated: BTreeSet<Vec<String>>,
}

#[derive(Deserialize)]
struct Status {
    instance: String,
    started_at: String,
    ablated: Vec<String>,
}

impl Lives {
    /// Whoever answers now.
    pub(super) fn of(context: &Context) -> Result<Self> {
        let mut lives = Self::default();
        for service in SERVICES {
            for address in addresses(context, service)? {
                // One that is just starting, or ending, is not there.
                let Ok(status) = ask(context, address) else { continue };
                let Status { instance, started_at, ablated } = status;
                lives.all.insert(Life { service, instance, started_at });
                lives.ablated.insert(ablated);
            }
        }
        Ok(lives)
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    /// Of those of before, the ones that are no more.
    pub(super) fn gone_since<'a>(&'a self, before: &'a Self) -> Vec<&'a Life> {
        before.all.difference(&self.all).collect()
    }

    /// By service.
    pub(super) fn counts(&self) -> BTreeMap<&'static str, usize> {
        let of = |service| (service, self.all.iter().filter(|life| life.service == service).count());
        SERVICES.into_iter().map(of).collect()
    }

    /// Fails where a restart would leave nobody to serve.
    pub(super) fn require_several(&self, in_containers: bool) -> Result<()> {
        let how = if in_containers {
            "`docker compose up --detach --wait --scale auth=3 --scale courses=3 --scale messaging=3` starts them".to_owned()
        } else {
            "`cargo ent down` first: this proof then starts three of each, as `cargo ent up --instances 3` does".to_owned()
        };
        for (service, count) in self.counts() {
            ensure!(
                count >= LEAST,
                "{service} runs with {count} of at least {LEAST} instances that this proof needs; {how}"
            );
        }
        Ok(())
    }

    /// Fails unless all do without these parts and no others.
    pub(super) fn require_without(&self, names: &[&str]) -> Result<()> {
        let is_so = self.ablated.iter().all(|ablated| ablated == names);
        let found: Vec<String> = self.ablated.iter().map(|ablated| format!("{ablated:?}")).collect();
        ensure!(
            is_so,
            "services run without {}, and were asked to be without {names:?}; stop the backend first",
            found.join(", ")
        );
        Ok(())
    }
}

/// Where the instances of a service answer siblings and monitoring.
fn addresses(context: &Context, service: &'static str) -> Result<Vec<SocketAddr>> {
    if context.topology.is_containers() {
        let host = context.topology.internal_host(&Instance { service, number: 1 });
        return Ok(host.to_socket_addrs().with_context(|| format!("nobody is called {host}"))?.collect());
    }
    let state = State::load_running(&context.layout).context("the backend does not run any more")?;
    let all = Instance::all(state.options.instances);
    Ok(all.iter().filter(|instance| instance.service == service).map(Instance::internal_address).collect())
}

fn ask(context: &Context, address: SocketAddr) -> Result<Status> {
    let url = format!("http://{address}/statusz");
    context.block_on(&url, LIMIT, async {
        let answer = context.http.get(&url).send().await?.error_for_status()?;
        Ok(serde_json::from_slice(&answer.bytes().await?)?)
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Instances that began at these times.
    pub(crate) fn lives(of: &[(&'static str, &str, &str)]) -> Lives {
        let life = |(service, instance, started_at): &(&'static str, &str, &str)| Life {
            service,
            instance: (*instance).to_owned(),
            started_at: (*started_at).to_owned(),
        };
        Lives { all: of.iter().map(life).collect(), ablated: BTreeSet::from([vec!["draining".to_owned()]]) }
    }

    #[test]
    fn an_instance_that_began_anew_is_gone_and_one_that_did_not_is_not() {
        let before = lives(&[("auth", "auth-1", "6:00"), ("auth", "auth-2", "6:00")]);
        let now = lives(&[("auth", "auth-1", "6:05"), ("auth", "auth-2", "6:00")]);
        let gone: Vec<&str> = now.gone_since(&before).iter().map(|life| life.instance.as_str()).collect();
        assert_eq!(gone, ["auth-1"]);
    }

    #[test]
    fn one_instance_of_a_service_is_refused_with_what_to_do() {
        let both = |service| [(service, "1", "6:00"), (service, "2", "6:00")];
        let three = lives(&[both("auth"), both("courses"), both("messaging")].concat());
        assert!(three.require_several(false).is_ok());
        let two = lives(&[&both("auth")[..], &both("courses"), &[("messaging", "1", "6:00")]].concat());
        let refusal = two.require_several(false).unwrap_err().to_string();
        assert!(
            refusal.starts_with("messaging runs with 1 of") && refusal.contains("cargo ent down"),
            "{refusal}"
        );
        assert!(two.require_several(true).unwrap_err().to_string().contains("--scale messaging=3"));
    }

    #[test]
    fn services_that_do_without_other_parts_are_refused() {
        let some = lives(&[("auth", "auth-1", "6:00")]);
        assert!(some.require_without(&["draining"]).is_ok());
        assert!(some.require_without(&[]).is_err());
    }
}
