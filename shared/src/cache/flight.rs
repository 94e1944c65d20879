//! Settles that one key is loaded once at a time: the first caller starts the flight, the others wait for it, and nobody's leaving ends it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::watch;

/// Flights under way, by key. Cloning shares them.
pub(super) struct Flights<T> {
    under_way: Arc<Mutex<HashMap<String, watch::Receiver<Option<T>>>>>,
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
    pub(super) fn join(&self, key: &str, load: impl FnOnce() -> Loading<T>) -> watch::Receiver<Option<T>> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = under_way.get(key) {
            return flight.clone();
        }
        let (arrive, flight) = watch::channel(None);
        under_way.insert(key.to_owned(), flight.clone());
        let landing = Landing { flights: self.clone(), key: key.to_owned() };
        let load = load();
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

/// Waits for the arrival. `None` when the flight was lost, because its load panicked.
pub(super) async fn arrival<T: Clone>(mut flight: watch::Receiver<Option<T>>) -> Option<T> {
    flight.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone())
}
