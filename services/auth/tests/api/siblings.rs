//! Settles what auth gives to its siblings: keys to anybody inside, the feed to those who prove who they are.

use serde_json::Value;
use shared::clock::system_clock;
use shared::config::Profile;
use shared::service_token::{Config, Identity};
use shared::testing::eventually;

use crate::app::App;

async fn changes(app: &App, token: Option<&str>, after: i64) -> (u16, Value) {
    let client = app.auth.internal_client();
    let request = client.request(reqwest::Method::GET, &format!("/internal/v1/changes?after={after}"));
    let request = token.iter().fold(request, reqwest::RequestBuilder::bearer_auth);
    let answer = client.send(request).await;
    (answer.status, answer.body)
}

pub fn token_of(app: &App, service: &'static str, audience: &str) -> String {
    let config: Config = serde_json::from_value(app.keys.identity(service)).unwrap();
    Identity::open(&config, service, Profile::Test, system_clock()).unwrap().token_for(audience).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_published_inside() {
    let app = App::start().await;
    let jwks = app.auth.internal_client().get("/internal/v1/jwks").await.expect(200);
    assert_eq!(jwks.body["keys"][0]["kid"], "demo-access");
    assert!(jwks.body["keys"][0].get("d").is_none(), "never the private half");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_needs_a_token_for_this_audience() {
    let app = App::start().await;
    let wrong_audience = token_of(&app, "courses", "messaging");
    for token in [None, Some("nonsense"), Some(wrong_audience.as_str())] {
        assert_eq!(changes(&app, token, 0).await.0, 401, "{token:?}");
    }
    assert_eq!(changes(&app, Some(&token_of(&app, "courses", "auth")), -1).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_get_positions_and_are_read_after_any_of_them() {
    let app = App::start().await;
    let insert = "insert into change_feed (kind, key, body) select 'person', n::text, '{}' from generate_series(1, 3) n";
    app.database.connect().await.batch_execute(insert).await.unwrap();
    let token = token_of(&app, "messaging", "auth");
    eventually("the sequencer gives positions", async || {
        changes(&app, Some(&token), 0).await.1["published"] == 3
    })
    .await;
    let (_, page) = changes(&app, Some(&token), 1).await;
    let keys: Vec<&str> =
        page["changes"].as_array().unwrap().iter().map(|change| change["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["2", "3"]);
}
