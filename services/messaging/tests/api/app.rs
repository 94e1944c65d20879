//! Settles what each test stands on: a running messaging that knows one school, and no auth and no courses anywhere.

use messaging::Messaging;
use serde_json::{Value, json};
use shared::clock::system_clock;
use shared::service::{Config, Service};
use shared::session::Role;
use shared::testing::{Answer, Client, Running, TestDatabase, TestKeys};
use uuid::Uuid;

/// The school of these tests.
pub const SCHOOL: Uuid = Uuid::from_u128(0xa1);
/// The school next door.
pub const OTHER_SCHOOL: Uuid = Uuid::from_u128(0xa2);
/// 3eA: pupils 1 and 2, teacher 4; guardian 3 of pupil 1.
pub const CLASS: Uuid = Uuid::from_u128(0xb1);
/// 3eB: pupil 8.
pub const OTHER_CLASS: Uuid = Uuid::from_u128(0xb2);

/// A person of these tests, as their token describes them.
#[derive(Clone, Copy)]
pub struct Who(pub u128, pub Uuid, pub Role);

impl Who {
    pub const PUPIL: Self = Self(1, SCHOOL, Role::Student);
    pub const CLASSMATE: Self = Self(2, SCHOOL, Role::Student);
    pub const GUARDIAN: Self = Self(3, SCHOOL, Role::Guardian);
    pub const TEACHER: Self = Self(4, SCHOOL, Role::Teacher);
    pub const PRINCIPAL: Self = Self(6, SCHOOL, Role::Principal);
    pub const STRANGER: Self = Self(7, OTHER_SCHOOL, Role::Principal);
    pub const OTHER_PUPIL: Self = Self(8, SCHOOL, Role::Student);

    pub fn id(self) -> Uuid {
        Uuid::from_u128(self.0)
    }
}

/// A running messaging, its keys and its database.
pub struct App {
    pub messaging: Running<Messaging>,
    pub keys: TestKeys,
    pub database: TestDatabase,
}

impl App {
    /// With the school's people.
    pub async fn start() -> Self {
        Self::start_on(TestDatabase::create("messaging", Messaging::migrations).await).await
    }

    /// The same on a database that the test has made.
    pub async fn start_on(database: TestDatabase) -> Self {
        database.connect().await.batch_execute(include_str!("school.sql")).await.expect("a school");
        Self::run(database, "http://127.0.0.1:9", "http://127.0.0.1:9")
    }

    /// Without anybody, beside siblings at these addresses.
    pub async fn start_beside(auth: &str, courses: &str) -> Self {
        Self::run(TestDatabase::create("messaging", Messaging::migrations).await, auth, courses)
    }

    fn run(database: TestDatabase, auth: &str, courses: &str) -> Self {
        let keys = TestKeys::generate();
        let config = config(&database, &keys, auth, courses);
        Self { messaging: Running::start(config, system_clock()), keys, database }
    }

    /// The browser of a signed-in person.
    pub fn browser(&self, who: Who) -> Client {
        self.messaging.client().with_token(self.keys.token(who.id(), &[(who.1, who.2)]))
    }

    /// Sends as a person.
    pub async fn send(&self, who: Who, body: Value) -> Answer {
        self.browser(who).post("/messaging/v1/messages", &body).await
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

/// The configuration of a test.
pub fn config(
    database: &TestDatabase,
    keys: &TestKeys,
    auth: &str,
    courses: &str,
) -> Config<messaging::Config> {
    let own = json!({
        "access_tokens": { "jwks_cache_file": keys.file("jwks"), "revocations_cache_file": keys.file("revocations") },
        "siblings": { "auth": [auth], "courses": [courses] },
    });
    Running::<Messaging>::config(database, keys, &own)
}

/// A new thread to parts of a class.
pub fn to_class(class: Uuid, parts: &[&str]) -> Value {
    let audience = json!({ "kind": "group", "school_id": SCHOOL, "id": class, "parts": parts });
    json!({ "subject": "Sortie", "body": "Rendez-vous à 8 h.", "audience": audience })
}
