//! Settles what every command carries along: paths, progress, signals, and one small runtime for clients.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::clock;
use crate::layout::Layout;
use crate::signals::Signals;
use crate::topology::Topology;
use crate::ui::Ui;

/// How often a wait looks again.
const POLL: Duration = Duration::from_millis(50);

/// What every command carries along.
pub(crate) struct Context {
    /// Where things lie.
    pub(crate) layout: Layout,
    /// Where they are reached.
    pub(crate) topology: Topology,
    /// Where progress is shown.
    pub(crate) ui: Ui,
    /// Whether somebody asked to stop.
    pub(crate) signals: Signals,
    runtime: tokio::runtime::Runtime,
    /// For health answers on loopback.
    pub(crate) http: reqwest::Client,
}

impl Context {
    /// The context of this installation, its folders made.
    pub(crate) fn new(ui: Ui) -> Result<Self> {
        let (layout, topology) = (Layout::find()?, Topology::find()?);
        // In containers the first one makes them.
        if !topology.is_containers() {
            layout.prepare()?;
        }
        // Both providers could be compiled in through other crates; TLS then refuses to guess.
        drop(rustls::crypto::ring::default_provider().install_default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // Only loopback is asked, and only without TLS: no certificate is trusted, no proxy is used.
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(Duration::from_secs(2));
        let http = http.build().context("cannot make an HTTP client")?;
        Ok(Self { layout, topology, ui, signals: Signals::listen()?, runtime, http })
    }

    /// How people find a report: containers leave them in a folder of the checkout.
    pub(crate) fn shown_report(&self, name: &str) -> String {
        if self.topology.is_containers() {
            format!("reports/{name}")
        } else {
            self.layout.reports().join(name).display().to_string()
        }
    }

    /// Waits for a client's answer, at most this long.
    pub(crate) fn block_on<T>(
        &self,
        what: &str,
        limit: Duration,
        future: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let limited = async { tokio::time::timeout(limit, future).await };
        match self.runtime.block_on(limited) {
            Ok(result) => result,
            Err(_) => bail!("{what}: no answer within {} ms", limit.as_millis()),
        }
    }

    /// Looks again and again until the condition holds; fails at the limit with what it last said it waits for.
    pub(crate) fn wait_for(
        &self,
        what: &str,
        limit: Duration,
        mut look: impl FnMut() -> Result<Progress>,
    ) -> Result<()> {
        let began = clock::now();
        loop {
            self.signals.check()?;
            let reason = match look()? {
                Progress::Reached => return Ok(()),
                Progress::Waiting(reason) => reason,
            };
            if began.elapsed() > limit {
                bail!("waited {} s for {what}; still: {reason}", limit.as_secs());
            }
            std::thread::sleep(POLL);
        }
    }
}

/// What a look at a condition found.
pub(crate) enum Progress {
    /// The condition holds.
    Reached,
    /// It does not yet, and this is missing.
    Waiting(String),
}
