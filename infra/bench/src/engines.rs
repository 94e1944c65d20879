//! Settles what benchmarks on real engines stand on: a runtime, an empty database of courses, keys and a configuration.

use anyhow::{Context as _, Result};
use courses::Courses;
use serde_json::json;
use shared::runtime::Engine;
use shared::service::{Config, Service};
use shared::testing::{Running, TestDatabase, TestKeys};

/// A database and keys of their own, gone with this value.
pub struct Engines {
    /// How courses would connect.
    pub config: Config<courses::Config>,
    /// The database, dropped before the runtime ends.
    pub database: TestDatabase,
    /// Keys in a folder of their own.
    pub keys: TestKeys,
    /// Where connections live.
    pub engine: Engine,
}

impl Engines {
    /// On the engines that `cargo ent bench` has started.
    pub fn open() -> Result<Self> {
        let engine = Engine::start().context("no runtime")?;
        let keys = TestKeys::generate();
        let database = engine.run(TestDatabase::create("courses", Courses::migrations));
        let own = json!({
            "access_tokens": { "jwks_cache_file": keys.file("jwks"), "revocations_cache_file": keys.file("revocations") },
            "siblings": { "auth": ["http://127.0.0.1:9"] },
        });
        let config = Running::<Courses>::config(&database, &keys, &own);
        Ok(Self { config, database, keys, engine })
    }
}
