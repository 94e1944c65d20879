//! Settles that every route of auth refuses what no route may take: foreign pages, packed bodies, control characters, other methods.

use shared::testing::every_route_refuses_what_none_may_take;

use crate::app::App;

#[tokio::test(flavor = "multi_thread")]
async fn every_route_refuses_what_none_may_take_by_name() {
    let app = App::start().await;
    every_route_refuses_what_none_may_take(&app.auth).await;
}
