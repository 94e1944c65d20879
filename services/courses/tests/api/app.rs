//! Settles what each test stands on: a running courses with one school in it, and no auth anywhere.

use std::sync::Arc;

use courses::Courses;
use serde_json::json;
use shared::clock::system_clock;
use shared::service::{Config, Service};
use shared::session::Role;
use shared::testing::{Client, ManualClock, Running, TestDatabase, TestKeys};
use uuid::Uuid;

/// The school of these tests.
pub const SCHOOL: Uuid = Uuid::from_u128(0xa1);
/// Another school, with one class and one course.
pub const OTHER_SCHOOL: Uuid = Uuid::from_u128(0xa2);
/// Mathématiques in 3eA, taught by [`Who::TEACHER`].
pub const MATHS: Uuid = Uuid::from_u128(0xc1);
/// Français in 3eA, taught by somebody else.
pub const FRENCH: Uuid = Uuid::from_u128(0xc2);
/// Latin in a group that only the other pupil is in.
pub const LATIN: Uuid = Uuid::from_u128(0xc3);

/// A person of these tests, as their token describes them.
#[derive(Clone, Copy)]
pub struct Who(pub u128, pub Uuid, pub Role);

impl Who {
    pub const PUPIL: Self = Self(1, SCHOOL, Role::Student);
    pub const OTHER_PUPIL: Self = Self(2, SCHOOL, Role::Student);
    pub const GUARDIAN: Self = Self(3, SCHOOL, Role::Guardian);
    pub const TEACHER: Self = Self(4, SCHOOL, Role::Teacher);
    pub const OTHER_TEACHER: Self = Self(5, SCHOOL, Role::Teacher);
    pub const PRINCIPAL: Self = Self(6, SCHOOL, Role::Principal);
    pub const STRANGER: Self = Self(7, OTHER_SCHOOL, Role::Principal);
}

/// A running courses, its keys and its database.
pub struct App {
    pub courses: Running<Courses>,
    pub keys: TestKeys,
    pub database: TestDatabase,
    pub config: Config<courses::Config>,
}

impl App {
    /// On 2026-09-01, with the school's data.
    pub async fn start() -> Self {
        let (database, keys) = arrange().await;
        database.connect().await.batch_execute(include_str!("school.sql")).await.expect("a school");
        let config = config(&database, &keys, "http://127.0.0.1:9");
        let courses = Running::start(config.clone(), Arc::new(ManualClock::default()));
        Self { courses, keys, database, config }
    }

    /// With nothing in it, not even a copy of auth's keys and revocations, beside an auth at this address.
    pub async fn start_beside(auth: &str) -> Self {
        let (database, keys) = arrange().await;
        let mut config = config(&database, &keys, auth);
        config.own.access_tokens.jwks_cache_file = keys.file("fetched-jwks");
        config.own.access_tokens.revocations_cache_file = keys.file("fetched-revocations");
        Self { courses: Running::start(config.clone(), system_clock()), keys, database, config }
    }

    /// The browser of a signed-in person.
    pub fn browser(&self, who: Who) -> Client {
        self.browser_at(&self.courses, who)
    }

    /// The same, at another instance.
    pub fn browser_at(&self, courses: &Running<Courses>, who: Who) -> Client {
        courses.client().with_token(self.keys.token_at(
            &ManualClock::default(),
            Uuid::from_u128(who.0),
            &[(who.1, who.2)],
        ))
    }
}

async fn arrange() -> (TestDatabase, TestKeys) {
    (TestDatabase::create("courses", Courses::migrations).await, TestKeys::generate())
}

/// The configuration of a test.
pub fn config(database: &TestDatabase, keys: &TestKeys, auth: &str) -> Config<courses::Config> {
    let own = json!({
        "access_tokens": { "jwks_cache_file": keys.file("jwks"), "revocations_cache_file": keys.file("revocations") },
        "siblings": { "auth": [auth] },
    });
    Running::<Courses>::config(database, keys, &own)
}
