//! Settles which states a breaker has, what it answers and tells in them, and how one word holds state and generation.

use std::time::Duration;

use super::window::Counts;

/// What a breaker does with calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Lets them through.
    Closed,
    /// Lets a few through, to see.
    HalfOpen,
    /// Refuses them.
    Open,
}

impl State {
    /// As `/statusz` prints it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half_open",
            Self::Open => "open",
        }
    }
}

/// The call is not made: the dependency is known not to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the circuit breaker is open; ask again in {} ms", .retry_after.as_millis())]
pub struct Refused {
    /// When a call may pass again.
    pub retry_after: Duration,
}

/// What came of a call, as its caller judges it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The dependency did what it should; slow if it took as long as the policy calls slow.
    Success,
    /// It failed: no answer, a broken connection, an internal error.
    Failure,
    /// It answered well, and too slowly by a measure of the caller's own.
    Slow,
    /// No answer within the caller's deadline: slow if the caller waited for as long as the policy calls slow, else it
    /// says more of the caller's hurry than of the dependency, and nothing is counted.
    TimedOut,
    /// Nothing can be said of its health: the caller gave up early, or it refused because it has too much to do.
    Neutral,
}

/// A change of state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// Before.
    pub from: State,
    /// After.
    pub to: State,
    /// What the window held when it changed.
    pub counts: Counts,
    /// How long it will refuse calls; zero unless it opened.
    pub open_for: Duration,
}

/// Hears of changes of state; called outside every lock, by the caller whose result caused the change.
pub type Listener = Box<dyn Fn(Transition) + Send + Sync>;

/// The state and the generation, in one word: a result counts only if the word is still what it was at the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp(pub(super) u64);

impl Stamp {
    #[inline]
    pub(super) fn state(self) -> State {
        match self.0 & 3 {
            0 => State::Closed,
            1 => State::HalfOpen,
            _ => State::Open,
        }
    }

    pub(super) fn next(self, state: State) -> Self {
        let code = match state {
            State::Closed => 0,
            State::HalfOpen => 1,
            State::Open => 2,
        };
        Self(((self.0 >> 2) + 1) << 2 | code)
    }
}
