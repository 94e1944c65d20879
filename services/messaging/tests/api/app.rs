//! Settles what each test stands on: a running messaging that knows one school, and no auth and no courses anywhere.

use std::sync::Arc;
use std::time::Duration;

use messaging::Messaging;
use serde_json::{Value, json};
use shared::ablation::{Ablation, Part};
use shared::clock::{SharedClock, system_clock};
use shared::service::{Config, Service};
use shared::session::{Claims, News, Role};
use shared::testing::{Answer, Client, ManualClock, Running, TestDatabase, TestKeys, eventually};
use uuid::Uuid;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

/// Where no sibling is.
pub const NOWHERE: &str = "http://127.0.0.1:9";
/// The school of these tests.
pub const SCHOOL: Uuid = Uuid::from_u128(0xa1);
/// The school next door.
pub const OTHER_SCHOOL: Uuid = Uuid::from_u128(0xa2);
/// 3eA: pupils 1 and 2, teacher 4; guardian 3 of pupil 1.
pub const CLASS: Uuid = Uuid::from_u128(0xb1);
/// 3eB: pupil 8.
pub const OTHER_CLASS: Uuid = Uuid::from_u128(0xb2);

/// A person of these tests, as their token describes them.
#[derive(Debug, Clone, Copy)]
pub struct Who(pub u128, pub Uuid, pub Role);

impl Who {
    pub const PUPIL: Self = Self(1, SCHOOL, Role::Student);
    pub const CLASSMATE: Self = Self(2, SCHOOL, Role::Student);
    pub const GUARDIAN: Self = Self(3, SCHOOL, Role::Guardian);
    pub const TEACHER: Self = Self(4, SCHOOL, Role::Teacher);
    pub const PRINCIPAL: Self = Self(6, SCHOOL, Role::Principal);
    pub const STRANGER: Self = Self(7, OTHER_SCHOOL, Role::Principal);
    pub const OTHER_PUPIL: Self = Self(8, SCHOOL, Role::Student);
    pub const ADMIN: Self = Self(21, SCHOOL, Role::LocalAdmin);

    pub fn id(self) -> Uuid {
        Uuid::from_u128(self.0)
    }
}

/// A running messaging, its keys and its database.
pub struct App {
    pub messaging: Running<Messaging>,
    pub keys: TestKeys,
    pub database: TestDatabase,
    pub config: Config<messaging::Config>,
    pub clock: SharedClock,
    /// Says that nothing was revoked, and nothing else.
    pub auth: MockServer,
}

impl App {
    /// With the school's people.
    pub async fn start() -> Self {
        Self::start_on(TestDatabase::create("messaging", Messaging::migrations).await).await
    }

    /// The same in a time that the test moves.
    pub async fn start_at(clock: &ManualClock) -> Self {
        let database = TestDatabase::create("messaging", Messaging::migrations).await;
        Self::start_with(database, Arc::new(clock.clone())).await
    }

    /// The same on a database that the test has made.
    pub async fn start_on(database: TestDatabase) -> Self {
        Self::start_with(database, system_clock()).await
    }

    async fn start_with(database: TestDatabase, clock: SharedClock) -> Self {
        database.connect().await.batch_execute(include_str!("school.sql")).await.expect("a school");
        let auth = auth().await;
        let address = auth.uri();
        Self::run(database, clock, auth, (&address, NOWHERE))
    }

    /// With the school's people, beside an auth at this address, and with other things changed in the configuration.
    pub async fn start_changed(auth: &str, change: impl FnOnce(&mut Config<messaging::Config>)) -> Self {
        let database = TestDatabase::create("messaging", Messaging::migrations).await;
        database.connect().await.batch_execute(include_str!("school.sql")).await.expect("a school");
        let keys = TestKeys::generate();
        let mut config = config(&database, &keys, auth, NOWHERE);
        change(&mut config);
        let (clock, auth) = (system_clock(), MockServer::start().await);
        let messaging = Running::start(config.clone(), clock.clone());
        Self { messaging, keys, database, config, clock, auth }
    }

    /// Without anybody, beside siblings at these addresses.
    pub async fn start_beside(auth: &str, courses: &str) -> Self {
        let database = TestDatabase::create("messaging", Messaging::migrations).await;
        Self::run(database, system_clock(), MockServer::start().await, (auth, courses))
    }

    fn run(
        database: TestDatabase,
        clock: SharedClock,
        auth: MockServer,
        (beside_auth, beside_courses): (&str, &str),
    ) -> Self {
        let keys = TestKeys::generate();
        let config = config(&database, &keys, beside_auth, beside_courses);
        let messaging = Running::start(config.clone(), clock.clone());
        Self { messaging, keys, database, config, clock, auth }
    }

    /// The same without a part, where a test is about another one.
    pub fn without(self, part: Part) -> Self {
        let mut config = self.config.clone();
        config.ablate = Ablation::default().without(part);
        let messaging = Running::start(config.clone(), self.clock.clone());
        Self { messaging, config, ..self }
    }

    /// Lets time pass, and waits until messaging has heard of auth since.
    pub async fn pass(&self, clock: &ManualClock, time: Duration) {
        clock.advance(time);
        eventually("auth is heard", async || {
            let status = self.messaging.internal_client().get("/statusz").await.body;
            status["revocations"]["lag_ms"].as_u64().is_some_and(|lag_ms| lag_ms < 1_000)
        })
        .await;
    }

    /// The browser of a signed-in person, on a device that they have long had.
    pub fn browser(&self, who: Who) -> Client {
        self.browser_with(&[who], |_| {})
    }

    /// The same of somebody who has just given a one-time code.
    pub fn proved(&self, who: Who) -> Client {
        self.browser_with(&[who], |claims| claims.amr.push("otp".to_owned()))
    }

    /// The browser of the first of these, who has the roles of all of them, with other things changed in the token.
    pub fn browser_with(&self, roles: &[Who], change: impl FnOnce(&mut Claims)) -> Client {
        self.messaging.client().with_token(self.token(roles, change))
    }

    /// The token of that browser, for another instance.
    pub fn token(&self, roles: &[Who], change: impl FnOnce(&mut Claims)) -> String {
        let memberships: Vec<_> = roles.iter().map(|who| (who.1, who.2)).collect();
        self.keys.token_with(&*self.clock, roles[0].id(), &memberships, change)
    }

    /// Sends as a person.
    pub async fn send(&self, who: Who, body: Value) -> Answer {
        self.browser(who).post("/messaging/v1/messages", &body).await
    }

    /// How many entries of the audit log say this.
    pub async fn kept(&self, act: &str) -> i64 {
        let sql = "select count(*) from audit_leaf where content::json->>'act' = $1";
        self.database.connect().await.query_one(sql, &[&act]).await.expect("a count").get(0)
    }

    /// A person's inbox.
    pub async fn inbox(&self, who: Who) -> Vec<Value> {
        let answer = self.browser(who).get("/messaging/v1/inbox").await.expect(200);
        answer.body["messages"].as_array().unwrap().clone()
    }

    /// A person's unread count.
    pub async fn unread(&self, who: Who) -> i64 {
        self.browser(who).get("/messaging/v1/home").await.expect(200).body["unread_count"].as_i64().unwrap()
    }
}

/// An auth that has revoked nothing.
async fn auth() -> MockServer {
    let auth = MockServer::start().await;
    let nothing = News { after: 0, upto: 0, published: 0, revocations: vec![] };
    let answer = ResponseTemplate::new(200).set_body_json(&nothing);
    Mock::given(path("/internal/v1/revocations")).respond_with(answer).mount(&auth).await;
    auth
}

/// The configuration of a test.
pub fn config(
    database: &TestDatabase,
    keys: &TestKeys,
    auth: &str,
    courses: &str,
) -> Config<messaging::Config> {
    let mut own = own(keys);
    own["siblings"] = json!({ "auth": [auth], "courses": [courses] });
    Running::<Messaging>::config(database, keys, &own)
}

/// What only messaging has in a configuration, with no sibling anywhere.
pub fn own(keys: &TestKeys) -> Value {
    json!({
        "access_tokens": { "jwks_cache_file": keys.file("jwks"), "revocations_cache_file": keys.file("revocations") },
        "siblings": { "auth": [NOWHERE], "courses": [NOWHERE] },
    })
}

/// A new thread to parts of a class.
pub fn to_class(class: Uuid, parts: &[&str]) -> Value {
    let audience = json!({ "kind": "group", "school_id": SCHOOL, "id": class, "parts": parts });
    json!({ "subject": "Sortie", "body": "Rendez-vous à 8 h.", "audience": audience })
}
