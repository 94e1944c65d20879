//! Settles that the edge holds against clients that stall, drip, flood and speak other protocols: a bare listener, raw sockets.

mod crowd;
mod heads;
mod overload;
mod slow;
mod streams;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::rt::System;
use actix_web::{HttpResponse, web};

use super::accept::{self, Intake};
use super::connection::ClientLimits;
use super::{BodyLimits, EdgePolicy};
use crate::ablation::Ablation;
use crate::attribution::Attribution;
use crate::clock::system_clock;
use crate::health::Readiness;
use crate::telemetry::Metrics;

/// Size of the answer of `/large`: more than the kernel keeps for one connection.
const LARGE: usize = 768 * 1024;

/// Short limits, so that tests are.
const LIMITS: ClientLimits = ClientLimits {
    // actix-web counts this one from a clock that moves twice a second.
    head: Duration::from_millis(1_200),
    idle: Duration::from_secs(10),
    unread_body: Duration::from_millis(300),
    answer: Duration::from_millis(400),
};
const BODY_TIME: Duration = Duration::from_millis(400);

/// A listener with the edge and three routes, in a thread of its own.
struct Listening {
    address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Listening {
    fn start() -> Self {
        Self::serve(intake(LIMITS), policy(BODY_TIME), routes)
    }

    fn serve(
        intake: Intake,
        policy: EdgePolicy,
        routes: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
    ) -> Self {
        let listener = accept::bind("test", "127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let (announce, announced) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            System::new().block_on(async move {
                let server = accept::serve(&intake, policy, listener, routes).unwrap();
                announce.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        Self { address, handle: announced.recv().unwrap(), thread: Some(thread) }
    }

    /// A connection over which `text` has been sent.
    fn send(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        stream
    }

    /// All that comes back on a connection that the client asks to close.
    fn exchange(&self, text: &str) -> String {
        read_to_end(&mut self.send(text))
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // Completes when the server has taken the command; its thread then ends.
        drop(self.handle.stop(false));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// What comes until the server closes; a connection that is cut off gives what came before.
fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = vec![];
    let outcome = stream.read_to_end(&mut bytes);
    let is_open = outcome.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
    assert!(!is_open, "the connection is still open");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Waits for a condition, which is asked again and again for at most 20 s.
#[expect(clippy::disallowed_methods, reason = "the time of clients on real sockets")]
fn until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < end, "not within 20 s: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn intake(limits: ClientLimits) -> Intake {
    Intake { name: "test", workers: 1, max_connections: 4_096, limits, drain_limit: Duration::ZERO }
}

fn policy(body_time: Duration) -> EdgePolicy {
    let metrics = Metrics::detached().unwrap();
    EdgePolicy {
        clock: system_clock(),
        request_limit: Duration::from_secs(5),
        body: BodyLimits { bytes: 64 * 1024, time: body_time },
        trusted_proxies: vec![],
        public: None,
        readiness: Readiness::default(),
        metrics: metrics.requests("test"),
        attribution: Attribution::new(&metrics),
        ablation: Ablation::default(),
        slow_limit: Duration::from_secs(1),
    }
}

fn routes(app: &mut web::ServiceConfig) {
    app.route("/quick", web::get().to(async || "quick"))
        .route("/length", web::post().to(async |body: web::Bytes| body.len().to_string()))
        .route("/large", web::get().to(async || HttpResponse::Ok().body(vec![b'x'; LARGE])));
}
