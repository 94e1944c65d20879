//! Settles how results of the last seconds are counted: buckets of time that any thread adds to without a lock.
//!
//! A sliding time window of buckets, as resilience4j's `FixedSizeSlidingTimeWindow` and Hystrix' rolling number have it.
//! Hot path: one shift (widths are powers of two) and one addition, in a stripe that few other threads add to, so that
//! threads do not wait for each other's cache lines. A count and the number of its bucket share one word, so that the
//! first to come in a new bucket restarts it by one exchange.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::resilience::sync::AtomicU64;

/// Slots of the ring; a window spans 8 to 16 of them.
const SLOTS: usize = 16;
const SLOT_MASK: usize = SLOTS - 1;
/// Threads take turns in choosing a stripe, and keep it.
const STRIPES: usize = 4;
const STRIPE_MASK: usize = STRIPES - 1;
/// A window has at least so many buckets: it forgets in steps of an eighth or less.
const FEWEST_BUCKETS: u64 = 8;

/// Results within the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls that went well and fast.
    pub fine: u64,
    /// Calls that failed, fast or slow.
    pub failed: u64,
    /// Calls that went well, but slowly.
    pub slow: u64,
}

impl Counts {
    /// All calls.
    pub fn calls(self) -> u64 {
        self.fine + self.failed + self.slow
    }
}

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Fine,
    Failed,
    Slow,
}

impl Counts {
    pub(super) fn add(&mut self, kind: Kind) {
        match kind {
            Kind::Fine => self.fine += 1,
            Kind::Failed => self.failed += 1,
            Kind::Slow => self.slow += 1,
        }
    }
}

/// Rings of buckets; what counts is their sum.
#[derive(Debug)]
pub(super) struct Window {
    stripes: [Stripe; STRIPES],
    /// Width of a bucket: two to the power of this, in milliseconds.
    shift: u32,
    /// Buckets that count, the current one included.
    span: u64,
}

/// A ring of buckets, apart from others by two cache lines: processors fetch them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Stripe([Bucket; SLOTS]);

/// One slice of time.
#[derive(Debug, Default)]
struct Bucket {
    fine: Cell,
    failed: Cell,
    slow: Cell,
}

/// The number of a slice of time (high half) and a count within it (low half).
#[derive(Debug, Default)]
struct Cell(AtomicU64);

const COUNT_BITS: u32 = 32;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;

impl Window {
    /// A window of `window_ms` (at least 8 ms), to an eighth.
    pub(super) fn new(window_ms: u64) -> Self {
        let shift = (window_ms / FEWEST_BUCKETS).max(1).ilog2();
        let span = window_ms.div_ceil(1 << shift);
        Self { stripes: Default::default(), shift, span }
    }

    /// Counts a result now.
    #[inline]
    pub(super) fn add(&self, kind: Kind, now_ms: u64) {
        let slice = now_ms >> self.shift;
        let bucket = self.bucket(slice);
        match kind {
            Kind::Fine => bucket.fine.add(slice),
            Kind::Failed => bucket.failed.add(slice),
            Kind::Slow => bucket.slow.add(slice),
        }
    }

    /// What the window holds now.
    pub(super) fn counts(&self, now_ms: u64) -> Counts {
        let slice = now_ms >> self.shift;
        let oldest = (slice + 1).saturating_sub(self.span);
        self.buckets().fold(Counts::default(), |sum, bucket| Counts {
            fine: sum.fine + bucket.fine.since(oldest),
            failed: sum.failed + bucket.failed.since(oldest),
            slow: sum.slow + bucket.slow.since(oldest),
        })
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        for bucket in self.buckets() {
            for cell in [&bucket.fine, &bucket.failed, &bucket.slow] {
                cell.0.store(0, Ordering::Relaxed);
            }
        }
    }

    fn buckets(&self) -> impl Iterator<Item = &Bucket> {
        self.stripes.iter().flat_map(|stripe| &stripe.0)
    }

    #[inline]
    #[expect(
        clippy::indexing_slicing,
        reason = "masks keep both indices in bounds, and no check is compiled"
    )]
    fn bucket(&self, slice: u64) -> &Bucket {
        let slot = usize::try_from(slice & SLOT_MASK as u64).unwrap_or(0);
        &self.stripes[STRIPE.with(|stripe| *stripe) & STRIPE_MASK].0[slot]
    }
}

static NEXT_STRIPE: AtomicUsize = AtomicUsize::new(0);
thread_local! {
    /// This thread's stripe in every window.
    static STRIPE: usize = NEXT_STRIPE.fetch_add(1, Ordering::Relaxed);
}

impl Cell {
    /// One more in `slice`. Adding first and looking afterwards fetches the cache line once; what was added to an old
    /// slice goes with it. A thread that slept for a whole turn of the ring adds to the slice that is current now: a
    /// count that comes so late is in the wrong second anyway.
    #[inline]
    fn add(&self, slice: u64) {
        let seen = self.0.fetch_add(1, Ordering::Relaxed);
        if seen >> COUNT_BITS < slice & COUNT_MASK {
            self.restart(slice & COUNT_MASK);
        }
    }

    /// The first count in a new slice; others may come first.
    #[cold]
    fn restart(&self, slice: u64) {
        let fresh = |seen| (seen >> COUNT_BITS < slice).then_some(slice << COUNT_BITS | 1);
        if self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fresh).is_err() {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn since(&self, oldest: u64) -> u64 {
        let seen = self.0.load(Ordering::Relaxed);
        if seen >> COUNT_BITS >= oldest & COUNT_MASK { seen & COUNT_MASK } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::resilience::sync::in_any_interleaving;

    #[test]
    fn a_window_is_as_long_as_it_says_to_an_eighth() {
        for window_ms in [100, 1_000, 5_000, 7_000, 10_000, 60_000] {
            let window = Window::new(window_ms);
            let (width, length) = (1 << window.shift, window.span << window.shift);
            assert!((window_ms..=window_ms + window_ms / 8).contains(&length), "{window_ms}: {length}");
            assert!(width <= window_ms / 8);
        }
    }

    #[test]
    fn many_threads_lose_no_count() {
        let window = Window::new(10_000);
        std::thread::scope(|threads| {
            for thread in 0..4_u64 {
                let window = &window;
                threads.spawn(move || {
                    for now in 0..9_000 {
                        window.add(Kind::Fine, now);
                        window.add(if thread % 2 == 0 { Kind::Failed } else { Kind::Slow }, now);
                    }
                });
            }
        });
        assert_eq!(window.counts(9_000), Counts { fine: 36_000, failed: 18_000, slow: 18_000 });
    }

    #[test]
    fn no_interleaving_loses_a_count_nor_keeps_an_old_one() {
        in_any_interleaving(|| {
            let window = Arc::new(Window::new(10_000));
            let once_around = (SLOTS as u64) << window.shift;
            window.add(Kind::Fine, 0);
            let add =
                |window: Arc<Window>| shuttle::thread::spawn(move || window.add(Kind::Fine, once_around));
            let threads = [window.clone(), window.clone(), window.clone()].map(add);
            for thread in threads {
                thread.join().unwrap();
            }
            assert_eq!(window.counts(once_around).fine, 3);
        });
    }

    proptest! {
        /// Against a list of times: everything younger than the window less one bucket counts, nothing older than the window.
        #[test]
        fn what_is_counted_is_what_happened_within_the_window(
            pauses in proptest::collection::vec(0_u64..4_000, 1..200), start in 0_u64..100_000,
        ) {
            let window = Window::new(10_000);
            let (mut now, mut times) = (start, Vec::new());
            for pause in pauses {
                now += pause;
                window.add(Kind::Fine, now);
                times.push(now);
                let within = |age: u64| times.iter().filter(|time| now - **time < age).count() as u64;
                let counted = window.counts(now).fine;
                let (width, length) = (1 << window.shift, window.span << window.shift);
                prop_assert!((within(length - width)..=within(length)).contains(&counted), "{counted} at {now}");
            }
        }
    }
}
