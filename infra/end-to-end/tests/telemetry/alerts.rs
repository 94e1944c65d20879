//! Settles that the alerts are sound, fire when they should and not otherwise, and are made of figures that the services do tell.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use reqwest::Method;
use serde_json::json;
use shared::testing::{Client, eventually};

use crate::backend::Backend;
use crate::process::Process;
use crate::receiver::Receiver;

/// Labels that Prometheus itself gives.
const OF_PROMETHEUS: [&str; 2] = ["job", "instance"];

/// Figures of one name with the same labels.
struct Series {
    name: String,
    labels: BTreeMap<String, String>,
}

/// What an alert is made of: a name, and what is asked of its labels.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Selector {
    name: String,
    matchers: Vec<(String, String, String)>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../prometheus").canonicalize().unwrap()
}

fn promtool(arguments: &[&str]) {
    let output = Command::new("promtool").args(arguments).current_dir(folder()).output();
    let output = output.unwrap_or_else(|error| panic!("promtool, which `cargo ent test` installs: {error}"));
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{}", said.concat());
}

#[test]
fn the_configuration_and_its_rules_can_be_used() {
    promtool(&["check", "config", "prometheus.yml"]);
}

#[test]
fn each_alert_fires_when_it_should_and_not_otherwise() {
    promtool(&["test", "rules", "alerts_test.yml", "sign_in_slo_test.yml"]);
}

#[test]
fn whoever_is_called_finds_the_page_that_the_alert_names() {
    let rules = rules();
    let named: BTreeSet<&str> =
        rules.split("runbook_url: ").skip(1).filter_map(|rest| rest.lines().next()).collect();
    assert!(named.len() >= 6, "{named:?}");
    for (file, anchor) in named.into_iter().map(|page| page.split_once('#').unwrap()) {
        let text = std::fs::read_to_string(folder().join("../..").join(file)).unwrap();
        let mut headings = text.lines().filter_map(|line| line.strip_prefix("### "));
        assert!(
            headings.any(|heading| heading.to_lowercase().replace(' ', "-") == anchor),
            "{file}#{anchor}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_alerts_are_made_of_is_told_by_a_running_service() {
    let receiver = Receiver::start().await;
    let backend = Backend::start(&receiver.address()).await;
    sign_in(&backend.auth, None, 401).await;
    // Too late before it began: a failure of ours.
    sign_in(&backend.auth, Some(1), 503).await;
    let rules = rules();
    let (selectors, labels) = (selectors(&rules), grouped_by(&rules));
    assert!(selectors.len() >= 7 && labels.contains("mode"), "{selectors:?} {labels:?}");
    eventually(&format!("{selectors:#?} and labels {labels:?} are told"), async || {
        let told = told(&[&backend.auth, &backend.courses, &backend.messaging]).await;
        let is_told = |selector: &Selector| told.iter().any(|series| selector.is_made_of(series));
        let has_label = |label: &String| told.iter().any(|series| series.labels.contains_key(label));
        selectors.iter().all(is_told) && labels.iter().all(has_label)
    })
    .await;
}

async fn sign_in(auth: &Process, timeout_ms: Option<u64>, expected: u16) {
    let client = Client::new(auth.public);
    let request = client.request(Method::POST, "/auth/v1/sessions");
    let request = timeout_ms.into_iter().fold(request, |request, ms| request.header("x-ent-timeout-ms", ms));
    let body = json!({ "login": "nobody", "password": "nothing" });
    client.send(request.json(&body)).await.expect(expected);
}

/// All rules without their comments.
fn rules() -> String {
    let text = std::fs::read_to_string(folder().join("alerts.yml")).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    lines.join("\n")
}

/// Every figure that rules name and do not make themselves.
fn selectors(rules: &str) -> BTreeSet<Selector> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let mut found = BTreeSet::new();
    let mut rest = rules;
    while let Some(start) = rest.find(is_of_name) {
        rest = &rest[start..];
        let (name, after) = rest.split_at(rest.find(|c| !is_of_name(c)).unwrap_or(rest.len()));
        let matchers =
            after.strip_prefix('{').and_then(|inner| inner.split_once('}')).map_or("", |(inner, _)| inner);
        if name.starts_with("ent_") || name.starts_with("http_server_") {
            found.insert(Selector { name: name.to_owned(), matchers: matchers_in(matchers) });
        }
        rest =
            after.strip_prefix('{').and_then(|inner| inner.split_once('}')).map_or(after, |(_, after)| after);
    }
    found
}

/// (label, operator, value) of each.
fn matchers_in(text: &str) -> Vec<(String, String, String)> {
    let matcher = |text: &str| {
        let (left, value) = text.split_once('"').unwrap();
        let label = left.trim_end_matches(['=', '!', '~']);
        (label.to_owned(), left[label.len()..].to_owned(), value.trim_end_matches('"').to_owned())
    };
    text.split(',').filter(|text| !text.is_empty()).map(matcher).collect()
}

/// Labels that alerts are told apart by.
fn grouped_by(rules: &str) -> BTreeSet<String> {
    let groups = rules.split(" by (").skip(1).filter_map(|rest| rest.split_once(')'));
    let labels = groups.flat_map(|(labels, _)| labels.split(',')).map(|label| label.trim().to_owned());
    labels.filter(|label| !OF_PROMETHEUS.contains(&label.as_str())).collect()
}

impl Selector {
    /// Whether a series has the name and every label that is asked for, with the value where that is given exactly.
    fn is_made_of(&self, series: &Series) -> bool {
        let fits = |(label, operator, value): &(String, String, String)| {
            let told = series.labels.get(label);
            if operator == "=" { told == Some(value) } else { told.is_some() }
        };
        self.name == series.name && self.matchers.iter().all(fits)
    }
}

/// Everything that these services tell.
async fn told(processes: &[&Process]) -> Vec<Series> {
    let mut series = Vec::new();
    for process in processes {
        let request = Client::new(process.internal).request(Method::GET, "/metrics");
        let text = request.send().await.unwrap().text().await.unwrap();
        series.extend(text.lines().filter_map(read));
    }
    series
}

/// `name{label="value",…} 1`; no label of ours has a quotation mark or a comma in it.
fn read(line: &str) -> Option<Series> {
    let (name, rest) = line.split_once('{').filter(|_| !line.starts_with('#'))?;
    let (labels, _) = rest.rsplit_once('}')?;
    let labels = matchers_in(labels).into_iter().map(|(label, _, value)| (label, value)).collect();
    Some(Series { name: name.to_owned(), labels })
}
