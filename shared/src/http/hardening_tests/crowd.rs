//! Settles that 500 clients that stall leave the others' latency alone: they hold their connections for their limits, and no longer.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::{LIMITS, Listening};

const STALLED: usize = 500;
/// Room for one wave and the others, not for what would be left of two.
const MAX_CONNECTIONS: usize = 560;
/// Below this, a percentile of a few hundred requests says more about the machine than about the service.
const NOISE: Duration = Duration::from_millis(10);

/// One in three stalls in its head, one in its body, one does not take its answer.
fn stall(server: &Listening) -> Vec<TcpStream> {
    let beginnings = [
        "GET /qui",
        "POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nabc",
        "GET /large HTTP/1.1\r\nhost: x\r\n\r\n",
    ];
    (0..STALLED).map(|n| server.send(beginnings[n % beginnings.len()])).collect()
}

/// The 99th percentile of `count` requests, a new connection each.
fn p99(server: &Listening, count: usize) -> Duration {
    let mut times: Vec<Duration> = (0..count)
        .map(|_| {
            let started = now();
            let answer = server.exchange("GET /quick HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
            assert!(answer.ends_with("quick"), "{answer}");
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[count * 99 / 100]
}

#[expect(clippy::disallowed_methods, reason = "the time that clients on real sockets measure")]
fn now() -> Instant {
    Instant::now()
}

#[test]
fn two_waves_of_500_stalled_clients_leave_the_others_p99_under_twice_its_normal() {
    let server = Listening::start_with(LIMITS, super::BODY_TIME, MAX_CONNECTIONS);
    let normal = p99(&server, 300);
    let _first = stall(&server);
    let during = p99(&server, 300);
    std::thread::sleep(LIMITS.head + super::BODY_TIME + LIMITS.unread_body);
    let _second = stall(&server);
    let after = p99(&server, 300);
    let bound = (2 * normal).max(NOISE);
    println!(
        "p99 alone {normal:?}, with {STALLED} stalled clients {during:?}, with {STALLED} more {after:?}"
    );
    assert!(during.max(after) <= bound, "alone {normal:?}, with stalled clients {during:?} and {after:?}");
}
