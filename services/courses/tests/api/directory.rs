//! Settles how courses learns from auth's feed who people are, and keeps what it learned through crashes and repetitions.

use serde_json::{Value, json};
use shared::feed::{Change, Page};
use shared::session::News;
use shared::testing::eventually;
use wiremock::matchers::{header_regex, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::app::App;

/// What operators are told to do with a projection whose feed was restored from a backup.
const OPERATIONS: &str = include_str!("../../../../docs/operations.md");
const FROM_THE_BEGINNING: &str = "delete from projection where source = 'auth';";

const PERSON: &str = "00000000-0000-0000-0000-000000000001";

fn person(position: i64, name: &str, deleted: bool) -> Change {
    let body = json!({ "id": PERSON, "given_name": name, "family_name": "Martin" });
    Change { position, kind: "person".to_owned(), key: PERSON.to_owned(), deleted, body }
}

async fn serve(auth: &MockServer, after: i64, changes: Vec<Change>, published: i64) {
    Mock::given(method("GET"))
        .and(path("/internal/v1/changes"))
        .and(query_param("after", after.to_string()))
        .and(header_regex("authorization", "^Bearer ey"))
        .respond_with(ResponseTemplate::new(200).set_body_json(Page { changes, published }))
        .mount(auth)
        .await;
}

async fn names(app: &App) -> Vec<String> {
    let rows =
        app.database.connect().await.query("select given_name from directory.person", &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

async fn projection(app: &App) -> Value {
    app.courses.internal_client().get("/statusz").await.body["projections"]["auth"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_applied_in_order_newest_per_key_and_deletions_too() {
    let auth = MockServer::start().await;
    let other = Change { kind: "something_new".to_owned(), ..person(2, "ignored", false) };
    serve(&auth, 0, vec![person(1, "Zoé", false), other, person(3, "Chloé", false)], 3).await;
    serve(&auth, 3, vec![person(4, "Chloé", true)], 4).await;
    serve(&auth, 4, vec![], 4).await;
    let app = App::start_beside(&auth.uri()).await;
    eventually("everything is applied", async || projection(&app).await["applied"] == 4).await;
    assert_eq!(names(&app).await, Vec::<String>::new());
    assert_eq!(projection(&app).await["lag"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_fails_is_retried_and_a_feed_that_went_back_is_not_applied() {
    let auth = MockServer::start().await;
    let failing = Mock::given(path("/internal/v1/changes")).respond_with(ResponseTemplate::new(503));
    let failing = failing.up_to_n_times(2).mount_as_scoped(&auth).await;
    serve(&auth, 0, vec![person(7, "Zoé", false)], 7).await;
    let went_back = serve(&auth, 7, vec![], 5);
    let app = App::start_beside(&auth.uri()).await;
    went_back.await;
    eventually("the retry succeeds", async || names(&app).await == ["Zoé"]).await;
    drop(failing);
    eventually("the restored feed is reported", async || projection(&app).await["failing"] == true).await;
    assert_eq!(names(&app).await, ["Zoé"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_feed_is_read_from_its_beginning_after_the_statement_of_the_operators() {
    assert!(OPERATIONS.contains(FROM_THE_BEGINNING), "docs/operations.md has another statement");
    let auth = MockServer::start().await;
    serve(&auth, 0, vec![person(7, "Zoé", false)], 7).await;
    serve(&auth, 7, vec![], 7).await;
    let app = App::start_beside(&auth.uri()).await;
    eventually("the feed is followed", async || projection(&app).await["applied"] == 7).await;
    auth.reset().await;
    serve(&auth, 7, vec![], 5).await;
    serve(&auth, 0, vec![person(5, "Zoë", false)], 5).await;
    serve(&auth, 5, vec![], 5).await;
    eventually("the restored feed is reported", async || projection(&app).await["failing"] == true).await;
    app.database.connect().await.batch_execute(FROM_THE_BEGINNING).await.unwrap();
    eventually("it is followed again", async || {
        let projection = projection(&app).await;
        projection["applied"] == 5 && projection["failing"] == false
    })
    .await;
    assert_eq!(names(&app).await, ["Zoë"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_checked_with_keys_fetched_from_auth_and_kept_on_disk() {
    let auth = MockServer::start().await;
    serve(&auth, 0, vec![], 0).await;
    let nothing_revoked = News { after: 0, upto: 0, published: 0, revocations: vec![] };
    Mock::given(path("/internal/v1/revocations"))
        .respond_with(ResponseTemplate::new(200).set_body_json(nothing_revoked))
        .mount(&auth)
        .await;
    let app = App::start_beside(&auth.uri()).await;
    let browser = app.courses.client().with_token(app.keys.token(uuid::Uuid::from_u128(1), &[]));
    browser.get("/courses/v1/home").await.expect_problem(503, "session_keys_unavailable");
    Mock::given(path("/internal/v1/jwks"))
        .respond_with(ResponseTemplate::new(200).set_body_json(app.keys.jwks()))
        .mount(&auth)
        .await;
    eventually("the token is accepted", async || browser.get("/courses/v1/home").await.status == 200).await;
    eventually("the keys are on disk", async || app.keys.file("fetched-jwks").is_file()).await;
}
