//! Settles that a bulkhead is as wide as it says, for as long as it says, whatever becomes of its callers.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use proptest::prelude::*;

use super::*;
use crate::clock::system_clock;
use crate::testing::ManualClock;

const WAIT: Duration = Duration::from_millis(50);
const HOUR: Duration = Duration::from_hours(1);

fn context(limit: Duration) -> Context {
    Context::background(Arc::new(ManualClock::default()), limit)
}

#[tokio::test]
async fn a_caller_waits_for_a_place_and_no_longer_than_it_may() {
    let bulkhead = Bulkhead::new(1);
    let context = context(Duration::from_secs(5));
    let first = bulkhead.acquire(&context, WAIT).await.unwrap();
    let begin = system_clock().now();
    assert_eq!(bulkhead.acquire(&context, WAIT).await.unwrap_err(), NoPlace::WaitedTooLong);
    assert!(begin.elapsed() >= WAIT, "{:?}", begin.elapsed());
    let (second, ()) = tokio::join!(bulkhead.acquire(&context, WAIT), async {
        tokio::time::sleep(WAIT / 2).await;
        drop(first);
    });
    assert!(second.is_ok());
    assert_eq!(bulkhead.usage(), (1, 0));
}

#[tokio::test]
async fn nobody_waits_past_a_deadline_nor_in_too_long_a_line() {
    let bulkhead = Bulkhead::new(1).with_most_waiting(1);
    let patient = context(Duration::from_secs(5));
    let _place = bulkhead.acquire(&patient, WAIT).await.unwrap();
    let begin = system_clock().now();
    let hurried = context(Duration::from_millis(10));
    assert_eq!(bulkhead.acquire(&hurried, HOUR).await.unwrap_err(), NoPlace::WaitedTooLong);
    assert!(begin.elapsed() < HOUR, "{:?}", begin.elapsed());
    let (waited, refused) = tokio::join!(bulkhead.acquire(&patient, WAIT), bulkhead.acquire(&patient, WAIT));
    assert_eq!(waited.unwrap_err(), NoPlace::WaitedTooLong);
    assert_eq!(refused.unwrap_err(), NoPlace::TooManyWaiting);
    assert!(matches!(bulkhead.acquire(&context(Duration::ZERO), WAIT).await, Err(NoPlace::Deadline(_))));
}

#[tokio::test]
async fn an_ablated_bulkhead_lets_everybody_in() {
    let bulkhead = Bulkhead::new(1).ablated(true);
    let context = context(Duration::from_secs(5));
    let mut places = Vec::new();
    for _ in 0..100 {
        places.push(bulkhead.acquire(&context, Duration::ZERO).await.unwrap());
    }
}

/// What becomes of a caller: it asks, is looked at again, gives back, or is dropped while it waits.
#[derive(Debug, Clone)]
enum Step {
    Ask,
    Poll(usize),
    GiveBack(usize),
    Cancel(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Ask),
        3 => any::<usize>().prop_map(Step::Poll),
        2 => any::<usize>().prop_map(Step::GiveBack),
        2 => any::<usize>().prop_map(Step::Cancel),
    ];
    proptest::collection::vec(step, 1..120)
}

proptest! {
    #[test]
    fn permits_are_conserved_under_cancellation(steps in steps()) {
        const SIZE: usize = 3;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let _entered = runtime.enter();
        let bulkhead = Bulkhead::new(SIZE);
        let context = context(HOUR);
        let (mut asking, mut places): (Vec<BoxFuture<'_, _>>, Vec<Place<'_>>) = (Vec::new(), Vec::new());
        for step in steps {
            match step {
                Step::Ask => asking.push(bulkhead.acquire(&context, HOUR).boxed()),
                Step::Poll(index) if !asking.is_empty() => {
                    let mut caller = asking.swap_remove(index % asking.len());
                    match (&mut caller).now_or_never() {
                        Some(Ok(place)) => places.push(place),
                        Some(Err(refused)) => prop_assert_eq!(refused, NoPlace::TooManyWaiting),
                        None => asking.push(caller),
                    }
                }
                Step::GiveBack(index) if !places.is_empty() => drop(places.swap_remove(index % places.len())),
                Step::Cancel(index) if !asking.is_empty() => drop(asking.swap_remove(index % asking.len())),
                Step::Poll(_) | Step::GiveBack(_) | Step::Cancel(_) => {}
            }
            prop_assert!(places.len() <= SIZE);
            prop_assert!(bulkhead.usage().1 <= SIZE);
        }
        asking.clear();
        places.clear();
        prop_assert_eq!(bulkhead.usage(), (0, 0));
    }
}
