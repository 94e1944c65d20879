//! Settles what parts share between threads: what the standard library has, and in unit tests the same with a scheduler that can be told.
//!
//! Where two threads meet is up to the machine, and it rarely tries what goes wrong. In a test that runs
//! [`in_any_interleaving`], each access to an atomic or a lock from here is a point at which `shuttle` chooses who goes on.

#[cfg(not(test))]
pub(super) use std::sync::Mutex;
#[cfg(not(test))]
pub(super) use std::sync::atomic::AtomicU64;

#[cfg(test)]
pub(super) use interleaved::{AtomicU64, Mutex, in_any_interleaving};

#[cfg(test)]
mod interleaved {
    use std::cell::Cell;
    use std::sync::atomic::Ordering;
    use std::sync::{LockResult, MutexGuard, TryLockError, atomic};

    /// Schedules tried with each of two ways of choosing.
    const SCHEDULES: usize = 200;
    /// Changes of thread that the second way spreads over a run: most faults need two or three (Burckhardt, ASPLOS 2010).
    const CHANGES: usize = 3;

    thread_local! {
        /// Whether `shuttle` runs the threads; they all live on this one.
        static IS_INTERLEAVED: Cell<bool> = const { Cell::new(false) };
    }

    /// Runs `body`, with the threads that it spawns by `shuttle::thread`, under many schedules.
    pub(in crate::resilience) fn in_any_interleaving(body: fn()) {
        let run = move || {
            IS_INTERLEAVED.set(true);
            body();
            IS_INTERLEAVED.set(false);
        };
        shuttle::check_random(run, SCHEDULES);
        shuttle::check_pct(run, SCHEDULES, CHANGES);
    }

    /// Another thread may go on here.
    fn meet() {
        if IS_INTERLEAVED.get() {
            shuttle::sync::atomic::AtomicBool::new(false).load(Ordering::SeqCst);
        }
    }

    #[derive(Debug, Default)]
    pub(in crate::resilience) struct AtomicU64(atomic::AtomicU64);

    impl AtomicU64 {
        pub(in crate::resilience) fn new(value: u64) -> Self {
            Self(atomic::AtomicU64::new(value))
        }

        pub(in crate::resilience) fn load(&self, order: Ordering) -> u64 {
            meet();
            self.0.load(order)
        }

        pub(in crate::resilience) fn store(&self, value: u64, order: Ordering) {
            meet();
            self.0.store(value, order);
        }

        pub(in crate::resilience) fn fetch_add(&self, value: u64, order: Ordering) -> u64 {
            meet();
            self.0.fetch_add(value, order)
        }

        pub(in crate::resilience) fn fetch_update(
            &self,
            set_order: Ordering,
            fetch_order: Ordering,
            mut update: impl FnMut(u64) -> Option<u64>,
        ) -> Result<u64, u64> {
            let mut seen = self.load(fetch_order);
            while let Some(next) = update(seen) {
                meet();
                match self.0.compare_exchange(seen, next, set_order, fetch_order) {
                    Ok(before) => return Ok(before),
                    Err(now) => seen = now,
                }
            }
            Err(seen)
        }
    }

    #[derive(Debug, Default)]
    pub(in crate::resilience) struct Mutex<T>(std::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(in crate::resilience) fn new(value: T) -> Self {
            Self(std::sync::Mutex::new(value))
        }

        pub(in crate::resilience) fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
            while IS_INTERLEAVED.get() {
                meet();
                match self.0.try_lock() {
                    Ok(guard) => return Ok(guard),
                    Err(TryLockError::Poisoned(poisoned)) => return Err(poisoned),
                    Err(TryLockError::WouldBlock) => shuttle::thread::yield_now(),
                }
            }
            self.0.lock()
        }
    }
}
