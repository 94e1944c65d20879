//! Settles how a test runs a whole service: the real composition on free ports, in threads of its own, drained at the end.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::rt::System;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::client::{Client, TEST_ORIGIN};
use super::{TestDatabase, TestKeys, engines};
use crate::clock::SharedClock;
use crate::config::CrossChecked;
use crate::http::server::Listeners;
use crate::ids;
use crate::runtime::Engine;
use crate::service::{Config, Kit, Service, StartError, serve_on};
use crate::telemetry::Metrics;

/// A service under test. Dropping it drains it and fails the test if that does not work.
pub struct Running<S: Service> {
    /// The service's open state, for looking behind the routes.
    pub service: S,
    public: SocketAddr,
    internal: SocketAddr,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl<S: Service> Running<S> {
    /// The configuration of a test, with what only this service has.
    pub fn config(database: &TestDatabase, keys: &TestKeys, own: &Value) -> Config<S::Own> {
        let content = Self::config_content(database, keys, own);
        serde_json::from_value(content).expect("a configuration for the test")
    }

    /// The same as it stands in a file, for commands.
    pub fn config_content(database: &TestDatabase, keys: &TestKeys, own: &Value) -> Value {
        let (password, nodes) = engines::redis_nodes();
        let password_file = keys.file("redis-password");
        std::fs::write(&password_file, password).expect("a password file");
        let postgres = database.config();
        json!({
            "profile": "test",
            "instance": format!("{}-test", S::NAME),
            "http": {
                "public_address": "127.0.0.1:0", "internal_address": "127.0.0.1:0", "workers": 1,
                "origins": [TEST_ORIGIN], "trusted_proxies": ["127.0.0.1/32"], "linger_ms": 0, "drain_ms": 5_000,
                // A machine that runs other tests beside is late, and that is not what these tests are about.
                "lag_ms": 5_000,
            },
            "postgres": {
                "host": postgres.host, "port": postgres.port, "database": postgres.database, "user": postgres.user,
                "password_file": postgres.password_file, "wait_ms": postgres.wait_ms,
            },
            "redis": {
                "nodes": nodes, "password_file": password_file,
                "key_prefix": format!("{}:", uuid::Uuid::from_bytes(ids::random_bytes()).simple()),
            },
            "telemetry": {},
            "service_identity": keys.identity(S::NAME),
            "own": own,
        })
    }

    /// Starts the service and returns when it is ready.
    pub fn start(config: Config<S::Own>, clock: SharedClock) -> Self {
        Self::try_start(config, clock).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Starts the service, or says why it does not start.
    pub fn try_start(config: Config<S::Own>, clock: SharedClock) -> Result<Self, String> {
        config.cross_check().map_err(|error| error.to_string())?;
        let (announce, announced) = mpsc::channel();
        let stop = CancellationToken::new();
        let stopping = stop.clone();
        let thread = std::thread::spawn(move || {
            let engine = Engine::start().expect("an engine runtime");
            let listeners = Listeners::bind(&config.http).expect("free ports");
            let addresses = listeners.addresses().expect("their addresses");
            let opened = engine.run(async {
                let metrics = Metrics::detached().expect("metrics");
                let kit = Kit::open(&config, S::NAME, engine.workers().clone(), clock, metrics).await?;
                Ok::<_, StartError>((S::open(&config.own, &kit).await?, kit))
            });
            let (service, kit) = match opened {
                Ok(opened) => opened,
                Err(error) => return announce.send(Err(error.to_string())).expect("the test waits"),
            };
            service.start_workers(&kit);
            announce.send(Ok((service.clone(), addresses))).expect("the test waits");
            System::new()
                .block_on(serve_on(&service, &kit, &config, listeners, stopping))
                .expect("a clean end");
            drop((service, kit));
            engine.stop(Duration::from_secs(5));
        });
        let announced = announced.recv_timeout(Duration::from_secs(30));
        let (service, (public, internal)) = announced.expect("the service starts within 30 s")?;
        Ok(Self { service, public, internal, stop, thread: Some(thread) })
    }

    /// A new browser at the public address.
    pub fn client(&self) -> Client {
        Client::new(self.public)
    }

    /// A client at the internal address.
    pub fn internal_client(&self) -> Client {
        Client::new(self.internal)
    }

    /// The internal address.
    pub fn internal_address(&self) -> SocketAddr {
        self.internal
    }

    /// The public address.
    pub fn public_address(&self) -> SocketAddr {
        self.public
    }
}

impl<S: Service> Drop for Running<S> {
    fn drop(&mut self) {
        self.stop.cancel();
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(
            std::thread::panicking() || matches!(ended, None | Some(Ok(()))),
            "the service did not end cleanly"
        );
    }
}
