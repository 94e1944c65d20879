//! Settles who gets what from every route of messaging: the table in `snapshots` is the rule, and a route without a row fails.

use messaging::Messaging;
use reqwest::Method;
use serde_json::{Value, json};
use shared::session::Role;
use shared::testing::{Asked, Client, Whose, authorisation_table};
use uuid::Uuid;

use crate::account_response::stolen;
use crate::app::{App, CLASS, OTHER_SCHOOL, SCHOOL, Who, to_class};
use crate::incident::opening;
use crate::listener;
use crate::recall::{by_senders, recall_of};
use crate::restriction::closing;

/// Threads that the questions are about.
struct Threads {
    /// Everybody of the class is in it.
    class: Uuid,
    /// Between the head and the other class.
    others: Uuid,
    /// In the school next door.
    next_door: Uuid,
}

/// Who asks in each role: the pupil, guardian and teacher of 3eA, and personnel that teaches nothing.
fn who(role: Role) -> Who {
    match role {
        Role::Student => Who::PUPIL,
        Role::Guardian => Who::GUARDIAN,
        Role::Teacher => Who::TEACHER,
        Role::Principal => Who::PRINCIPAL,
        Role::SchoolLife | Role::Staff | Role::LocalAdmin => Who(20, SCHOOL, role),
    }
}

async fn thread(app: &App, who: Who, body: Value) -> Uuid {
    let answer = app.send(who, body).await.expect(201);
    answer.body.pointer("/thread_id").and_then(Value::as_str).unwrap().parse().unwrap()
}

/// Routes that are asked about nobody else.
fn is_of_oneself(route: &str) -> bool {
    let own = [
        "GET /messaging/v1/home",
        "GET /messaging/v1/inbox",
        "GET /messaging/v1/sent",
        "GET /messaging/v1/search",
        "GET /messaging/v1/events",
        "POST /messaging/v1/messages/prospects",
        "POST /messaging/v1/messages/{id}/release",
    ];
    own.contains(&route)
}

async fn ask(app: &App, threads: &Threads, route: &str, role: Option<Role>, whose: Whose) -> Asked {
    let browser: Client = role.map_or_else(|| app.messaging.client(), |role| app.browser(who(role)));
    let thread = match whose {
        Whose::Own => threads.class,
        Whose::SameSchool => threads.others,
        Whose::OtherSchool => threads.next_door,
    };
    let answer = match route {
        _ if whose != Whose::Own && is_of_oneself(route) => return Asked::NoSense,
        "GET /messaging/v1/sent" => browser.get("/messaging/v1/sent").await,
        "GET /messaging/v1/search" => browser.get("/messaging/v1/search?q=sortie").await,
        "GET /messaging/v1/events" => {
            return Asked::Status(listener::ask(&browser, None).await.status().as_u16());
        }
        "GET /messaging/v1/home" => browser.get("/messaging/v1/home").await,
        "GET /messaging/v1/inbox" => browser.get("/messaging/v1/inbox").await,
        "GET /messaging/v1/threads/{id}" => browser.get(&format!("/messaging/v1/threads/{thread}")).await,
        "POST /messaging/v1/threads/{id}/read" => {
            browser.post(&format!("/messaging/v1/threads/{thread}/read"), &json!({})).await
        }
        "POST /messaging/v1/messages" => {
            let (school, group) = match whose {
                Whose::Own => (SCHOOL, CLASS),
                Whose::SameSchool => (SCHOOL, crate::app::OTHER_CLASS),
                Whose::OtherSchool => (OTHER_SCHOOL, CLASS),
            };
            let mut body = to_class(group, &["student"]);
            if let Some(named) = body.pointer_mut("/audience/school_id") {
                *named = json!(school);
            }
            let key = format!("{role:?}-{whose:?}");
            browser
                .send(
                    browser
                        .request(Method::POST, "/messaging/v1/messages")
                        .header("Idempotency-Key", key)
                        .json(&body),
                )
                .await
        }
        "POST /messaging/v1/messages/prospects" => {
            let audience = to_class(CLASS, &["student"])["audience"].clone();
            browser.post("/messaging/v1/messages/prospects", &json!({ "audience": audience })).await
        }
        "POST /messaging/v1/messages/{id}/release" => {
            browser.post(&format!("/messaging/v1/messages/{}/release", Uuid::nil()), &json!({})).await
        }
        _ if route.contains("/schools/{school_id}/") => return in_school(app, route, role, whose).await,
        _ => return Asked::NoRow,
    };
    Asked::Status(answer.status)
}

/// What those in charge of a school decide; everybody asks with a fresh one-time code.
async fn in_school(app: &App, route: &str, role: Option<Role>, whose: Whose) -> Asked {
    let school = match whose {
        Whose::Own => SCHOOL,
        Whose::OtherSchool => OTHER_SCHOOL,
        Whose::SameSchool => return Asked::NoSense,
    };
    let browser: Client = role.map_or_else(|| app.messaging.client(), |role| app.proved(who(role)));
    let address = |rest: &str| format!("/messaging/v1/schools/{school}/{rest}");
    let answer = match route {
        "GET /messaging/v1/schools/{school_id}/send-restrictions" => {
            browser.get(&address("send-restrictions")).await
        }
        "POST /messaging/v1/schools/{school_id}/send-restrictions" => {
            let mut body = closing(app, &["Staff"], "reply_only", 90);
            body["direction"] = json!("to");
            browser.post(&address("send-restrictions"), &body).await
        }
        "POST /messaging/v1/schools/{school_id}/send-restrictions/{id}/reopen" => {
            let body = json!({ "mode": "open", "authority": "Principal" });
            let id = Uuid::nil();
            browser.post(&address(&format!("send-restrictions/{id}/reopen")), &body).await
        }
        "GET /messaging/v1/schools/{school_id}/communication-rules" => {
            browser.get(&address("communication-rules")).await
        }
        "PUT /messaging/v1/schools/{school_id}/communication-rules" => {
            let same = json!([{ "sender": "Staff", "recipient": "Staff", "scope": "school" }]);
            let body = json!({ "rules": same, "authority": "Principal" });
            browser.put(&address("communication-rules"), &body).await
        }
        "GET /messaging/v1/schools/{school_id}/send-limits" => browser.get(&address("send-limits")).await,
        "PUT /messaging/v1/schools/{school_id}/send-limits/{role}" => {
            let same = json!({
                "per_message": 2_500, "broad_an_hour": 5_000, "unproved_an_hour": 600, "messages_an_hour": 300,
            });
            let body = json!({ "limits": same, "authority": "Principal" });
            browser.put(&address("send-limits/Staff"), &body).await
        }
        "GET /messaging/v1/schools/{school_id}/held-messages" => browser.get(&address("held-messages")).await,
        "POST /messaging/v1/schools/{school_id}/held-messages/{id}/decision" => {
            let body = json!({ "outcome": "released", "note": "Vu." });
            browser.post(&address(&format!("held-messages/{}/decision", Uuid::nil())), &body).await
        }
        "POST /messaging/v1/schools/{school_id}/all-clears" => {
            browser.post(&address("all-clears"), &json!({ "authority": "Principal" })).await
        }
        _ if route.contains("/recalls") => {
            return about_recalls(app, route, &browser, &address("recalls")).await;
        }
        "GET /messaging/v1/schools/{school_id}/account-responses" => {
            browser.get(&address("account-responses")).await
        }
        "POST /messaging/v1/schools/{school_id}/account-responses" => {
            browser.post(&address("account-responses"), &stolen(&[Who::CLASSMATE])).await
        }
        "GET /messaging/v1/schools/{school_id}/account-responses/{id}" => {
            browser.get(&address(&format!("account-responses/{}", Uuid::nil()))).await
        }
        _ if route.contains("/incidents") => {
            return in_incident(app, &browser, route, &address("incidents")).await;
        }
        _ => return Asked::NoRow,
    };
    Asked::Status(answer.status)
}

/// An incident that is there in no school: whoever may ask finds none.
async fn in_incident(app: &App, browser: &Client, route: &str, incidents: &str) -> Asked {
    let one = format!("{incidents}/{}", Uuid::nil());
    let demanded = json!({ "authority": "Principal" });
    let answer = match route.split_once("/incidents").unwrap_or_default() {
        ("GET /messaging/v1/schools/{school_id}", "") => browser.get(incidents).await,
        ("GET /messaging/v1/schools/{school_id}", "/{id}") => browser.get(&one).await,
        ("POST /messaging/v1/schools/{school_id}", "") => {
            let mut body = opening(app);
            body["accounts"] = json!([]);
            browser.post(incidents, &body).await
        }
        ("POST /messaging/v1/schools/{school_id}", "/{id}/notes") => {
            browser.post(&format!("{one}/notes"), &json!({ "text": "N", "authority": "Principal" })).await
        }
        ("POST /messaging/v1/schools/{school_id}", "/{id}/accounts") => {
            let body = json!({ "accounts": [Uuid::nil()], "authority": "Principal" });
            browser.post(&format!("{one}/accounts"), &body).await
        }
        ("POST /messaging/v1/schools/{school_id}", "/{id}/timeline") => {
            browser.post(&format!("{one}/timeline"), &demanded).await
        }
        ("POST /messaging/v1/schools/{school_id}", "/{id}/timeline-page") => {
            browser.post(&format!("{one}/timeline-page"), &demanded).await
        }
        ("POST /messaging/v1/schools/{school_id}", "/{id}/close") => {
            browser.post(&format!("{one}/close"), &demanded).await
        }
        _ => return Asked::NoRow,
    };
    Asked::Status(answer.status)
}

/// What was withdrawn, or is to be; `recalls` is the address of the school's.
async fn about_recalls(app: &App, route: &str, browser: &Client, recalls: &str) -> Asked {
    let selector = by_senders(app, &[Who::OTHER_PUPIL]);
    let one = |rest: &str| format!("{recalls}/{}/{rest}", Uuid::nil());
    let demanded = json!({ "authority": "Principal" });
    let answer = match route.trim_start_matches(|c: char| c.is_ascii_uppercase()).rsplit_once("/recalls") {
        Some((_, "")) if route.starts_with("GET") => browser.get(recalls).await,
        Some((_, "")) => browser.post(recalls, &recall_of(&selector)).await,
        Some((_, "/preview")) => {
            browser.post(&format!("{recalls}/preview"), &json!({ "selector": selector })).await
        }
        Some((_, "/{id}/readers")) => browser.get(&one("readers")).await,
        Some((_, "/{id}/restore")) => browser.post(&one("restore"), &demanded).await,
        Some((_, "/{id}/make-final")) => browser.post(&one("make-final"), &demanded).await,
        Some(_) | None => return Asked::NoRow,
    };
    Asked::Status(answer.status)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_gets_what_the_table_says_and_nothing_else() {
    let app = App::start().await;
    let sql = "insert into directory.person values ('00000000-0000-0000-0000-000000000009', 'Lou', 'Loin');
               insert into directory.membership values
                 ('00000000-0000-0000-0000-0000000000a2', '00000000-0000-0000-0000-000000000009', 'Teacher');";
    app.database.connect().await.batch_execute(sql).await.unwrap();
    let to_personnel = json!({ "kind": "role", "school_id": OTHER_SCHOOL, "role": "Teacher" });
    let next_door = json!({ "subject": "A", "body": "B", "audience": to_personnel });
    let threads = Threads {
        class: thread(&app, Who::TEACHER, to_class(CLASS, &["student", "guardian"])).await,
        others: thread(&app, Who::PRINCIPAL, to_class(crate::app::OTHER_CLASS, &["student"])).await,
        next_door: thread(&app, Who::STRANGER, next_door).await,
    };
    let table = authorisation_table::<Messaging>(async |route, role, whose| {
        ask(&app, &threads, route, role, whose).await
    })
    .await;
    insta::assert_snapshot!(table);
}
