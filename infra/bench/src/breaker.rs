//! Settles what the circuit breaker adds to a call while all is well, beside the three best-known crates.
//!
//! All count results of a call that does nothing and goes well. Only ours and tower-resilience's also watch for slow
//! calls, and only ours admits a bounded number of probes that may be lost. failsafe comes with its own default (a rate
//! over a time window) and with its simplest rule (failures in a row), so that ours is not compared with the dearest.

use std::hint::black_box;
use std::time::Duration;

use failsafe::{CircuitBreaker as _, backoff, failure_policy};
use futures_util::FutureExt;
use recloser::Recloser;
use shared::clock::system_clock;
use shared::resilience::breaker::{Breaker, Policy};
use tower::{Service, ServiceExt, service_fn};
use tower_resilience_circuitbreaker::CircuitBreakerLayer;

use crate::harness::{Contender, Plan};
use crate::report::{Comparison, Measure};

/// Ours costs at most what the cheapest peer costs.
const AIM: f64 = 1.0;
/// Circumstances, with threads and the calls of each in a round: with two, so many that they surely overlap.
const CASES: [(&str, usize, u64); 2] = [("one thread", 1, 50_000), ("two threads", 2, 200_000)];

/// The closed path: alone, and with two threads that call at the same time.
pub fn run() -> Vec<Comparison> {
    let ours = Breaker::new(Policy::default(), system_clock());
    let windowed = failsafe::Config::new().build();
    let in_a_row = failsafe::Config::new()
        .failure_policy(failure_policy::consecutive_failures(20, backoff::constant(Duration::from_secs(1))))
        .build();
    let recloser = Recloser::custom().build();
    let contenders = [
        Contender::new("ours", |calls| {
            for _ in 0..calls {
                let _ = black_box(guarded(&ours));
            }
        }),
        Contender::new("failsafe 1.3", |calls| {
            for _ in 0..calls {
                let _ = black_box(windowed.call(|| black_box(Ok::<u32, u32>(1))));
            }
        }),
        Contender::new("failsafe 1.3, failures in a row", |calls| {
            for _ in 0..calls {
                let _ = black_box(in_a_row.call(|| black_box(Ok::<u32, u32>(1))));
            }
        }),
        Contender::new("recloser 1.4", |calls| {
            for _ in 0..calls {
                let _ = black_box(recloser.call(|| black_box(Ok::<u32, u32>(1))));
            }
        }),
        tower(),
    ];
    let compare = |(case, threads, calls)| {
        let figures = Plan::computing(calls).on_threads(threads).measure(&contenders);
        Comparison::new(("breaker", case), Measure::Cost, figures, AIM)
    };
    CASES.map(compare).into()
}

/// What a caller writes around a call.
fn guarded(breaker: &Breaker) -> Option<u32> {
    let permit = breaker.acquire().ok()?;
    if let Ok(answer) = black_box(Ok::<u32, u32>(1)) {
        permit.success();
        Some(answer)
    } else {
        permit.failure();
        None
    }
}

/// tower's breaker is a service; each thread has a clone, and the clones share the circuit.
fn tower() -> Contender<'static> {
    let layer = CircuitBreakerLayer::builder().slow_call_duration_threshold(Duration::from_secs(1)).build();
    let inner = service_fn(|(): ()| std::future::ready(black_box(Ok::<u32, u32>(1))));
    let service = layer.map(|layer| tower::Layer::layer(&layer, inner)).ok();
    Contender::new("tower-resilience-circuitbreaker 0.14", move |calls| {
        let Some(mut service) = service.clone() else { return };
        for _ in 0..calls {
            let _ = black_box(async { service.ready().await?.call(()).await }.now_or_never());
        }
    })
}
