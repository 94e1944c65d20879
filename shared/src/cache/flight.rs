//! Settles that one key is loaded once at a time: the first caller starts the flight, the others wait for it, and nobody's leaving ends it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::attribution::Cause;
use crate::context::Context;

/// A load that is under way: the work it is, and where it arrives.
pub(super) struct Flight<T> {
    context: Context,
    outcome: watch::Receiver<Option<T>>,
}

impl<T> Clone for Flight<T> {
    fn clone(&self) -> Self {
        Self { context: self.context.clone(), outcome: self.outcome.clone() }
    }
}

/// Flights under way, by key. Cloning shares them.
pub(super) struct Flights<T> {
    under_way: Arc<Mutex<HashMap<String, Flight<T>>>>,
    engine: Handle,
}

impl<T> Clone for Flights<T> {
    fn clone(&self) -> Self {
        Self { under_way: self.under_way.clone(), engine: self.engine.clone() }
    }
}

/// Takes the flight off the list however it ends, also by a panic of its load.
struct Landing<T> {
    flights: Flights<T>,
    key: String,
}

impl<T> Drop for Landing<T> {
    fn drop(&mut self) {
        self.flights.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

impl<T: Clone + Send + Sync + 'static> Flights<T> {
    pub(super) fn new(engine: Handle) -> Self {
        Self { under_way: Arc::default(), engine }
    }

    /// The flight for `key`: one under way, or a new one that `load` is. It runs on the engine runtime, whoever waits.
    pub(super) fn join(&self, key: &str, load: impl FnOnce() -> (Context, Loading<T>)) -> Flight<T> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = under_way.get(key) {
            return flight.clone();
        }
        let (arrive, outcome) = watch::channel(None);
        let (context, load) = load();
        let flight = Flight { context, outcome };
        under_way.insert(key.to_owned(), flight.clone());
        let landing = Landing { flights: self.clone(), key: key.to_owned() };
        self.engine.spawn(async move {
            let outcome = load.await;
            // Off the list first: who comes after the arrival must not be given this flight again.
            drop(landing);
            arrive.send_replace(Some(outcome));
        });
        flight
    }
}

/// A load, ready to run anywhere.
pub(super) type Loading<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;

impl<T: Clone> Flight<T> {
    /// Waits for the arrival. `None` when the flight was lost, because its load panicked.
    pub(super) async fn arrival(&mut self) -> Option<T> {
        self.outcome.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone())
    }

    /// What the flight itself has waited for longest, so that those who wait for it know what they wait for.
    pub(super) fn cause(&self) -> Cause {
        let longest = self.context.waits().longest(self.context.clock().now());
        longest.map_or(Cause::Unexplained, |(cause, _)| cause)
    }
}
