//! Settles the auth that benchmarks measure: its release program on one core, on real engines, with pupils in it.

mod asker;
mod engines_apart;
pub mod poll;
pub mod refresh;
pub mod revocation;
pub mod sessions_memory;
pub mod sign_in;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use auth::Auth;
use serde_json::{Value, json};
use shared::runtime::Engine;
use shared::service::{Config, Service};
use shared::testing::{Running, TestDatabase, TestKeys};

use crate::http::Scratch;
use crate::http::programs::Pinned;

/// Pupils with an account: `pupil.0` and so on, as many as arrive in half a minute of a surge.
pub const PUPILS: u32 = 20_000;
/// The password of all of them.
pub const PASSWORD: &str = "correct horse battery";
/// As in use: 19 MiB, two passes, one lane.
pub const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;

/// A database with pupils, and keys.
pub struct Setup {
    /// How auth connects.
    pub config: Config<auth::Config>,
    /// The database, dropped before the runtime ends.
    pub database: TestDatabase,
    /// Keys in a folder of their own.
    pub keys: TestKeys,
    /// Where connections live.
    pub engine: Engine,
}

/// auth, running.
pub struct Ours {
    pub program: Pinned,
    pub address: String,
    pub internal_address: String,
    _files: [Scratch; 2],
}

/// As auth computes hashes.
pub fn argon2id() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, Some(32)).map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

impl Setup {
    /// On the engines that `cargo ent bench` has started.
    pub fn open() -> Result<Self> {
        Self::with(Engine::start().context("no runtime")?, TestKeys::generate())
    }

    /// The same with keys that another service trusts.
    pub fn with(engine: Engine, keys: TestKeys) -> Result<Self> {
        let database = engine.run(TestDatabase::create("auth", Auth::migrations));
        let hash = argon2id()?.hash_password_with_salt(PASSWORD.as_bytes(), b"0123456789abcdef");
        let hash = hash.map_err(|error| anyhow::anyhow!("{error}"))?.to_string();
        let sql = format!(
            "create function pg_temp.id(kind text, number bigint) returns uuid language sql immutable as
               $$ select (kind || lpad(to_hex(number), 31, '0'))::uuid $$;
             insert into school values (pg_temp.id('a', 1), '0750655E', 'Collège Test', 'college', 'Paris');
             insert into person (id, source, source_id, given_name, family_name)
               select pg_temp.id('1', n), 'pupils', n::text, 'Prénom' || n, 'Nom' || n from generate_series(1, {PUPILS}) n;
             insert into membership (school_id, person_id, role)
               select pg_temp.id('a', 1), pg_temp.id('1', n), 'Student' from generate_series(1, {PUPILS}) n;
             insert into account (person_id, login, password_hash)
               select pg_temp.id('1', n), 'pupil.' || n - 1, '{hash}' from generate_series(1, {PUPILS}) n;
             analyze;"
        );
        engine.run(async { database.connect().await.batch_execute(&sql).await }).context("no pupils")?;
        let config = Running::<Auth>::config(&database, &keys, &own(&keys, 512));
        Ok(Self { config, database, keys, engine })
    }

    /// The program that `ENT_BENCH_AUTH` names, on one core with one hash thread, room for so many that wait, and names in
    /// Redis that begin with `prefix`.
    pub fn start(&self, core: usize, queue: usize, prefix: &str) -> Result<Ours> {
        let program = std::env::var_os("ENT_BENCH_AUTH").map(PathBuf::from);
        let program = program.context("ENT_BENCH_AUTH is not set: measure with `cargo ent bench`")?;
        let written = toml::to_string(&self.configuration(queue, prefix))?;
        let (config, log) = (Scratch::new(&written)?, Scratch::new("")?);
        let file = config.path().to_str().context("a readable path")?;
        let mut program = Pinned::start(core, &program, &["--config", file, "serve"], log.path())?;
        let [address, internal_address] = program
            .wait_for_line(log.path(), |line| addresses(line).map(|both| both.join(" ")))?
            .split_once(' ')
            .map(|(public, internal)| [public.to_owned(), internal.to_owned()])
            .context("two addresses")?;
        Ok(Ours { program, address, internal_address, _files: [config, log] })
    }

    /// As `cargo ent up` writes it, but nobody is refused for asking often: what is measured is what an answer costs.
    fn configuration(&self, queue: usize, prefix: &str) -> Value {
        let config = &self.config;
        let often = json!({ "per_second": 1_000_000, "burst": 10_000_000 });
        json!({
            "profile": "demo",
            "instance": format!("auth-{prefix}"),
            "http": {
                "public_address": "127.0.0.1:0", "internal_address": "127.0.0.1:0", "workers": 1,
                "origins": config.http.origins, "trusted_proxies": ["127.0.0.1/32"],
                "rate_limits": { "account": often, "address": often },
            },
            "postgres": {
                "host": config.postgres.host, "port": config.postgres.port, "database": config.postgres.database,
                "user": config.postgres.user, "password_file": config.postgres.password_file,
            },
            "redis": {
                "nodes": config.redis.nodes, "password_file": config.redis.password_file,
                "key_prefix": format!("{}{prefix}", config.redis.key_prefix),
            },
            "telemetry": { "level": "info" },
            "service_identity": self.keys.identity("auth"),
            "own": own(&self.keys, queue),
        })
    }
}

fn own(keys: &TestKeys, queue: usize) -> Value {
    json!({
        "access_tokens": { "signing_key_file": keys.file("access"), "refresh_key_file": keys.file("refresh") },
        "authenticators": { "key_file": keys.file("authenticators") },
        "sign_in": { "hash_threads": 1, "queue": queue },
    })
}

/// From the log line that says that auth is ready.
fn addresses(line: &str) -> Option<[String; 2]> {
    let line: Value = serde_json::from_str(line).ok()?;
    let address = |name: &str| Some(line.get(name)?.as_str()?.to_owned());
    Some([address("public_address")?, address("internal_address")?])
}
