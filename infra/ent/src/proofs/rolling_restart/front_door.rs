//! Settles how often the front door met an instance that was gone, or that broke off what it had accepted, by its own counts.

use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::context::Context;
use crate::ports;

const LIMIT: Duration = Duration::from_secs(3);

/// Requests that it sent once more, or to another instance than it had chosen (some are both); and answers that an instance broke off.
const TRIED_AGAIN: [&str; 2] =
    ["haproxy_backend_retry_warnings_total", "haproxy_backend_redispatch_warnings_total"];
const BROKEN_OFF: [&str; 1] = ["haproxy_backend_response_errors_total"];

/// Counts since the front door began. None of these is seen by a client whose request is repeated for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Troubles {
    pub(super) tried_again: f64,
    pub(super) broken_off: f64,
}

impl Troubles {
    /// Until now.
    pub(super) fn of(context: &Context) -> Result<Self> {
        let url = format!("http://127.0.0.1:{}/metrics?scope=backend", ports::FRONT_DOOR_FIGURES);
        let text = context.block_on("the front door's counts", LIMIT, async {
            Ok(context.http.get(&url).send().await?.error_for_status()?.text().await?)
        })?;
        Self::parse(&text)
    }

    /// From then on.
    pub(super) fn since(&self, before: &Self) -> Self {
        Self {
            tried_again: self.tried_again - before.tried_again,
            broken_off: self.broken_off - before.broken_off,
        }
    }

    fn parse(text: &str) -> Result<Self> {
        let sum = |names: &[&str]| names.iter().map(|name| total(text, name)).sum::<Result<f64>>();
        Ok(Self { tried_again: sum(&TRIED_AGAIN)?, broken_off: sum(&BROKEN_OFF)? })
    }
}

/// Of all services.
fn total(text: &str, name: &str) -> Result<f64> {
    let values: Vec<f64> = text
        .lines()
        .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('{')))
        .filter_map(|line| line.rsplit(' ').next()?.parse().ok())
        .collect();
    values.first().with_context(|| format!("the front door does not count {name}"))?;
    Ok(values.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# TYPE haproxy_backend_retry_warnings_total counter
haproxy_backend_retry_warnings_total{proxy=\"auth\"} 2
haproxy_backend_retry_warnings_total{proxy=\"messaging\"} 1
haproxy_backend_redispatch_warnings_total{proxy=\"auth\"} 4
haproxy_backend_response_errors_total{proxy=\"auth\"} 5
haproxy_backend_response_errors_total{proxy=\"courses\"} 0
";

    #[test]
    fn counts_of_all_services_are_added_up() {
        let now = Troubles::parse(TEXT).unwrap();
        assert_eq!((now.tried_again, now.broken_off), (7.0, 5.0));
        let before = Troubles { tried_again: 3.0, broken_off: 5.0 };
        assert_eq!(now.since(&before), Troubles { tried_again: 4.0, broken_off: 0.0 });
    }

    #[test]
    fn what_is_not_counted_is_not_zero() {
        let without = TEXT.replace("redispatch", "other");
        assert!(Troubles::parse(&without).unwrap_err().to_string().contains("redispatch"));
    }
}
