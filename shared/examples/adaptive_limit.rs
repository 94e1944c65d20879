//! Settles by showing how a concurrency limit follows what a dependency can do: eight connections that become four for a while.
//!
//! `cargo run -p shared --example adaptive_limit`: time is counted and not waited for, so it ends at once.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use shared::clock::Clock;
use shared::resilience::adaptive_limit::{AdaptiveLimit, Bounds, Ending};
use shared::resilience::priority::Priority;
use shared::testing::ManualClock;

/// A connection is held for so long by each request.
const SERVICE_MS: u64 = 10;
/// Requests a second: twice what eight connections can do.
const ASKED: u64 = 1_600;

/// The dependency: who waits for a connection since when, and who has one until when.
#[derive(Default)]
struct Dependency {
    waiting: VecDeque<u64>,
    working: VecDeque<(u64, u64)>,
}

impl Dependency {
    /// One millisecond with so many connections; the times of those that were answered in it.
    fn step(&mut self, now_ms: u64, connections: usize) -> Vec<Duration> {
        let mut answered = Vec::new();
        while let Some((_, came_ms)) = self.working.pop_front_if(|(until_ms, _)| *until_ms <= now_ms) {
            answered.push(Duration::from_millis(now_ms - came_ms));
        }
        while self.working.len() < connections {
            let Some(came_ms) = self.waiting.pop_front() else { break };
            self.working.push_back((now_ms + SERVICE_MS, came_ms));
        }
        answered
    }
}

/// Shows forty seconds.
pub fn main() {
    let start: Instant = ManualClock::default().now();
    let mut limit = AdaptiveLimit::new(Bounds { least: 4, most: 400 }, 1, start);
    let mut dependency = Dependency::default();
    println!(
        "{ASKED} requests a second at a dependency with 8 connections of {SERVICE_MS} ms each, 4 from 15 s to 30 s"
    );
    println!(
        "{:>6}  {:>11}  {:>8}  {:>8}  {:>8}  {:>12}",
        "second", "connections", "limit", "answered", "refused", "slowest"
    );
    for second in 0..45_u64 {
        let connections = if (15..30).contains(&second) { 4 } else { 8 };
        let (mut refused, mut answered, mut slowest) = (0, 0, Duration::ZERO);
        for millisecond in 0..1_000 {
            let now_ms = second * 1_000 + millisecond;
            let come = ASKED * (millisecond + 1) / 1_000 - ASKED * millisecond / 1_000;
            for _ in 0..come {
                if limit.try_begin(Priority::Critical) {
                    dependency.waiting.push_back(now_ms);
                } else {
                    refused += 1;
                }
            }
            for time in dependency.step(now_ms, connections) {
                limit.finish(start + Duration::from_millis(now_ms), 0, Ending::Answered(time));
                answered += 1;
                slowest = slowest.max(time);
            }
        }
        println!(
            "{second:>6}  {connections:>11}  {:>8}  {answered:>8}  {refused:>8}  {:>9} ms",
            limit.limit(),
            slowest.as_millis()
        );
        let is_settled = second % 15 > 10;
        assert!(
            !is_settled || slowest < Duration::from_millis(500),
            "nothing piles up: {slowest:?} in second {second}"
        );
    }
}
