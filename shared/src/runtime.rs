//! Settles where connections live: on one multi-thread runtime apart from the HTTP workers, with every task counted for shutdown.

use std::future::Future;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Threads of the engine runtime: connections are I/O, two keep one stalled poll from holding up the rest.
const ENGINE_THREADS: usize = 2;

/// The runtime that owns every PostgreSQL and Redis connection and every background worker.
pub struct Engine {
    runtime: Runtime,
    workers: Workers,
}

/// Starts background workers and ends them together.
#[derive(Clone)]
pub struct Workers {
    handle: Handle,
    tracker: TaskTracker,
    stopping: CancellationToken,
}

impl Engine {
    /// Starts the runtime's threads.
    pub fn start() -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(ENGINE_THREADS)
            .thread_name("engine")
            .enable_all()
            .build()?;
        let workers = Workers::on(runtime.handle().clone());
        Ok(Self { runtime, workers })
    }

    /// For connections.
    pub fn handle(&self) -> &Handle {
        self.runtime.handle()
    }

    /// For background workers.
    pub fn workers(&self) -> &Workers {
        &self.workers
    }

    /// Runs `work` to its end on this runtime, from a thread that may block.
    pub fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Asks workers to stop, waits up to `limit`, then closes every connection.
    pub fn stop(self, limit: Duration) {
        self.runtime.block_on(self.workers.stop(limit));
        self.runtime.shutdown_timeout(limit);
    }
}

impl Workers {
    /// Workers on a runtime that somebody else owns.
    pub fn on(handle: Handle) -> Self {
        Self { handle, tracker: TaskTracker::new(), stopping: CancellationToken::new() }
    }

    /// Starts a worker; it should end soon after the token is cancelled.
    pub fn spawn<F>(&self, work: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tracker.spawn_on(work(self.stopping.clone()), &self.handle);
    }

    /// Cancels the token and waits for the workers, up to `limit`. Returns whether all ended.
    pub async fn stop(&self, limit: Duration) -> bool {
        self.stopping.cancel();
        self.tracker.close();
        tokio::time::timeout(limit, self.tracker.wait()).await.is_ok()
    }
}
