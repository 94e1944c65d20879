//! Settles the backend of these tests: three services as processes, configured as in service, with one school in messaging.

use auth::Auth;
use courses::Courses;
use messaging::Messaging;
use serde_json::{Value, json};
use shared::service::Service;
use shared::testing::{Running, TestDatabase, TestKeys};
use uuid::Uuid;

use crate::process::Process;

/// The school.
pub const SCHOOL: Uuid = Uuid::from_u128(0xa1);
/// A pupil of the school.
pub const PUPIL: Uuid = Uuid::from_u128(1);
/// The head of the school.
pub const PRINCIPAL: Uuid = Uuid::from_u128(6);

/// The services, ready.
pub struct Backend {
    pub auth: Process,
    pub courses: Process,
    pub messaging: Process,
    pub keys: TestKeys,
    _databases: [TestDatabase; 3],
}

impl Backend {
    /// What they tell goes to this receiver of OTLP.
    pub async fn start(receiver: &str) -> Self {
        let keys = TestKeys::generate();
        let databases = [
            TestDatabase::create("auth", Auth::migrations).await,
            TestDatabase::create("courses", Courses::migrations).await,
            TestDatabase::create("messaging", Messaging::migrations).await,
        ];
        insert_school(&databases[2]).await;
        // One installation: what auth revokes, the others hear of.
        let prefix = format!("{}:", Uuid::from_bytes(shared::ids::random_bytes()).simple());
        let settle = |mut config: Value| {
            config["telemetry"] = json!({ "otlp_endpoint": receiver });
            config["redis"]["key_prefix"] = json!(prefix);
            config
        };
        let own = json!({
            "access_tokens": { "signing_key_file": keys.file("access"), "refresh_key_file": keys.file("refresh") },
            "authenticators": { "key_file": keys.file("authenticators") },
        });
        let config = settle(Running::<Auth>::config_content(&databases[0], &keys, &own));
        let auth = Process::start("auth", &keys, &config).await;
        let sibling = |process: &Process| json!([format!("http://{}", process.internal)]);
        let access_tokens = |service: &str| {
            let file = |what: &str| keys.file(&format!("{service}.{what}"));
            json!({ "jwks_cache_file": file("jwks"), "revocations_cache_file": file("revocations") })
        };
        let own =
            json!({ "access_tokens": access_tokens("courses"), "siblings": { "auth": sibling(&auth) } });
        let config = settle(Running::<Courses>::config_content(&databases[1], &keys, &own));
        let courses = Process::start("courses", &keys, &config).await;
        let own = json!({
            "access_tokens": access_tokens("messaging"),
            "siblings": { "auth": sibling(&auth), "courses": sibling(&courses) },
        });
        let config = settle(Running::<Messaging>::config_content(&databases[2], &keys, &own));
        let messaging = Process::start("messaging", &keys, &config).await;
        Self { auth, courses, messaging, keys, _databases: databases }
    }

    /// Whoever asks goes first.
    pub fn processes(&mut self) -> [&mut Process; 3] {
        [&mut self.messaging, &mut self.courses, &mut self.auth]
    }
}

async fn insert_school(database: &TestDatabase) {
    let sql = format!(
        "insert into directory.school values ('{SCHOOL}', '0750655E', 'Collège Test');
         insert into directory.membership values ('{SCHOOL}', '{PUPIL}', 'Student'), ('{SCHOOL}', '{PRINCIPAL}', 'Principal')"
    );
    database.connect().await.batch_execute(&sql).await.unwrap();
}
