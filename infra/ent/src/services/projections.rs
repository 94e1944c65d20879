//! Settles when every service has learned what the others published.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::Instance;
use crate::context::{Context, Progress};

/// How long one `/statusz` may take.
const LIMIT: Duration = Duration::from_secs(2);

#[derive(Deserialize)]
struct Status {
    projections: BTreeMap<String, Projection>,
}

#[derive(Deserialize)]
struct Projection {
    applied: u64,
    published: u64,
    lag: u64,
}

/// Whether courses and messaging have applied all changes; else how far the slowest is.
pub(crate) fn lag(context: &Context) -> Progress {
    for service in ["courses", "messaging"] {
        let status = match read(context, &Instance { service, number: 1 }) {
            Ok(status) => status,
            Err(error) => return Progress::Waiting(format!("{error:#}")),
        };
        if let Some(behind) = describe_lag(service, &status) {
            return Progress::Waiting(behind);
        }
    }
    Progress::Reached
}

fn describe_lag(service: &str, status: &Status) -> Option<String> {
    let (source, projection) = status.projections.iter().find(|(_, projection)| projection.lag > 0)?;
    let (applied, published) = (projection.applied, projection.published);
    Some(format!("{service} has applied {applied} of {published} changes of {source}"))
}

fn read(context: &Context, instance: &Instance) -> Result<Status> {
    let url = format!("http://{}/statusz", instance.internal_address());
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
}
