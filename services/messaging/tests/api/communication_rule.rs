//! Settles that a school's administrators change who may write to whom, and that people are told why not before they write.

use messaging::Messaging;
use serde_json::{Value, json};
use shared::clock::system_clock;
use shared::testing::{Running, eventually};

use crate::app::{App, CLASS, OTHER_CLASS, SCHOOL, Who, to_class};
use crate::restriction::{close, closing};

fn rules() -> String {
    format!("/messaging/v1/schools/{SCHOOL}/communication-rules")
}

fn rule(sender: &str, recipient: &str, scope: &str) -> Value {
    let rules = json!([{ "sender": sender, "recipient": recipient, "scope": scope }]);
    json!({ "rules": rules, "authority": "Conseil d'administration" })
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_change_who_writes_to_whom_and_every_instance_follows() {
    let app = App::start().await;
    let beside = Running::<Messaging>::start(app.config.clone(), system_clock());
    let pupil = beside.client().with_token(app.token(&[Who::PUPIL], |_| {}));
    let to_classmates = to_class(CLASS, &["student"]);
    pupil.post("/messaging/v1/messages", &to_classmates).await.expect(201);
    let admin = app.proved(Who::ADMIN);
    admin.put(&rules(), &rule("Student", "Student", "nobody")).await.expect(204);
    eventually("the other instance has heard", async || {
        pupil.post("/messaging/v1/messages", &to_classmates).await.status == 403
    })
    .await;
    let refused = pupil.post("/messaging/v1/messages", &to_classmates).await;
    assert_eq!(refused.body["detail"], "Pupils of this school do not write to pupils.");
    let offered = pupil.get("/messaging/v1/home").await.expect(200).body["audiences"].clone();
    assert_eq!(offered[0]["parts"], json!(["teacher"]));
    let shown = app.browser(Who::GUARDIAN).get(&rules()).await.expect(200);
    let shown = &shown.body["rules"][0];
    assert_eq!((&shown["scope"], &shown["default_scope"]), (&json!("nobody"), &json!("own_groups")));
    admin.put(&rules(), &rule("Student", "Student", "own_groups")).await.expect(204);
    app.send(Who::PUPIL, to_classmates).await.expect(201);
    assert_eq!(app.kept("communication_rules_changed").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_cannot_be_change_nothing() {
    let app = App::start().await;
    let admin = app.proved(Who::ADMIN);
    for (body, status, code) in [
        (rule("Student", "Guardian", "school"), 422, "scope_too_wide"),
        (rule("Student", "Guardian", "everywhere"), 400, "malformed_body"),
        (rule("Student", "King", "school"), 400, "malformed_body"),
        (json!({ "rules": [], "authority": "Principal" }), 422, "invalid_body"),
        (
            json!({ "rules": [{ "sender": "Student", "recipient": "Teacher", "scope": "school" }] }),
            400,
            "malformed_body",
        ),
    ] {
        admin.put(&rules(), &body).await.expect_problem(status, code);
    }
    let good = rule("Student", "Teacher", "school");
    app.browser(Who::ADMIN).put(&rules(), &good).await.expect_problem(403, "step_up_required");
    app.proved(Who::PRINCIPAL).put(&rules(), &good).await.expect_problem(403, "not_allowed");
    app.proved(Who::STRANGER).put(&rules(), &good).await.expect_problem(404, "school_not_found");
    assert_eq!(app.kept("communication_rules_changed").await, 0);
    app.send(Who::PUPIL, to_class(OTHER_CLASS, &["teacher"])).await.expect_problem(403, "not_allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_told_why_not_before_they_write_and_nothing_is_kept_of_it() {
    let app = App::start().await;
    let foresee = async |who: Who, body: &Value| {
        let audience = json!({ "audience": body["audience"] });
        app.browser(who).post("/messaging/v1/messages/prospects", &audience).await.expect(200).body
    };
    let to_classmates = to_class(CLASS, &["student"]);
    let good = foresee(Who::PUPIL, &to_classmates).await;
    assert_eq!(good, json!({ "is_allowed": true, "recipient_count": 1, "state": "visible" }));
    let closed = foresee(Who::PUPIL, &to_class(CLASS, &["guardian"])).await;
    assert_eq!((&closed["is_allowed"], &closed["why_not"]["code"]), (&json!(false), &json!("not_allowed")));
    assert_eq!(closed["why_not"]["detail"], "Pupils of this school do not write to guardians.");
    let restriction = closing(&app, &["Student"], "closed", 90);
    close(&app, &restriction).await;
    let closed = foresee(Who::PUPIL, &to_classmates).await;
    assert_eq!(
        (&closed["why_not"]["code"], &closed["why_not"]["reason"]),
        (&json!("sending_restricted"), &restriction["reason"])
    );
    let empty = json!({ "audience": { "kind": "role", "school_id": SCHOOL, "role": "SchoolLife" } });
    assert_eq!(foresee(Who::PRINCIPAL, &empty).await["why_not"]["code"], "no_recipients");
    let sql = "select count(*) from message";
    assert_eq!(app.database.connect().await.query_one(sql, &[]).await.unwrap().get::<_, i64>(0), 0);
}
