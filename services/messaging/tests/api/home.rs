//! Settles whom each role is offered to write to: exactly those whom sending then accepts.

use serde_json::{Value, json};

use crate::app::{App, Who};

async fn audiences(app: &App, who: Who) -> Vec<Value> {
    app.browser(who).get("/messaging/v1/home").await.expect(200).body["audiences"].as_array().unwrap().clone()
}

fn labels(audiences: &[Value]) -> Vec<String> {
    let label = |audience: &Value| match audience["kind"].as_str().unwrap() {
        "group" => format!("{} {}", audience["name"].as_str().unwrap(), audience["parts"]),
        _ => audience["role"].as_str().unwrap().to_owned(),
    };
    audiences.iter().map(label).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_is_offered_its_own() {
    let app = App::start().await;
    assert_eq!(labels(&audiences(&app, Who::PUPIL).await), [r#"3eA ["student","teacher"]"#]);
    assert_eq!(labels(&audiences(&app, Who::GUARDIAN).await), [r#"3eA ["teacher"]"#, "Principal"]);
    let all = r#"["student","teacher","guardian"]"#;
    let roles = ["Student", "Guardian", "Teacher", "Principal", "SchoolLife", "Staff", "LocalAdmin"];
    let with_roles = |groups: &[String]| [groups, &roles.map(str::to_owned)].concat();
    assert_eq!(labels(&audiences(&app, Who::TEACHER).await), with_roles(&[format!("3eA {all}")]));
    let both = [format!("3eA {all}"), format!("3eB {all}")];
    assert_eq!(labels(&audiences(&app, Who::PRINCIPAL).await), with_roles(&both));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_offered_is_accepted() {
    let app = App::start().await;
    for who in [Who::PUPIL, Who::GUARDIAN, Who::TEACHER, Who::PRINCIPAL] {
        for mut audience in audiences(&app, who).await {
            audience.as_object_mut().unwrap().remove("name");
            let answer = app.send(who, json!({ "subject": "S", "body": "B", "audience": audience })).await;
            // An offered audience may be empty; it is never refused by the rules.
            assert!([201, 422].contains(&answer.status), "{answer:?}");
            assert!(answer.status == 201 || answer.code() == "no_recipients", "{answer:?}");
        }
    }
}
