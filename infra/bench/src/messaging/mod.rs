//! Settles the messaging that benchmarks measure: its release program on one core, on real engines, with schools in it.

pub mod event_streams;
pub mod inbox;
pub mod recall;
pub mod restriction;
pub mod send;
pub mod sends;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use messaging::Messaging;
use reqwest::header::{COOKIE, ORIGIN};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use shared::runtime::Engine;
use shared::service::{Config, Service};
use shared::session::{ACCESS_COOKIE, News, Role};
use shared::testing::{Running, TestDatabase, TestKeys};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::http::Scratch;
use crate::http::configuration::{configuration, public_address};
use crate::http::programs::{Cores, Pinned};

/// Nobody is waited for any longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// messaging, running, with nobody in it.
pub struct Ours {
    config: Config<messaging::Config>,
    keys: TestKeys,
    database: TestDatabase,
    client: Client,
    address: String,
    program: Pinned,
    _files: [Scratch; 2],
    /// Last, as all the others live on it.
    pub engine: Engine,
}

impl Ours {
    /// The program that `ENT_BENCH_MESSAGING` names, on one core.
    pub fn start() -> Result<Self> {
        let (engine, keys) = (Engine::start().context("no runtime")?, TestKeys::generate());
        let database = engine.run(TestDatabase::create("messaging", Messaging::migrations));
        let config = Running::<Messaging>::config(&database, &keys, &own(&keys, "http://127.0.0.1:9"));
        let auth = engine.run(auth_that_revoked_nothing(&engine))?;
        let program = std::env::var_os("ENT_BENCH_MESSAGING").map(PathBuf::from);
        let program = program.context("ENT_BENCH_MESSAGING is not set: measure with `cargo ent bench`")?;
        let written = toml::to_string(&configuration(&config, &keys, Messaging::NAME, &own(&keys, &auth)))?;
        let (file, log) = (Scratch::new(&written)?, Scratch::new("")?);
        let path = file.path().to_str().context("a readable path")?;
        let core = Cores::two()?.server;
        let mut running = Pinned::start(core, &program, &["--config", path, "serve"], log.path())?;
        let address = running.wait_for_line(log.path(), public_address)?;
        shared::testing::install_provider();
        let client = Client::builder().timeout(PATIENCE).no_proxy().build()?;
        Ok(Self { config, keys, database, client, address, program: running, _files: [file, log], engine })
    }

    /// Runs statements.
    pub fn execute(&self, sql: &str) -> Result<()> {
        self.engine.run(async { self.database.connect().await.batch_execute(sql).await })?;
        Ok(())
    }

    /// A signed-in person who has just given a one-time code, as their cookie says it.
    pub fn cookie(&self, person: Uuid, school: Uuid, role: Role) -> String {
        format!("{ACCESS_COOKIE}={}", self.keys.proved_token(person, &[(school, role)]))
    }

    /// A request of somebody.
    pub fn request(&self, method: Method, path: &str, cookie: &str) -> RequestBuilder {
        let origin = self.config.http.origins.first().cloned().unwrap_or_default();
        let request = self.client.request(method, format!("http://{}{path}", self.address));
        request.header(COOKIE, cookie).header(ORIGIN, origin)
    }

    /// The cookie of a pupil of the first school.
    pub fn pupil(&self, number: u128) -> String {
        self.cookie(id(0x1, number), id(0xa, 1), Role::Student)
    }

    /// How many messages that pupil has not read.
    pub async fn unread_of(&self, number: u128) -> Result<i64> {
        self.unread(&self.pupil(number)).await
    }

    /// What the program takes of the machine's memory, in bytes.
    pub fn memory(&self) -> Result<u64> {
        self.program.memory()
    }

    /// How many messages somebody has not read.
    pub async fn unread(&self, cookie: &str) -> Result<i64> {
        let answer = self.request(Method::GET, "/messaging/v1/home", cookie).send().await?;
        let home: Value = body(answer, 200).await?;
        home.get("unread_count").and_then(Value::as_i64).context("a count")
    }
}

/// The body of an answer that has this status.
pub async fn body(answer: Response, status: u16) -> Result<Value> {
    let got = answer.status().as_u16();
    let text = answer.text().await?;
    ensure!(got == status, "answered {got} instead of {status}: {text}");
    Ok(serde_json::from_str(&text)?)
}

/// The person or school of a kind with a number, as SQL below makes them with `pg_temp.id`.
pub fn id(kind: u128, number: u128) -> Uuid {
    Uuid::from_u128(kind << 124 | number)
}

/// `pg_temp.id`, for statements that follow on the same connection.
pub const ID: &str =
    "create function pg_temp.id(kind text, number bigint) returns uuid language sql immutable as
    $$ select (kind || lpad(to_hex(number), 31, '0'))::uuid $$;";

fn own(keys: &TestKeys, auth: &str) -> Value {
    json!({
        "access_tokens": { "jwks_cache_file": keys.file("jwks"), "revocations_cache_file": keys.file("revocations") },
        "siblings": { "auth": [auth], "courses": ["http://127.0.0.1:9"] },
    })
}

/// Says to whoever asks that nothing was revoked: sensitive acts wait for nobody else than auth to say so.
async fn auth_that_revoked_nothing(engine: &Engine) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let news = serde_json::to_string(&News { after: 0, upto: 0, published: 0, revocations: vec![] })?;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
    let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{news}", news.len());
    engine.handle().spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = [0; 4_096];
            // Whoever goes away asks again.
            if stream.read(&mut asked).await.is_ok() {
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        }
    });
    Ok(address)
}
