//! Settles how the instances keep one waiting room: each reports five times a second, the holder of a lease calls, all go by its state.
//!
//! Without Redis each instance calls from its own tickets at its own pace, which are its share of both; when Redis is back,
//! marks only go forward.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use shared::clock::SharedClock;
use shared::context::Context;
use shared::redis::{Cluster, Error};
use shared::resilience::admission::{Report, Room, State};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::domain::switches::Switches;
use crate::domain::waiting_room::{WaitingRoom, Weights};
use crate::store;

/// How often an instance reports.
const TICK: Duration = Duration::from_millis(200);
/// An instance that has not reported for this long is forgotten, in milliseconds.
const GONE_MS: u64 = 30_000;

/// Keeps one instance in step with the others.
pub struct Keeper {
    /// The room of this instance.
    pub room: WaitingRoom,
    /// Where the instances meet.
    pub cluster: Cluster,
    /// The time.
    pub clock: SharedClock,
    /// Which instance this is.
    pub instance: Arc<str>,
    /// How the lanes share, unless a switch says otherwise.
    pub weights: Weights,
    /// What a surge asks for.
    pub switches: Switches,
}

impl Keeper {
    /// Runs until it is stopped.
    pub async fn run(self, stop: CancellationToken) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut calling: Option<Room> = None;
        let mut is_alone = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let outcome = self.tick(&mut calling).await;
            if let Err(error) = &outcome {
                if !is_alone {
                    tracing::warn!(%error, "the waiting room is kept by this instance alone");
                }
                self.call_alone(&mut calling);
            } else if is_alone {
                tracing::info!("the instances keep one waiting room again");
            }
            is_alone = outcome.is_err();
        }
    }

    async fn tick(&self, calling: &mut Option<Room>) -> Result<(), Error> {
        let context = Context::background(self.clock.clone(), TICK);
        let report = self.room.report();
        let now_ms = report.at_ms;
        let text = serde_json::to_string(&report).unwrap_or_default();
        let exchange = store::waiting_room::exchange(&self.cluster, &context, &self.instance, &text).await?;
        let state = exchange.state.and_then(|text| serde_json::from_str::<State>(&text).ok());
        let Some(reports) = exchange.reports else {
            *calling = None;
            if let Some(state) = state {
                self.room.adopt(state);
            }
            return Ok(());
        };
        if let (None, Some(state)) = (&calling, state) {
            // Whoever held the lease before may have called further than this instance knows.
            self.room.adopt(state);
        }
        let reports =
            reports.into_iter().filter_map(|(name, text)| Some((name, serde_json::from_str(&text).ok()?)));
        let reports: BTreeMap<String, Report> = reports.collect();
        let state = self.caller(calling).advance(now_ms, &reports).clone();
        let is_gone = |(_, report): &(&String, &Report)| report.at_ms + GONE_MS < now_ms;
        let gone: Vec<String> = reports.iter().filter(is_gone).map(|(name, _)| name.clone()).collect();
        let text = serde_json::to_string(&state).unwrap_or_default();
        if store::waiting_room::publish(&self.cluster, &context, &self.instance, &text, &gone).await? {
            self.room.adopt(state);
        } else {
            *calling = None;
        }
        Ok(())
    }

    fn call_alone(&self, calling: &mut Option<Room>) {
        let report = self.room.report();
        let now_ms = report.at_ms;
        let reports = [(self.instance.to_string(), report)].into_iter().collect();
        let state = self.caller(calling).advance(now_ms, &reports).clone();
        self.room.adopt(state);
    }

    /// The one that calls, which begins where this instance stands.
    fn caller<'a>(&self, calling: &'a mut Option<Room>) -> &'a mut Room {
        let weights = self.switches.lane_weights().unwrap_or(self.weights).by_lane();
        let room = calling.get_or_insert_with(|| Room::resume(&weights, State::clone(&self.room.state())));
        room.set_weights(&weights);
        room
    }
}
