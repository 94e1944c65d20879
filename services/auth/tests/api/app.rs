//! Settles what each test stands on: a running auth with a few people in it.

use std::sync::Arc;
use std::time::Duration;

use auth::Auth;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use shared::clock::{Clock, SharedClock, system_clock};
use shared::context::Context;
use shared::redis::{self, Cluster};
use shared::service::{Config, Service};
use shared::session::ACCESS_COOKIE;
use shared::testing::{Answer, Client, ManualClock, Running, TestDatabase, TestKeys, breakers, eventually};
use tokio::runtime::Handle;
use totp_rs::{Algorithm, Secret, TOTP};
use uuid::Uuid;

/// The password of everybody in these tests.
pub const PASSWORD: &str = "correct horse battery";
/// Its argon2id hash, with little memory so that tests are quick.
const HASH: &str = "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$";
/// RFC 6238's secret.
pub const TOTP_SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// A running auth, its keys and its database.
pub struct App {
    pub auth: Running<Auth>,
    pub keys: TestKeys,
    pub database: TestDatabase,
}

impl App {
    /// With the machine's clock.
    pub async fn start() -> Self {
        Self::start_with(json!({}), system_clock()).await
    }

    /// With a clock that the test moves.
    pub async fn start_at(clock: &ManualClock) -> Self {
        Self::start_with(json!({}), Arc::new(clock.clone())).await
    }

    /// With other settings.
    pub async fn start_with(settings: Value, clock: SharedClock) -> Self {
        let database = TestDatabase::create("auth", Auth::migrations).await;
        let keys = TestKeys::generate();
        insert_people(&database).await;
        let auth = Running::start(config(&database, &keys, settings), clock);
        Self { auth, keys, database }
    }

    /// A browser without cookies.
    pub fn browser(&self) -> Client {
        self.auth.client()
    }

    /// A browser in which `login` has signed in.
    pub async fn signed_in(&self, login: &str) -> Client {
        let browser = self.browser();
        sign_in(&browser, login, PASSWORD).await.expect(201);
        browser
    }
}

/// The configuration of a test, with `settings` over it.
pub fn config(database: &TestDatabase, keys: &TestKeys, settings: Value) -> Config<auth::Config> {
    Running::<Auth>::config(database, keys, &own(keys, settings))
}

/// What only auth has in its configuration.
pub fn own(keys: &TestKeys, settings: Value) -> Value {
    let mut own = json!({
        "access_tokens": { "signing_key_file": keys.file("access"), "refresh_key_file": keys.file("refresh") },
        "authenticators": { "key_file": keys.file("authenticators") },
        "sign_in": { "hash_threads": 1, "queue": 8 },
    });
    if let (Some(own), Value::Object(settings)) = (own.as_object_mut(), settings) {
        own.extend(settings);
    }
    own
}

/// What the browser's access token says.
pub fn claims(browser: &Client) -> Value {
    let token = browser.cookie(ACCESS_COOKIE).expect("signed in");
    let content = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).expect("three parts")).expect("base64url");
    serde_json::from_slice(&content).expect("claims")
}

/// Takes away what the session store has of the browser's session, as a failover that loses writes does.
pub async fn lose_record(redis: &redis::Config, browser: &Client) {
    let cluster = Cluster::connect(redis, &breakers(), &Handle::current()).await.expect("the cluster");
    let context = Context::background(system_clock(), Duration::from_secs(5));
    let sid = claims(browser)["sid"].as_str().expect("a session").replace('-', "");
    let key = cluster.key(&format!("s:{{{sid}}}"));
    let lost: i64 = cluster.run(&context, &key, ::redis::cmd("DEL").arg(&key)).await.expect("a deletion");
    assert_eq!(lost, 1, "there was a record");
}

/// Waits until the browser's session, as it is now, has its durable copy.
pub async fn copied(app: &App, browser: &Client, generation: i32) {
    let sid: Uuid = claims(browser)["sid"].as_str().expect("a session").parse().expect("an id");
    let database = app.database.connect().await;
    eventually("the session has its copy", async || {
        let sql = "select 1 from session where sid = $1 and generation = $2";
        !database.query(sql, &[&sid, &generation]).await.expect("an answer").is_empty()
    })
    .await;
}

/// Signs in without a one-time code.
pub async fn sign_in(browser: &Client, login: &str, password: &str) -> Answer {
    browser.post("/auth/v1/sessions", &json!({ "login": login, "password": password })).await
}

/// The current code of an authenticator.
pub fn one_time_code(secret: &str, clock: &dyn Clock) -> String {
    let secret = Secret::Encoded(secret.to_owned()).to_bytes().expect("base32");
    TOTP::new_unchecked(Algorithm::SHA1, 6, 0, 30, secret, None, String::new()).generate(clock.unix_seconds())
}

/// Adds pupils `pupil.0`, `pupil.1` and so on, all with [`PASSWORD`].
pub async fn insert_pupils(app: &App, count: u32) {
    let id = "('00000000-0000-0000-0001-' || lpad(to_hex(n), 12, '0'))::uuid";
    let (hash, last) = (hash(), count - 1);
    let sql = format!(
        "insert into person (id, source, source_id, given_name, family_name)
           select {id}, 'pupils', n::text, 'Pupil', n::text from generate_series(0, {last}) n;
         insert into membership (school_id, person_id, role)
           select '00000000-0000-0000-0000-0000000000a1', {id}, 'Student' from generate_series(0, {last}) n;
         insert into account (person_id, login, password_hash)
           select {id}, 'pupil.' || n, '{hash}' from generate_series(0, {last}) n;"
    );
    app.database.connect().await.batch_execute(&sql).await.expect("pupils");
}

async fn insert_people(database: &TestDatabase) {
    let hash = hash();
    let sql = format!(
        "insert into school values
           ('00000000-0000-0000-0000-0000000000a1', '0750655E', 'Collège Test', 'college', 'Paris');
         insert into person (id, source, source_id, given_name, family_name) values
           ('00000000-0000-0000-0000-000000000001', 'test', '1', 'Zoé', 'Martin'),
           ('00000000-0000-0000-0000-000000000002', 'test', '2', 'Paul', 'Durand'),
           ('00000000-0000-0000-0000-000000000003', 'test', '3', 'Inès', 'Bloquée');
         insert into membership (school_id, person_id, role) values
           ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-000000000001', 'Student'),
           ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-000000000002', 'Principal'),
           ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-000000000002', 'Teacher');
         insert into account (person_id, login, password_hash, totp_secret, blocked_at) values
           ('00000000-0000-0000-0000-000000000001', 'zoe.martin', '{hash}', null, null),
           ('00000000-0000-0000-0000-000000000002', 'paul.durand', '{hash}', '{TOTP_SECRET}', null),
           ('00000000-0000-0000-0000-000000000003', 'ines.bloquee', '{hash}', null, now());"
    );
    database.connect().await.batch_execute(&sql).await.expect("people");
}

fn hash() -> String {
    use argon2::{Algorithm, Argon2, Params, Version};
    use base64::Engine;
    let params = Params::new(64, 1, 1, Some(32)).expect("parameters");
    let mut output = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(PASSWORD.as_bytes(), b"0123456789abcdef", &mut output)
        .expect("a hash");
    format!("{HASH}{}", base64::engine::general_purpose::STANDARD_NO_PAD.encode(output))
}
