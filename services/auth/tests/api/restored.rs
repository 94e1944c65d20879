//! Settles what the operators of an installation do with a database of auth that was restored from a backup: as `docs/operations.md` says.

use reqwest::Method;
use serde_json::json;
use shared::clock::system_clock;
use shared::config::Profile;
use shared::service_token::{Config as IdentityConfig, Identity};
use shared::testing::Client;
use uuid::Uuid;

use crate::app::App;

const DOCUMENT: &str = include_str!("../../../../docs/operations.md");
const STATEMENT: &str = "update revocation_epoch set last = greatest(last, HIGHEST) + 1;";
const ME: &str = "/auth/v1/me";
const ZOE: Uuid = Uuid::from_u128(1);

/// Ends all sessions of an account, as a sibling asks for it.
async fn revoke(app: &App) {
    let config: IdentityConfig = serde_json::from_value(app.keys.identity("messaging")).unwrap();
    let identity = Identity::open(&config, "messaging", Profile::Test, system_clock()).unwrap();
    let client: Client = app.auth.internal_client();
    let request = client.request(Method::POST, "/internal/v1/revocations");
    let request = request.bearer_auth(identity.token_for("auth").unwrap());
    client.send(request.json(&json!({ "people": [ZOE], "reason": "test" }))).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_its_counter_behind_a_revocation_refuses_nobody_and_with_the_statement_it_does() {
    assert!(DOCUMENT.contains(STATEMENT), "docs/operations.md has another statement");
    let app = App::start().await;
    let database = app.database.connect().await;
    database.batch_execute("update revocation_epoch set last = 40").await.unwrap();
    let browser = app.signed_in("zoe.martin").await;
    database.batch_execute("update revocation_epoch set last = 10").await.unwrap();
    revoke(&app).await;
    browser.get(ME).await.expect(200);
    database.batch_execute(&STATEMENT.replace("HIGHEST", "40")).await.unwrap();
    revoke(&app).await;
    browser.get(ME).await.expect_problem(401, "session_revoked");
    app.signed_in("zoe.martin").await.get(ME).await.expect(200);
}
