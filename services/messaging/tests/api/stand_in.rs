//! Settles what stands in for auth where messaging has it contain accounts: each once under each key, with a number that grows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use shared::session::{News, Revocation};
use uuid::Uuid;
use wiremock::matchers::{header_regex, method, path, path_regex};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// What auth knows.
#[derive(Default)]
struct Known {
    /// Key of the command, and what it did.
    contained: BTreeMap<String, (Uuid, i64)>,
    calls: usize,
    /// Of each call that was obeyed.
    incidents: Vec<Option<Uuid>>,
    /// Answers from now on: this status instead of obedience.
    refusal: Option<u16>,
    /// How long the next answer takes, which is done at once.
    late: Option<Duration>,
    /// What is told of revocations.
    revoked: Vec<Revocation>,
}

/// An auth.
pub struct StandIn {
    pub server: MockServer,
    known: Arc<Mutex<Known>>,
}

struct Contain(Arc<Mutex<Known>>);

struct Revocations(Arc<Mutex<Known>>);

impl StandIn {
    pub async fn start() -> Self {
        let server = MockServer::start().await;
        let known = Arc::<Mutex<Known>>::default();
        let revocations = Mock::given(path("/internal/v1/revocations"));
        revocations.respond_with(Revocations(known.clone())).mount(&server).await;
        Mock::given(method(Method::POST))
            .and(path_regex("^/internal/v1/accounts/[0-9a-f-]+/contain$"))
            .and(header_regex("authorization", "^Bearer ey"))
            .respond_with(Contain(known.clone()))
            .mount(&server)
            .await;
        Self { server, known }
    }

    /// Tells of a revocation whoever asks.
    pub fn revoke(&self, revocation: Revocation) {
        self.known.lock().unwrap().revoked.push(revocation);
    }

    /// Who was contained, once for each command.
    pub fn contained(&self) -> Vec<Uuid> {
        let mut people: Vec<Uuid> =
            self.known.lock().unwrap().contained.values().map(|(person, _)| *person).collect();
        people.sort_unstable();
        people
    }

    /// The epoch at which somebody was contained.
    pub fn epoch_of(&self, who: Uuid) -> i64 {
        let known = self.known.lock().unwrap();
        known.contained.values().find(|(person, _)| *person == who).unwrap().1
    }

    /// Which incident each obeyed call named.
    pub fn incidents(&self) -> Vec<Option<Uuid>> {
        self.known.lock().unwrap().incidents.clone()
    }

    /// How often it was asked.
    pub fn calls(&self) -> usize {
        self.known.lock().unwrap().calls
    }

    /// Answers with this status from now on, or does as it is told.
    pub fn refuse(&self, status: Option<u16>) {
        self.known.lock().unwrap().refusal = status;
    }

    /// The next command is done at once and answered much later.
    pub fn answer_late_once(&self) {
        self.known.lock().unwrap().late = Some(Duration::from_mins(1));
    }
}

impl Respond for Revocations {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let after = request.url.query_pairs().find(|(name, _)| name == "after").unwrap().1.parse().unwrap();
        let known = self.0.lock().unwrap();
        let published = known.revoked.last().map_or(0, |last| last.epoch);
        let later = known.revoked.iter().filter(|one| one.epoch > after);
        let news = News { after, upto: published, published, revocations: later.copied().collect() };
        ResponseTemplate::new(200).set_body_json(&news)
    }
}

impl Respond for Contain {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut known = self.0.lock().unwrap();
        known.calls += 1;
        if let Some(status) = known.refusal {
            return ResponseTemplate::new(status);
        }
        let person = request.url.path().split('/').nth(4).unwrap().parse().unwrap();
        let key = request.headers["idempotency-key"].to_str().unwrap().to_owned();
        let body: serde_json::Value = request.body_json().unwrap();
        assert!(body["reason"].is_string() && body["authority"].is_string(), "{body}");
        known.incidents.push(body["incident"].as_str().map(|id| id.parse().unwrap()));
        let next = i64::try_from(known.contained.len()).unwrap() + 1;
        let (_, epoch) = *known.contained.entry(key).or_insert((person, next));
        let answer = ResponseTemplate::new(200).set_body_json(json!({ "epoch": epoch }));
        match known.late.take() {
            Some(delay) => answer.set_delay(delay),
            None => answer,
        }
    }
}
