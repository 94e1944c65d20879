//! Settles when a browser's copy of an answer is as good as a new one, and that it never is for another account.

use std::sync::Arc;
use std::time::Duration;

use courses::Courses;
use reqwest::Method;
use serde_json::{Value, json};
use shared::testing::{Answer, Client, ManualClock, Running, eventually};

use crate::app::{App, MATHS, Who};
use crate::outage::behind_proxy;

const HOME: &str = "/courses/v1/home";

fn page() -> String {
    format!("/courses/v1/courses/{MATHS}")
}

async fn ask_again(browser: &Client, path: &str, known: &str) -> Answer {
    browser.send(browser.request(Method::GET, path).header("if-none-match", known)).await
}

fn tag(answer: &Answer) -> String {
    answer.headers["etag"].to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_as_good_costs_no_body() {
    let app = App::start().await;
    let other = Running::<Courses>::start(app.config.clone(), Arc::new(ManualClock::default()));
    let (pupil, elsewhere) = (app.browser(Who::PUPIL), app.browser_at(&other, Who::PUPIL));
    for path in [HOME, &page()] {
        let first = pupil.get(path).await.expect(200);
        assert!(tag(&first).starts_with("W/\""), "{first:?}");
        assert_eq!(first.headers["cache-control"], "private, no-cache");
        for known in [tag(&first), format!("\"other\", {}", tag(&first)), "*".to_owned()] {
            let again = ask_again(&pupil, path, &known).await.expect(304);
            assert_eq!(
                (again.body, &again.headers["etag"]),
                (Value::Null, &first.headers["etag"]),
                "{known}"
            );
            assert_eq!(again.headers["cache-control"], "private, no-cache");
        }
        ask_again(&elsewhere, path, &tag(&first)).await.expect(304);
        for unknown in ["\"other\"", "rubbish", ""] {
            assert_eq!(ask_again(&pupil, path, unknown).await.expect(200).body, first.body, "{unknown}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_from_before_a_change_is_replaced() {
    let app = App::start().await;
    let pupil = app.browser(Who::PUPIL);
    let (home, course) = (pupil.get(HOME).await.expect(200), pupil.get(&page()).await.expect(200));
    let homework = json!({ "title": "Exercice 7", "instructions": "", "due_on": "2026-09-10" });
    app.browser(Who::TEACHER).post(&format!("{}/homework", page()), &homework).await.expect(201);
    for (path, before) in [(HOME, home), (&page(), course)] {
        let after = ask_again(&pupil, path, &tag(&before)).await.expect(200);
        assert!(after.body.to_string().contains("Exercice 7"), "{after:?}");
        assert_ne!(tag(&after), tag(&before));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_nobody_told_replaces_a_copy_when_the_answer_has_aged() {
    let clock = ManualClock::default();
    let (app, _proxy) = behind_proxy(&clock).await;
    let pupil = app.browser(Who::PUPIL);
    let before = pupil.get(&page()).await.expect(200);
    let rename = "update directory.person set family_name = 'Renommé' where id = (select teacher_id from course where id = $1)";
    app.database.connect().await.execute(rename, &[&MATHS]).await.unwrap();
    clock.advance(Duration::from_mins(5));
    let after = ask_again(&pupil, &page(), &tag(&before)).await.expect(200);
    assert!(after.body.to_string().contains("Renommé"), "{after:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_never_validates_the_answer_of_another_account() {
    let app = App::start().await;
    let (pupil, guardian) = (app.browser(Who::PUPIL), app.browser(Who::GUARDIAN));
    for path in [HOME, &page()] {
        let (own, other) = (pupil.get(path).await.expect(200), guardian.get(path).await.expect(200));
        assert_eq!(own.body, other.body, "word for word the same");
        ask_again(&guardian, path, &tag(&own)).await.expect(200);
        ask_again(&guardian, path, &tag(&other)).await.expect(304);
    }
    let own = tag(&pupil.get(&page()).await);
    ask_again(&app.browser(Who::STRANGER), &page(), &own).await.expect_problem(404, "course_not_found");
    ask_again(&app.courses.client(), &page(), &own).await.expect_problem(401, "sign_in_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_answer_says_its_age_and_validates_no_copy() {
    let clock = ManualClock::default();
    let (app, proxy) = behind_proxy(&clock).await;
    let pupil = app.browser(Who::PUPIL);
    for path in [HOME, &page()] {
        let before = pupil.get(path).await.expect(200);
        proxy.break_connections();
        clock.advance(Duration::from_mins(5));
        for known in [tag(&before), "*".to_owned()] {
            let stale = ask_again(&pupil, path, &known).await.expect(200);
            assert_eq!(
                (&stale.body["stale_for_s"], &stale.headers["age"]),
                (&json!(300), &"300".parse().unwrap())
            );
            assert_eq!(stale.headers["cache-control"], "no-store");
            assert!(!stale.headers.contains_key("etag"), "{stale:?}");
        }
        proxy.restore();
        let is_current = async || ask_again(&pupil, path, &tag(&before)).await.status == 304;
        eventually("the copy is as good again", is_current).await;
    }
}
