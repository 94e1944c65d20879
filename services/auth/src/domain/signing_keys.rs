//! Settles which key signs access tokens: the newest one that has been published for an hour, so that nobody meets a key they do not know.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use shared::clock::SharedClock;
use shared::config::{Invalid, Profile};
use shared::context::Context;
use shared::keys::{self, SigningKeyFile};
use shared::pg::{self, Database, Work};
use shared::session::Jwks;

use crate::store;

/// How long a key is published before it signs: siblings fetch the set every five minutes.
const PUBLISHED_FIRST: TimeDelta = TimeDelta::hours(1);
/// Time for noting the keys at a start.
const NOTE_LIMIT: Duration = Duration::from_secs(5);

/// The keys, oldest first, and since when each may sign. Cloning shares them.
#[derive(Clone)]
pub struct SigningKeys {
    clock: SharedClock,
    keys: Arc<[(SigningKeyFile, DateTime<Utc>)]>,
}

impl SigningKeys {
    /// Reads the files, oldest first, and notes in the database that they are published.
    pub async fn open(
        files: impl IntoIterator<Item = &PathBuf>,
        profile: Profile,
        database: &Database,
        clock: SharedClock,
    ) -> Result<Self, shared::service::StartError> {
        let files: Vec<SigningKeyFile> = read(files, profile)?;
        let context = Context::background(clock.clone(), NOTE_LIMIT);
        let mut transaction = database.begin(&context, Work::Write).await?;
        let mut keys = Vec::with_capacity(files.len());
        for file in files {
            let since = publish(&mut transaction, &file, clock.utc()).await?;
            keys.push((file, since + PUBLISHED_FIRST));
        }
        transaction.commit().await?;
        Ok(Self { clock, keys: keys.into() })
    }

    /// The key that signs now. A first installation has one key, which cannot wait.
    pub fn current(&self) -> Option<&SigningKeyFile> {
        let now = self.clock.utc();
        let usable = self.keys.iter().rev().find(|(_, from)| *from <= now);
        usable.or(self.keys.first()).map(|(key, _)| key)
    }

    /// All of them: the next one before it signs, the last ones while their tokens live.
    pub fn jwks(&self) -> Jwks {
        Jwks { keys: self.keys.iter().map(|(key, _)| key.public.clone()).collect() }
    }
}

/// The keys in `files`; two of the same name would hide each other.
pub fn read<'a>(
    files: impl IntoIterator<Item = &'a PathBuf>,
    profile: Profile,
) -> Result<Vec<SigningKeyFile>, Invalid> {
    let mut keys: Vec<SigningKeyFile> = Vec::new();
    for file in files {
        let key = keys::read_signing_key(file, profile)?;
        if keys.iter().any(|other| other.kid == key.kid) {
            let (kid, file) = (key.kid, file.display());
            return Err(Invalid::new(format!("{file}: another signing key is called {kid} as well")));
        }
        keys.push(key);
    }
    Ok(keys)
}

async fn publish(
    transaction: &mut pg::Transaction,
    key: &SigningKeyFile,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, pg::Error> {
    store::signing_key::publish(transaction, &key.kid, now).await
}
