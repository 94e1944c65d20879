//! Settles which exit code a failure ends with, and how it is told.

use std::fmt;
use std::process::ExitCode;

/// Something failed and the message says what.
pub(crate) const FAILED: u8 = 1;
/// The command needs a running backend, and none runs.
pub(crate) const NOT_RUNNING: u8 = 3;
/// Ctrl-C or SIGTERM ended the command.
pub(crate) const INTERRUPTED: u8 = 130;

/// A failure that ends with another code than 1.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// A failure with exit code 3: the backend has to run first.
pub(crate) fn not_running() -> anyhow::Error {
    let message = "the backend is not running; start it with `cargo ent up`".to_owned();
    Failure { code: NOT_RUNNING, message }.into()
}

/// A failure with exit code 130: somebody asked to stop.
pub(crate) fn interrupted() -> anyhow::Error {
    Failure { code: INTERRUPTED, message: "interrupted".to_owned() }.into()
}

/// Whether the failure is that somebody asked to stop.
pub(crate) fn is_interruption(error: &anyhow::Error) -> bool {
    code_of(error) == INTERRUPTED
}

/// The exit code a failure ends with.
pub(crate) fn code_of(error: &anyhow::Error) -> u8 {
    error.chain().find_map(|cause| cause.downcast_ref::<Failure>()).map_or(FAILED, |failure| failure.code)
}

/// Tells the failure on standard error and returns its exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::from(code_of(error))
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn a_code_survives_added_context() {
        let error = Err::<(), _>(not_running()).context("cannot start").unwrap_err();
        assert_eq!(code_of(&error), NOT_RUNNING);
        assert!(format!("{error:#}").starts_with("cannot start: the backend is not running"));
    }

    #[test]
    fn any_other_failure_is_1() {
        assert_eq!(code_of(&anyhow::anyhow!("broken")), FAILED);
    }
}
