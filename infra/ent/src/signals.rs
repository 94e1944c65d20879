//! Settles how Ctrl-C and SIGTERM reach code that blocks: as a count that every wait looks at.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};

use crate::exit;

/// How many times this process was asked to stop.
#[derive(Clone, Default)]
pub(crate) struct Signals {
    count: Arc<AtomicUsize>,
}

impl Signals {
    /// Begins to count SIGINT, SIGTERM and SIGHUP instead of dying from them.
    ///
    /// The listening thread starts no process: the parent-death signal of a child is tied to the thread that started it.
    pub(crate) fn listen() -> Result<Self> {
        let signals = Self::default();
        let count = Arc::clone(&signals.count);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let (ready, is_ready) = std::sync::mpsc::channel();
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async move {
                let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
                let Ok([mut interrupt, mut terminate, mut hangup]) = listen_to(kinds) else { return };
                let _ = ready.send(());
                loop {
                    tokio::select! {
                        _ = interrupt.recv() => {}
                        _ = terminate.recv() => {}
                        _ = hangup.recv() => {}
                    }
                    count.fetch_add(1, Ordering::SeqCst);
                }
            });
        })?;
        is_ready.recv_timeout(Duration::from_secs(5)).context("cannot listen to signals")?;
        Ok(signals)
    }

    /// Fails with exit code 130 once a stop was asked for.
    pub(crate) fn check(&self) -> Result<()> {
        if self.count() > 0 { Err(exit::interrupted()) } else { Ok(()) }
    }

    /// How many times a stop was asked for; the second time means "at once".
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

fn listen_to<const N: usize>(kinds: [SignalKind; N]) -> Result<[tokio::signal::unix::Signal; N]> {
    let listeners = kinds.into_iter().map(signal).collect::<std::io::Result<Vec<_>>>()?;
    listeners.try_into().map_err(|_| anyhow::anyhow!("one listener per signal"))
}
