//! Settles that each example runs to its end and shows what it says: it checks that itself.

#[path = "../examples/adaptive_limit.rs"]
mod adaptive_limit;
#[path = "../examples/breaker.rs"]
mod breaker;
#[path = "../examples/bulkhead.rs"]
mod bulkhead;
#[path = "../examples/rate_limit.rs"]
mod rate_limit;
#[path = "../examples/retries.rs"]
mod retries;
#[path = "../examples/shedding.rs"]
mod shedding;

#[test]
fn a_breaker_opens_and_closes() {
    breaker::main();
}

#[test]
fn a_retry_budget_bounds_what_is_asked() {
    retries::main();
}

#[test]
fn a_bulkhead_leaves_room_for_what_does_not_hang() {
    bulkhead::main();
}

#[test]
fn a_rate_limit_trips_and_recovers() {
    rate_limit::main();
}

#[test]
fn a_worker_sheds_the_least_important_and_stops_when_it_can() {
    shedding::main();
}

#[test]
fn a_concurrency_limit_follows_what_a_dependency_can_do() {
    adaptive_limit::main();
}
