//! Settles how stored hashes get today's parameters: after a sign-in, one at a time, when no one waits for a hash thread.
//!
//! Only a sign-in knows the password. What comes while people wait, or beyond a few, is left: the next sign-in offers it again.

use std::sync::Arc;
use std::time::Duration;

use shared::clock::SharedClock;
use shared::context::Context;
use shared::pg::{Database, Work};
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::hasher::Hasher;
use super::password;
use crate::error::Error;
use crate::store;

/// Passwords that wait in memory.
const MOST_WAITING: usize = 16;
/// Time for one.
const LIMIT: Duration = Duration::from_secs(5);

/// Renews hashes. Cloning shares the queue.
#[derive(Clone)]
pub struct Rehash {
    offers: mpsc::Sender<Offer>,
    offered: Arc<Mutex<mpsc::Receiver<Offer>>>,
    database: Database,
    hasher: Hasher,
    clock: SharedClock,
}

struct Offer {
    person_id: Uuid,
    password: Zeroizing<String>,
    old_hash: String,
}

impl Rehash {
    /// Hashes with `hasher`.
    pub fn new(database: Database, hasher: Hasher, clock: SharedClock) -> Self {
        let (offers, offered) = mpsc::channel(MOST_WAITING);
        Self { offers, offered: Arc::new(Mutex::new(offered)), database, hasher, clock }
    }

    /// A password that was right, with its hash. Waits for nothing.
    pub fn offer(&self, person_id: Uuid, password: &str, hash: &str) {
        if password::is_current(hash) || self.hasher.waiting() > 0 {
            return;
        }
        let password = super::password_policy::normal(password);
        // A full queue is no loss: the next sign-in offers it again.
        let _ = self.offers.try_send(Offer { person_id, password, old_hash: hash.to_owned() });
    }

    /// The worker.
    pub async fn run(self, stop: CancellationToken) {
        let mut offered = self.offered.lock().await;
        loop {
            let offer = tokio::select! {
                () = stop.cancelled() => return,
                offer = offered.recv() => offer,
            };
            let Some(offer) = offer else { return };
            if self.hasher.waiting() > 0 {
                continue;
            }
            if let Err(error) = self.renew(offer).await {
                tracing::info!(%error, "a password hash keeps its old parameters for now");
            }
        }
    }

    async fn renew(&self, offer: Offer) -> Result<(), Error> {
        let context = Context::background(self.clock.clone(), LIMIT);
        let hash = self.hasher.make(&context, offer.password).await?;
        let mut transaction = self.database.begin(&context, Work::Background).await?;
        store::account::renew_hash(&mut transaction, offer.person_id, &offer.old_hash, &hash).await?;
        Ok(transaction.commit().await?)
    }
}
