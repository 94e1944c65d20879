//! Settles when every service has learned what the others published.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::Instance;
use crate::clock;
use crate::context::{Context, Progress};

/// How long one `/statusz` may take.
const LIMIT: Duration = Duration::from_secs(2);

/// How long all projections have to be level before that is believed: a service hears of new changes at least once a
/// second, and until then its own figures are level with old ones.
const LEVEL_FOR: Duration = Duration::from_millis(1500);

#[derive(Deserialize)]
struct Status {
    projections: BTreeMap<String, Projection>,
}

#[derive(Deserialize)]
struct Projection {
    applied: u64,
    published: u64,
    lag: u64,
    #[serde(default)]
    failing: bool,
}

/// How long the services may take to learn from each other; a freshly loaded large region has some 400,000 changes.
const LEARN_LIMIT: Duration = Duration::from_mins(5);

/// Returns when courses and messaging have applied all changes; tells `say` what it waits for.
pub(crate) fn wait_for_projections(context: &Context, mut say: impl FnMut(&str) -> Result<()>) -> Result<()> {
    let mut watch = ProjectionWatch::default();
    context.wait_for("the services to learn from each other", LEARN_LIMIT, || {
        let progress = watch.look(context);
        if let Progress::Waiting(reason) = &progress {
            say(reason)?;
        }
        Ok(progress)
    })
}

/// Watches courses and messaging until both have applied all changes.
#[derive(Default)]
struct ProjectionWatch {
    level_since: Option<Instant>,
}

impl ProjectionWatch {
    /// Whether they have; else how far the first one that is behind is.
    fn look(&mut self, context: &Context) -> Progress {
        if let Some(reason) = first_behind(context) {
            self.level_since = None;
            return Progress::Waiting(reason);
        }
        if self.level_since.get_or_insert_with(clock::now).elapsed() < LEVEL_FOR {
            return Progress::Waiting("level; looking whether more comes".to_owned());
        }
        Progress::Reached
    }
}

fn first_behind(context: &Context) -> Option<String> {
    ["courses", "messaging"].into_iter().find_map(|service| {
        match read(context, &Instance { service, number: 1 }) {
            Ok(status) => describe_lag(service, &status),
            Err(error) => Some(format!("{error:#}")),
        }
    })
}

fn describe_lag(service: &str, status: &Status) -> Option<String> {
    // Demo data always publish something: nothing published means that nobody has asked yet.
    let is_behind =
        |projection: &Projection| projection.lag > 0 || projection.failing || projection.published == 0;
    let (source, projection) = status.projections.iter().find(|(_, projection)| is_behind(projection))?;
    let (applied, published) = (projection.applied, projection.published);
    let trouble = if projection.failing { " and fails (see its log)" } else { "" };
    Some(format!("{service} has applied {applied} of {published} changes of {source}{trouble}"))
}

fn read(context: &Context, instance: &Instance) -> Result<Status> {
    let url = format!("http://{}/statusz", context.topology.internal_host(instance));
    context.block_on(&url, LIMIT, async {
        let answer = context.http.get(&url).send().await?.error_for_status()?;
        let text = answer.text().await?;
        serde_json::from_str(&text).with_context(|| format!("{url} says nothing about projections"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_projection_behind_is_named() {
        let text = r#"{"instance":"messaging-1","projections":{
            "auth":{"applied":7,"published":7,"lag":0},"courses":{"applied":2,"published":9,"lag":7}}}"#;
        let status: Status = serde_json::from_str(text).unwrap();
        let said = describe_lag("messaging", &status).unwrap();
        assert_eq!(said, "messaging has applied 2 of 9 changes of courses");
    }

    #[test]
    fn a_service_that_has_not_asked_yet_or_fails_is_behind() {
        for text in [
            r#"{"projections":{"auth":{"applied":0,"published":0,"lag":0}}}"#,
            r#"{"projections":{"auth":{"applied":7,"published":7,"lag":0,"failing":true}}}"#,
        ] {
            let status: Status = serde_json::from_str(text).unwrap();
            assert!(describe_lag("courses", &status).is_some(), "{text}");
        }
    }
}
