//! Settles that the committed API description is the one that the routes make, and that people can read it.

use courses::Courses;
use shared::http::server::openapi;

use crate::app::App;

#[test]
fn the_committed_description_is_current() {
    let committed = include_str!("../../openapi.json");
    let current = openapi::<Courses>().to_pretty_json().unwrap() + "\n";
    assert!(committed == current, "services/courses/openapi.json is stale: run `cargo ent generate`");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_and_its_page_are_served() {
    let app = App::start().await;
    let description = app.courses.client().get("/courses/openapi.json").await.expect(200);
    assert!(description.body["openapi"].as_str().unwrap().starts_with("3.1"));
    app.courses.client().get("/courses/docs/").await.expect(200);
}
