//! Settles what the fault keeper does: it holds the proxies, makes faults when asked, and ends each when its time is up.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use chrono::TimeDelta;
use rustix::process::Signal;
use shared::fault::{self, DiskDelays, NetworkFault, Proxy};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

use super::act::{Act, Fault, Reply, Request};
use super::journal::{Event, Journal, rfc3339};
use super::paths::{self, Path};
use super::{KEEPER, processes, slow_disk, socket};
use crate::clock;
use crate::context::Context;
use crate::layout::Layout;
use crate::process::{Identity, Launch};

/// How often times are looked at.
const TICK: Duration = Duration::from_millis(50);
/// How long a client may take to ask and to take its answer.
const CLIENT_LIMIT: Duration = Duration::from_secs(1);
/// The longest question.
const MAX_REQUEST: u64 = 8 * 1024;

/// The faults of this installation.
struct Keeper {
    layout: Layout,
    journal: Journal,
    proxies: BTreeMap<String, Vec<Proxy>>,
    active: Vec<Active>,
}

struct Active {
    fault: Fault,
    deadline: Option<Instant>,
    processes: Vec<Identity>,
}

/// How the keeper is started: this very program, even if a build has replaced its file meanwhile.
pub(crate) fn launch(layout: &Layout, instances: u16, has_paths: bool) -> Launch {
    let mut arguments = vec!["fault-keeper".into(), "--instances".into(), instances.to_string().into()];
    arguments.extend(has_paths.then(|| "--paths".into()));
    Launch {
        program: format!("/proc/{}/exe", std::process::id()).into(),
        arguments,
        environment: Vec::new(),
        // Its socket is made here.
        folder: layout.path("run"),
        log: layout.log(KEEPER),
        run_as: None,
        death_signal: "TERM",
    }
}

/// Keeps faults until asked to end, and then mends all.
pub(crate) fn run(context: &Context, instances: u16, has_paths: bool) -> Result<()> {
    processes::continue_all(&context.layout);
    let disk = slow_disk::of_demo(&context.layout);
    if disk.is_ready() {
        disk.set(DiskDelays::default())?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut work = JoinSet::new();
        let mut keeper = Keeper::new(&context.layout);
        if has_paths {
            keeper.open_paths(instances, &mut work).await?;
        }
        // One that died has left its socket.
        drop(std::fs::remove_file(socket::NAME));
        let listener = UnixListener::bind(socket::NAME).context("cannot listen for requests")?;
        while context.signals.count() == 0 {
            let waiting = async { tokio::time::timeout(TICK, listener.accept()).await };
            if let Ok(Ok((client, _))) = waiting.await {
                // A client that does not ask in time, or has gone, has lost only its own answer.
                drop(tokio::time::timeout(CLIENT_LIMIT, keeper.serve(client)).await);
            }
            keeper.expire()?;
        }
        keeper.end(Event::Cleared, |_| true)
    })
}

impl Keeper {
    /// A keeper without paths.
    fn new(layout: &Layout) -> Self {
        let (proxies, active) = (BTreeMap::new(), Vec::new());
        Self { layout: layout.clone(), journal: Journal::new(layout), proxies, active }
    }

    async fn open_paths(&mut self, instances: u16, work: &mut JoinSet<()>) -> Result<()> {
        for path in Path::all() {
            let mut proxies = Vec::new();
            for hop in path.hops(instances) {
                let opened = fault::open(hop.listens, hop.target.to_string()).await;
                let (proxy, passing) = opened.with_context(|| format!("cannot listen on {}", hop.listens))?;
                work.spawn(passing);
                proxies.push(proxy);
            }
            self.proxies.insert(path.name(), proxies);
        }
        Ok(())
    }

    async fn serve(&mut self, client: UnixStream) -> Result<()> {
        let mut client = BufReader::new(client);
        let mut line = String::new();
        (&mut client).take(MAX_REQUEST).read_line(&mut line).await?;
        let done =
            serde_json::from_str(&line).map_err(Into::into).and_then(|request| self.carry_out(&request));
        let mut answer = serde_json::to_string(&self.reply(done.err()))?;
        answer.push('\n');
        client.write_all(answer.as_bytes()).await?;
        Ok(())
    }

    fn reply(&self, error: Option<anyhow::Error>) -> Reply {
        Reply {
            error: error.map(|error| format!("{error:#}")),
            faults: self.active.iter().map(|active| active.fault.clone()).collect(),
            paths: self.proxies.keys().cloned().collect(),
        }
    }

    /// Does what a request asks for.
    fn carry_out(&mut self, request: &Request) -> Result<()> {
        match request {
            Request::List => Ok(()),
            Request::Clear { target: None } => self.end(Event::Cleared, |_| true),
            Request::Clear { target: Some(target) } => {
                let target = paths::canonical(target);
                if !self.proxies.contains_key(&target) && !processes::is_known(&self.layout, &target) {
                    bail!("there is no target `{target}`; `cargo ent fault list` shows what is broken");
                }
                self.end(Event::Cleared, |fault| fault.target == target)
            }
            Request::Make { target, act, for_ms } => {
                self.make(target, *act, for_ms.map(Duration::from_millis))
            }
        }
    }

    fn make(&mut self, target: &str, act: Act, lasts: Option<Duration>) -> Result<()> {
        let target = paths::canonical(target);
        let processes = match act {
            Act::Network(_) => self.require_path(&target).map(|()| Vec::new())?,
            Act::SlowDisk(_) => self.require_disk(&target).map(|()| Vec::new())?,
            Act::Stop | Act::Kill => self.require_process(&target)?,
        };
        let since = clock::wall();
        let until = lasts.and_then(|lasts| Some(rfc3339(since + TimeDelta::from_std(lasts).ok()?)));
        // Written before it is done, so that the log never lacks what was done.
        self.journal.write(Event::Made, &target, &act, until.as_deref())?;
        if act == Act::Kill {
            processes::signal(&processes, Signal::KILL);
            return Ok(());
        }
        self.end(Event::Replaced, |fault| fault.target == target)?;
        match act {
            Act::Network(fault) => self.set(&target, fault),
            Act::SlowDisk(delays) => slow_disk::of_demo(&self.layout).set(delays)?,
            Act::Stop | Act::Kill => processes::signal(&processes, Signal::STOP),
        }
        let deadline = lasts.map(|lasts| clock::now() + lasts);
        let fault = Fault { target, act, since: rfc3339(since), until };
        self.active.push(Active { fault, deadline, processes });
        Ok(())
    }

    fn require_path(&self, target: &str) -> Result<()> {
        if self.proxies.contains_key(target) {
            return Ok(());
        }
        if self.proxies.is_empty() {
            bail!("nothing stands in the path of `{target}`; start with `cargo ent up --faults`");
        }
        let all: Vec<&str> = self.proxies.keys().map(String::as_str).collect();
        bail!("`{target}` is no path; paths are {} (a process can be stopped or killed)", all.join(", "))
    }

    fn require_disk(&self, target: &str) -> Result<()> {
        if target != "postgres" {
            bail!("`{target}` has no slow disk; only `postgres` has");
        }
        if self.proxies.is_empty() || !slow_disk::of_demo(&self.layout).is_ready() {
            bail!("the disk of `postgres` cannot be slow; start with `cargo ent up --faults`");
        }
        Ok(())
    }

    fn require_process(&self, target: &str) -> Result<Vec<Identity>> {
        if target.contains("->") {
            bail!(
                "`{target}` is a path, which can be slow, black-hole, reset or refuse; a process can be stopped"
            );
        }
        processes::family(&self.layout, target)
    }

    fn set(&self, path: &str, fault: NetworkFault) {
        self.proxies.get(path).into_iter().flatten().for_each(|proxy| proxy.set(fault));
    }

    /// Ends what is over: its time is up, or its process has ended.
    fn expire(&mut self) -> Result<()> {
        let now = clock::now();
        let over = |active: &Active| {
            let has_ended = !active.processes.is_empty()
                && !active.processes.first().is_some_and(|process| process.is_alive());
            if has_ended {
                Some(Event::ProcessEnded)
            } else {
                active.deadline.is_some_and(|deadline| deadline <= now).then_some(Event::Expired)
            }
        };
        while let Some((index, event)) =
            self.active.iter().enumerate().find_map(|(index, active)| Some((index, over(active)?)))
        {
            let active = self.active.remove(index);
            self.mend(&active, event)?;
        }
        Ok(())
    }

    fn end(&mut self, event: Event, is_meant: impl Fn(&Fault) -> bool) -> Result<()> {
        let (over, left) =
            std::mem::take(&mut self.active).into_iter().partition(|active| is_meant(&active.fault));
        self.active = left;
        let over: Vec<Active> = over;
        // All are mended before a log that cannot be written is complained about.
        let mended: Vec<Result<()>> = over.iter().map(|active| self.mend(active, event)).collect();
        mended.into_iter().collect()
    }

    fn mend(&self, active: &Active, event: Event) -> Result<()> {
        match active.fault.act {
            Act::Network(_) => self.set(&active.fault.target, NetworkFault::None),
            Act::SlowDisk(_) => slow_disk::of_demo(&self.layout).set(DiskDelays::default())?,
            Act::Stop | Act::Kill => processes::signal(&active.processes, Signal::CONT),
        }
        self.journal.write(event, &active.fault.target, &active.fault.act, None)
    }
}
