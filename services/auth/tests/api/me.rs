//! Settles what `/me` says, and to whom.

use shared::session::{ACCESS_COOKIE, Role};
use uuid::Uuid;

use crate::app::App;

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_every_role_with_its_school() {
    let app = App::start().await;
    let school = Uuid::from_u128(0xa1);
    let token = app.keys.token(Uuid::from_u128(2), &[(school, Role::Principal)]);
    let answer = app.browser().with_token(token).get("/auth/v1/me").await.expect(200);
    insta::assert_json_snapshot!(answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_and_nonsense_are_asked_to_sign_in() {
    let app = App::start().await;
    app.browser().get("/auth/v1/me").await.expect_problem(401, "sign_in_required");
    let browser = app.browser();
    browser.set_cookie(ACCESS_COOKIE, "eyJhbGciOiJub25lIn0.e30.".to_owned());
    browser.get("/auth/v1/me").await.expect_problem(401, "sign_in_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_is_gone_is_told_so() {
    let app = App::start().await;
    let token = app.keys.token(Uuid::from_u128(99), &[]);
    app.browser().with_token(token).get("/auth/v1/me").await.expect_problem(401, "account_gone");
}
