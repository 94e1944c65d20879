//! Settles that a sibling which is away costs its callers little, and is found again when it is back.

use std::sync::Arc;

use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::ablation::Ablation;
use crate::clock::system_clock;
use crate::config::Profile;
use crate::resilience::breaker::State;
use crate::testing::{ManualClock, TestKeys};

/// A sibling at these addresses, and the breakers of whoever asks it.
fn sibling(addresses: &[&str], clock: SharedClock, ablation: Ablation) -> Sibling {
    let keys = TestKeys::generate();
    let config = serde_json::from_value(keys.identity("courses")).unwrap();
    let identity = Identity::open(&config, "courses", Profile::Test, system_clock()).unwrap();
    let addresses: Vec<Url> = addresses.iter().map(|address| address.parse().unwrap()).collect();
    Sibling::new("auth", &addresses, identity, Handle::current(), &Registry::new(clock, ablation)).unwrap()
}

async fn answer_with(server: &MockServer, status: u16) {
    server.reset().await;
    let answer = ResponseTemplate::new(status).set_body_json(json!({}));
    Mock::given(any()).respond_with(answer).mount(server).await;
}

async fn ask(sibling: &Sibling, clock: &SharedClock) -> Result<Value, Error> {
    sibling.get(&Context::background(clock.clone(), Duration::from_secs(5)), "/anything").await
}

/// An address that nobody listens on.
fn nowhere() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn a_sibling_that_fails_is_left_alone_until_it_may_be_back() {
    let (server, time) = (MockServer::start().await, ManualClock::default());
    let clock: SharedClock = Arc::new(time.clone());
    let sibling = sibling(&[&server.uri()], clock.clone(), Ablation::default());
    answer_with(&server, 500).await;
    for _ in 0..20 {
        assert!(matches!(ask(&sibling, &clock).await, Err(Error::Refused(..))));
    }
    let Err(Error::Open("auth", retry_after)) = ask(&sibling, &clock).await else { panic!("not open") };
    assert_eq!(server.received_requests().await.unwrap().len(), 20);
    answer_with(&server, 200).await;
    time.advance(retry_after);
    for _ in 0..3 {
        ask(&sibling, &clock).await.unwrap();
    }
    assert_eq!(sibling.0.breaker.state(), State::Closed);
}

#[tokio::test]
async fn without_breakers_a_sibling_that_fails_is_asked_for_ever() {
    let (server, clock) = (MockServer::start().await, system_clock());
    let ablation = Ablation::default().without(Part::Breakers);
    let sibling = sibling(&[&server.uri()], clock.clone(), ablation);
    answer_with(&server, 500).await;
    for _ in 0..40 {
        assert!(matches!(ask(&sibling, &clock).await, Err(Error::Refused(..))));
    }
}

#[tokio::test]
async fn a_sibling_with_too_much_to_do_is_neither_asked_again_nor_given_up() {
    let (server, clock) = (MockServer::start().await, system_clock());
    let sibling = sibling(&[&server.uri(), &server.uri()], clock.clone(), Ablation::default());
    answer_with(&server, 503).await;
    for _ in 0..40 {
        assert!(matches!(ask(&sibling, &clock).await, Err(Error::Refused(..))));
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 40);
    assert_eq!(sibling.0.breaker.state(), State::Closed);
}

#[tokio::test]
async fn an_instance_that_takes_no_connection_is_replaced_by_another() {
    let (server, time) = (MockServer::start().await, ManualClock::default());
    let clock: SharedClock = Arc::new(time.clone());
    let sibling = sibling(&[&nowhere(), &server.uri()], clock.clone(), Ablation::default());
    answer_with(&server, 200).await;
    let before = sibling.0.retries.left();
    for _ in 0..40 {
        ask(&sibling, &clock).await.unwrap();
    }
    assert!(before - sibling.0.retries.left() <= 1, "it came last after the first refusal");
    assert_eq!(sibling.0.breaker.state(), State::Closed);
}

#[tokio::test]
async fn retries_of_refused_connections_end_with_their_budget() {
    let time = ManualClock::default();
    let clock: SharedClock = Arc::new(time.clone());
    let ablation = Ablation::default().without(Part::Breakers);
    let sibling = sibling(&[&nowhere(), &nowhere()], clock.clone(), ablation);
    for _ in 0..40 {
        assert!(matches!(ask(&sibling, &clock).await, Err(Error::NotTaken(..))));
    }
    // 20 saved up, 4 earned by 40 calls.
    assert_eq!(sibling.0.retries.left(), 0);
}

#[tokio::test]
async fn without_retry_budgets_every_refused_connection_is_retried() {
    let time = ManualClock::default();
    let clock: SharedClock = Arc::new(time.clone());
    let ablation = Ablation::default().without(Part::Breakers).without(Part::RetryBudgets);
    let sibling = sibling(&[&nowhere(), &nowhere()], clock.clone(), ablation);
    for _ in 0..40 {
        assert!(matches!(ask(&sibling, &clock).await, Err(Error::NotTaken(..))));
    }
    assert!(sibling.0.retries.try_withdraw(Failed::NotTaken), "40 retries later there is one more");
}

/// So many callers of a sibling that takes connections and answers nothing.
fn callers(sibling: &Sibling, count: usize) -> Vec<AbortOnDropHandle<Result<Value, Error>>> {
    let call = || {
        let (sibling, clock) = (sibling.clone(), system_clock());
        AbortOnDropHandle::new(Handle::current().spawn(async move { ask(&sibling, &clock).await }))
    };
    (0..count).map(|_| call()).collect()
}

#[tokio::test]
async fn without_bulkheads_a_sibling_that_hangs_holds_up_everybody() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let ablation = Ablation::default().without(Part::Bulkheads);
    let sibling = sibling(&[&address], system_clock(), ablation);
    let _held = callers(&sibling, 2 * IN_FLIGHT);
    let is_held = async || sibling.0.bulkhead.usage().0 == 2 * IN_FLIGHT;
    crate::testing::eventually("all of them are held", is_held).await;
}

#[tokio::test]
async fn a_sibling_that_hangs_holds_up_no_more_callers_than_it_has_places() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let clock = system_clock();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let sibling = sibling(&[&address], clock.clone(), Ablation::default());
    let held = callers(&sibling, IN_FLIGHT);
    crate::testing::eventually("all places are taken", async || sibling.0.bulkhead.usage().0 == IN_FLIGHT)
        .await;
    let begin = clock.now();
    assert!(matches!(ask(&sibling, &clock).await, Err(Error::Crowded("auth"))));
    assert!(clock.now() - begin < Duration::from_secs(1));
    drop(held);
    crate::testing::eventually("they came back", async || sibling.0.bulkhead.usage() == (0, 0)).await;
}

#[tokio::test]
async fn a_command_carries_its_key_its_body_and_whose_it_is() {
    let (server, clock) = (MockServer::start().await, system_clock());
    // The first instance takes no connection: the second one is told the same.
    let sibling = sibling(&[&nowhere(), &server.uri()], clock.clone(), Ablation::default());
    answer_with(&server, 200).await;
    let context = Context::background(clock, Duration::from_secs(5));
    let _: Value = sibling.command(&context, "/do", "k-1", &json!({ "reason": "R" })).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let [request] = requests.as_slice() else { panic!("once: {requests:?}") };
    assert_eq!((request.method.as_str(), request.url.path()), ("POST", "/do"));
    assert_eq!(request.headers["idempotency-key"], "k-1");
    assert_eq!(request.headers["content-type"], "application/json");
    assert!(request.headers["authorization"].to_str().unwrap().starts_with("Bearer ey"));
    assert_eq!(request.body_json::<Value>().unwrap(), json!({ "reason": "R" }));
}

#[tokio::test]
async fn a_childs_deadline_is_never_later_than_its_parents() {
    let (server, time) = (MockServer::start().await, ManualClock::default());
    let clock: SharedClock = Arc::new(time.clone());
    let sibling = sibling(&[&server.uri()], clock.clone(), Ablation::default());
    answer_with(&server, 200).await;
    // The child counts what it is told from its arrival, which is no earlier than the sending.
    for (limit_us, passed_us) in [(5_000_000, 0), (5_000_000, 4_321_987), (1_000_999, 100), (700_000, 65_001)]
    {
        let parent = Context::background(clock.clone(), Duration::from_micros(limit_us));
        time.advance(Duration::from_micros(passed_us));
        let _: Value = sibling.get(&parent, "/").await.unwrap();
        let requests = server.received_requests().await.unwrap();
        let told = requests.last().unwrap().headers[TIMEOUT_HEADER].to_str().unwrap();
        let left = parent.remaining().unwrap();
        assert_eq!(told.parse(), Ok(left.as_millis()), "whole milliseconds, never rounded up: {left:?}");
    }
}

#[tokio::test]
async fn what_is_waited_for_is_known_of_whoever_waits() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let clock = system_clock();
    let sibling = sibling(&[&address], clock.clone(), Ablation::default());
    let context = Context::background(clock.clone(), Duration::from_millis(100));
    assert!(matches!(sibling.get::<Value>(&context, "/").await, Err(Error::Deadline)));
    let longest = context.waits().longest(clock.now());
    assert_eq!(longest.map(|(cause, _)| cause), Some(Cause::DependencySlow("auth")));
}

#[tokio::test]
async fn what_is_said_of_a_failure_names_nobody() {
    let (clock, nowhere) = (system_clock(), nowhere());
    let hanging = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let hanging = format!("http://{}", hanging.local_addr().unwrap());
    for address in [nowhere.as_str(), hanging.as_str(), "http://127.0.0.1:1/%"] {
        let sibling = sibling(&[address], clock.clone(), Ablation::default());
        let context = Context::background(clock.clone(), Duration::from_millis(200));
        let asked = sibling.get::<Value>(&context, "/internal/v1/security-events?people=camille").await;
        let said = format!("{0} {0:?}", asked.unwrap_err());
        assert!(!said.contains("camille"), "{said}");
    }
}
