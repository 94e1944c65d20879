//! Settles what a loader brings, and what is known when it brings nothing: whether to ask again, and the cause.

use std::sync::Arc;

use crate::attribution::Cause;
use crate::pg;

/// What a loader brings.
pub struct Loaded<V> {
    /// The thing, or that there is none.
    pub value: Option<V>,
    /// Version of the tag, read before the thing.
    pub version: i64,
}

/// Why there is no answer: loading failed and nothing old enough to be told is held.
#[derive(Debug, Clone, thiserror::Error)]
#[error("loading failed: {text}")]
pub struct LoadFailed {
    text: Arc<str>,
    retryable: bool,
    cause: Cause,
}

impl LoadFailed {
    pub(super) fn passing(text: &str, cause: Cause) -> Self {
        Self { text: text.into(), retryable: true, cause }
    }

    /// Whether the same question may be answered later.
    pub fn retryable(&self) -> bool {
        self.retryable
    }
}

impl From<pg::Error> for LoadFailed {
    fn from(error: pg::Error) -> Self {
        Self { retryable: error.retryable(), cause: Cause::from(&error), text: error.to_string().into() }
    }
}

impl From<&LoadFailed> for Cause {
    fn from(failed: &LoadFailed) -> Self {
        failed.cause
    }
}
