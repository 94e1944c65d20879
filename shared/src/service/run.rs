//! Settles a service's life from bound sockets to the last flushed span: nothing that was accepted is dropped at the end.

use std::time::Duration;

use actix_web::rt::System;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{Calendar, Config, Kit, Service, StartError};
use crate::ablation::Part;
use crate::health::Phase;
use crate::http::server::{Listeners, Servers};
use crate::runtime::Engine;
use crate::telemetry::Telemetry;

/// How long workers and connections may take to end.
const WORKERS_LIMIT: Duration = Duration::from_secs(5);

/// Runs the service until SIGTERM, SIGINT or another calendar, then drains it.
pub(super) fn serve<S: Service>(config: &Config<S::Own>) -> Result<(), StartError> {
    let telemetry = Telemetry::start(&config.telemetry, S::NAME, &config.instance)?;
    let listeners = Listeners::bind(&config.http)?;
    let engine = Engine::start()?;
    let opening = async {
        let workers = engine.workers().clone();
        let kit = Kit::open(config, S::NAME, workers, config.clock(), telemetry.metrics.clone()).await?;
        Ok::<_, StartError>((S::open(&config.own, &kit).await?, kit))
    };
    let (service, kit) = engine.run(opening)?;
    service.start_workers(&kit);
    let stop = CancellationToken::new();
    System::new().block_on(async {
        let stopping = async {
            tokio::select! {
                () = signalled() => {}
                () = another_calendar(config.clock_ahead_file.as_ref()) => {}
            }
            stop.cancel();
        };
        // Signals first: whoever reads that it is ready may stop it at once.
        tokio::join!(stopping, serve_on(&service, &kit, config, listeners, stop.clone())).1
    })?;
    engine.stop(WORKERS_LIMIT);
    tracing::info!("stopped");
    telemetry.flush();
    Ok(())
}

/// Serves on bound sockets until `stop`, then drains. Must run inside an actix system.
pub async fn serve_on<S: Service>(
    service: &S,
    kit: &Kit,
    config: &Config<S::Own>,
    listeners: Listeners,
    stop: CancellationToken,
) -> Result<(), StartError> {
    let http = &config.http;
    let (public_address, internal_address) = listeners.addresses()?;
    let servers = Servers::start(service, kit, http, listeners)?;
    let (public, internal) = servers.handles();
    let readiness = kit.readiness.clone();
    let is_drained = !kit.breakers.ablation().removes(Part::Draining);
    let draining = async {
        stop.cancelled().await;
        if is_drained {
            readiness.set(Phase::Draining);
            tracing::info!("draining: not ready any more, still serving while the front door notices");
            tokio::time::sleep(Duration::from_millis(http.linger_ms)).await;
        }
        // Public first: what it still serves may need what the internal listener gives to siblings.
        public.stop(is_drained).await;
        internal.stop(is_drained).await;
    };
    kit.readiness.set(Phase::Ready);
    tracing::info!(%public_address, %internal_address, "ready");
    let (public, internal, ()) = tokio::join!(servers.public, servers.internal, draining);
    public?;
    internal?;
    Ok(())
}

/// Returns when SIGTERM or SIGINT comes.
async fn signalled() {
    match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        (Err(error), _) | (_, Err(error)) => tracing::error!(%error, "signals cannot be received: stopping"),
    }
}

/// Returns when a proof has set another day.
async fn another_calendar(calendar: Option<&Calendar>) {
    match calendar {
        Some(calendar) => calendar.changed().await,
        None => std::future::pending().await,
    }
    tracing::info!("the calendar was set anew: ending, to be started again with it");
}
