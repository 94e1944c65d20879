//! Settles that one request of a person through two services is one trace, from the front door's log line to the last span.

use std::collections::BTreeSet;
use std::time::Duration;

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::{Value, json};
use shared::session::Role;
use uuid::Uuid;

use crate::backend::{Backend, PRINCIPAL, PUPIL, SCHOOL};
use crate::front_door::FrontDoor;
use crate::process::Process;
use crate::receiver::{Receiver, Span};

/// Longer than a service with nothing to do needs to drain and to flush.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// The head of the school, who has just given a one-time code, has an incident shown: for that messaging asks auth twice.
async fn show_an_incident(backend: &Backend, door: &FrontDoor) -> String {
    let token = backend.keys.proved_token(PRINCIPAL, &[(SCHOOL, Role::Principal)]);
    let incidents = format!("/messaging/v1/schools/{SCHOOL}/incidents");
    let new = json!({
        "kind": "hijacked_accounts", "title": "Menaces par messagerie", "accounts": [PUPIL],
        "starts_at": "2026-01-01T00:00:00Z", "authority": "Police nationale",
    });
    let (status, opened) = door.post(&token, &incidents, &new).await;
    assert_eq!(status, 201, "{opened}");
    let incident = opened["id"].as_str().unwrap().to_owned();
    let asked = json!({ "authority": "Police nationale" });
    let (status, shown) = door.post(&token, &format!("{incidents}/{incident}/timeline"), &asked).await;
    assert_eq!((status, &shown["missing"]), (200, &json!([])), "{shown}");
    incident
}

/// All services end as they should and send what they still have.
fn stop(backend: &mut Backend) {
    for process in backend.processes() {
        let (status, took) = process.stop();
        assert!(status.success() && took < STOP_LIMIT, "{status} after {took:?}: {:?}", process.lines());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_is_one_trace_from_the_front_doors_log_line_to_the_last_span() {
    let receiver = Receiver::start().await;
    let mut backend = Backend::start(&receiver.address()).await;
    let instances =
        [("auth", &backend.auth), ("courses", &backend.courses), ("messaging", &backend.messaging)];
    let door = FrontDoor::start(&instances.map(|(name, process)| (name, process.public))).await;
    let incident = show_an_incident(&backend, &door).await;
    stop(&mut backend);
    let lines = door.lines();
    let line = lines.iter().find(|line| line["status"] == 200).unwrap();
    let [trace_id, front_door] = ["trace_id", "span_id"].map(|name| line[name].as_str().unwrap());
    let spans = receiver.spans().await;
    let trace: Vec<&Span> = spans.iter().filter(|span| span.trace_id == trace_id).collect();
    is_complete(&trace, front_door);
    is_the_way_of_the_request(&trace, front_door);
    for (service, process, routes) in [
        ("messaging", &backend.messaging, vec!["/messaging/v1/schools/{school_id}/incidents/{id}/timeline"]),
        (
            "auth",
            &backend.auth,
            vec!["/internal/v1/incidents/{incident_id}/acts", "/internal/v1/security-events"],
        ),
    ] {
        assert_eq!(logged(process, trace_id), routes, "{service}");
    }
    let sent = receiver.lines().await;
    let told: BTreeSet<&str> =
        sent.iter().filter(|line| line.trace_id == trace_id).map(|line| line.service.as_str()).collect();
    assert_eq!(
        told,
        BTreeSet::from(["auth", "messaging"]),
        "log lines that are sent belong to the trace too"
    );
    let said = sent.into_iter().filter(|line| !line.trace_id.is_empty()).map(|line| line.text);
    names_nobody(&spans, said, &[SCHOOL, PUPIL, PRINCIPAL, incident.parse().unwrap()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_services_ask_each_other_of_themselves_are_whole_traces_too_and_probes_are_none() {
    let receiver = Receiver::start().await;
    let mut backend = Backend::start(&receiver.address()).await;
    stop(&mut backend);
    let spans = receiver.spans().await;
    let of_auth: Vec<&Span> = spans.iter().filter(|span| span.service == "auth").collect();
    assert!(!of_auth.is_empty(), "the others have asked for keys and changes");
    for span in of_auth {
        let parent = spans.iter().find(|other| other.trace_id == span.trace_id && other.id == span.parent);
        assert!(
            parent.is_some_and(|parent| parent.service != "auth" && parent.parent.is_empty()),
            "{span:?}"
        );
    }
    let probes: Vec<&Span> = spans.iter().filter(|span| span.name.ends_with("yz")).collect();
    assert!(probes.is_empty(), "{probes:?}");
}

/// Nothing of it is missing: each span hangs below another one, or below the front door.
fn is_complete(trace: &[&Span], front_door: &str) {
    let ids: BTreeSet<&str> = trace.iter().map(|span| span.id.as_str()).chain([front_door]).collect();
    assert_eq!(ids.len(), trace.len() + 1, "each span has an id of its own: {trace:#?}");
    assert!(trace.iter().all(|span| ids.contains(span.parent.as_str())), "below {front_door}: {trace:#?}");
}

fn is_the_way_of_the_request(trace: &[&Span], front_door: &str) {
    let below = |parent: &str| trace.iter().filter(|span| span.parent == parent).copied().collect::<Vec<_>>();
    let kind = |span: &Span| (span.service.clone(), span.kind, span.name.clone());
    let told = |span: &Span| (span.attribute("http.response.status_code").to_owned(), span.is_error);
    let good = ("200".to_owned(), false);
    let [asked] = below(front_door)[..] else { panic!("one below {front_door}: {trace:#?}") };
    let name = "POST /messaging/v1/schools/{school_id}/incidents/{id}/timeline";
    assert_eq!(kind(asked), ("messaging".to_owned(), SpanKind::Server, name.to_owned()));
    assert_eq!(told(asked), good);
    let calls = below(&asked.id);
    let mut answers = Vec::new();
    for call in &calls {
        assert_eq!(kind(call), ("messaging".to_owned(), SpanKind::Client, "GET auth".to_owned()));
        assert_eq!((told(call), call.attribute("peer.service")), (good.clone(), "auth"));
        let [answer] = below(&call.id)[..] else { panic!("one below {call:?}: {trace:#?}") };
        assert_eq!(
            (answer.service.as_str(), answer.kind, told(answer)),
            ("auth", SpanKind::Server, good.clone())
        );
        assert!(asked.took_ns >= call.took_ns && call.took_ns >= answer.took_ns, "{trace:#?}");
        answers.push(answer.name.as_str());
    }
    answers.sort_unstable();
    assert_eq!(
        answers,
        ["GET /internal/v1/incidents/{incident_id}/acts", "GET /internal/v1/security-events"]
    );
    assert_eq!(trace.len(), 1 + calls.len() + answers.len());
}

/// The routes of the request lines under this trace, in their order.
fn logged(process: &Process, trace_id: &str) -> Vec<String> {
    let lines = process.lines();
    let lines = lines.iter().filter(|line| line["target"] == "request" && line["trace_id"] == trace_id);
    lines.map(|line: &Value| line["route"].as_str().unwrap().to_owned()).collect()
}

/// Traces may leave the installation: they say nothing of people, of what they asked for, nor of where they are.
fn names_nobody(spans: &[Span], lines: impl Iterator<Item = String>, ids: &[Uuid]) {
    let known =
        ["http.request.method", "http.response.status_code", "http.route", "peer.service", "trace_id"];
    let mut said: Vec<String> = lines.collect();
    for span in spans {
        let is_known = |(key, _): &(String, String)| known.contains(&key.as_str());
        assert!(span.attributes.iter().all(is_known), "{span:?}");
        said.push(format!("{} {:?} {:?}", span.name, span.attributes, span.events));
    }
    for said in said {
        let names = |id: &Uuid| said.contains(&id.to_string()) || said.contains(&id.simple().to_string());
        let is_personal = ids.iter().any(names) || said.contains('?') || said.contains("127.0.0.1");
        assert!(!is_personal, "{said}");
    }
}
