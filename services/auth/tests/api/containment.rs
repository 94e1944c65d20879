//! Settles what a contained account is worth: nothing, everywhere, at once, until an administrator's code opens it again.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use shared::audit::Proof;
use shared::clock::{SharedClock, system_clock};
use shared::config::Profile;
use shared::service_token::{Config as IdentityConfig, Identity};
use shared::testing::{Answer, ManualClock, eventually};
use uuid::Uuid;

use crate::app::{App, PASSWORD, sign_in};
use crate::audit::signing;

const ZOE: Uuid = Uuid::from_u128(1);
/// The incident that every command here belongs to.
const INCIDENT: Uuid = Uuid::from_u128(0x1c);

async fn contain(app: &App, person: Uuid, key: &str, audience: &str) -> Answer {
    contain_at(app, system_clock(), (person, key, audience)).await
}

/// A sibling's command, by its clock.
pub async fn contain_at(
    app: &App,
    clock: SharedClock,
    (person, key, audience): (Uuid, &str, &str),
) -> Answer {
    let config: IdentityConfig = serde_json::from_value(app.keys.identity("messaging")).unwrap();
    let identity = Identity::open(&config, "messaging", Profile::Test, clock).unwrap();
    let client = app.auth.internal_client();
    let request = client.request(Method::POST, &format!("/internal/v1/accounts/{person}/contain"));
    let body =
        json!({ "reason": "threats sent to 900 people", "authority": "Rectorat", "incident": INCIDENT });
    client
        .send(
            request
                .bearer_auth(identity.token_for(audience).unwrap())
                .header("idempotency-key", key)
                .json(&body),
        )
        .await
}

async fn count(app: &App, sql: &str) -> i64 {
    app.database.connect().await.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contained_account_is_signed_out_and_opens_for_nobody() {
    let app = App::start().await;
    let thief = app.signed_in("zoe.martin").await;
    let done = contain(&app, ZOE, "incident-1", "auth").await.expect(200);
    assert_eq!(done.body, json!({ "epoch": 1 }));
    thief.get("/auth/v1/me").await.expect_problem(401, "session_revoked");
    thief.post("/auth/v1/sessions/refresh", &json!({})).await.expect_problem(401, "session_over");
    sign_in(&thief, "zoe.martin", PASSWORD).await.expect_problem(401, "invalid_credentials");
    let forced = "select count(*) from account where login = 'zoe.martin' and locked_at is not null and reset_forced_at is not null";
    assert_eq!(count(&app, forced).await, 1);
    for act in ["account_contained", "sessions_revoked"] {
        let kept = format!(
            "select count(*) from audit_leaf where content like '%{act}%' and content like '%Rectorat%'"
        );
        assert_eq!(count(&app, &kept).await, 1, "{act}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_command_is_done_once_however_often_and_at_the_same_time() {
    let app = App::start().await;
    let answers = join_all((0..8).map(|_| contain(&app, ZOE, "incident-1", "auth"))).await;
    let bodies: Vec<Value> = answers.into_iter().map(|answer| answer.expect(200).body).collect();
    assert!(bodies.iter().all(|body| *body == json!({ "epoch": 1 })), "{bodies:?}");
    assert_eq!(
        count(&app, "select count(*) from audit_leaf where content like '%account_contained%'").await,
        1
    );
    assert_eq!(contain(&app, ZOE, "incident-2", "auth").await.expect(200).body["epoch"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_cannot_be_done_changes_nothing() {
    let app = App::start().await;
    contain(&app, ZOE, "incident-1", "messaging").await.expect(401);
    contain(&app, ZOE, "two words", "auth").await.expect_problem(400, "malformed_idempotency_key");
    contain(&app, Uuid::from_u128(404), "incident-1", "auth").await.expect_problem(404, "account_not_found");
    sign_in(&app.browser(), "zoe.martin", PASSWORD).await.expect(201);
    contain(&app, ZOE, "incident-1", "auth").await.expect(200);
    let other = contain(&app, Uuid::from_u128(2), "incident-1", "auth").await;
    other.expect_problem(409, "idempotency_key_reused");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_in_an_incident_is_told_with_what_proves_it() {
    let clock = ManualClock::default();
    let (app, audit, _folder) = signing(&clock).await;
    let shared_clock = || Arc::new(clock.clone());
    contain_at(&app, shared_clock(), (ZOE, "incident-9", "auth")).await.expect(200);
    let config: IdentityConfig = serde_json::from_value(app.keys.identity("messaging")).unwrap();
    let identity = Identity::open(&config, "messaging", Profile::Test, shared_clock()).unwrap();
    let acts = async |incident: Uuid| {
        let client = app.auth.internal_client();
        let request = client.request(Method::GET, &format!("/internal/v1/incidents/{incident}/acts"));
        client.send(request.bearer_auth(identity.token_for("auth").unwrap())).await.expect(200).body
    };
    // A checkpoint is due again when time has passed.
    let proof = async || {
        clock.advance(Duration::from_secs(audit.checkpoint_every_s));
        serde_json::from_value::<Option<Proof>>(acts(INCIDENT).await["proof"].clone()).unwrap()
    };
    eventually("both entries are proven", async || {
        proof().await.is_some_and(|proof| proof.entries.len() == 2)
    })
    .await;
    let (checkpoint, _) = proof().await.unwrap().check().unwrap();
    assert_eq!((checkpoint.origin.as_str(), checkpoint.tree.size), ("ent/auth", 2));
    let told = acts(INCIDENT).await["entries"].to_string();
    assert!(told.contains("account_contained") && told.contains("sessions_revoked"), "{told}");
    assert_eq!(acts(Uuid::nil()).await["entries"], json!([]));
    let mut forged = proof().await.unwrap();
    forged.entries[0].content = forged.entries[0].content.replace("Rectorat", "nobody");
    assert_eq!(forged.check().unwrap_err(), "has an entry that is not what was checkpointed");
}
