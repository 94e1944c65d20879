//! Settles whose attempts at signing in are held back, and that a school behind one address gets in whatever happens there.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use auth::Auth;
use futures_util::stream::{StreamExt, iter};
use reqwest::Method;
use serde_json::json;
use shared::clock::{SharedClock, system_clock};
use shared::testing::{Answer, Client, FaultProxy, ManualClock, Running, eventually, redis_behind_proxies};

use crate::app::{App, PASSWORD, config, insert_pupils, sign_in};

const SIGN_IN: &str = "/auth/v1/sessions";
const SCHOOL: &str = "203.0.113.1";

/// Auth that counts with Redis however late its answers are: on a busy machine an instance would count some alone.
async fn start(clock: SharedClock) -> App {
    let app = App::start_with(json!({}), clock.clone()).await;
    let own = json!({ "sign_in": { "hash_threads": 1, "queue": 512 } });
    let mut config = config(&app.database, &app.keys, own);
    (config.redis.response_ms, config.redis.overall_ms) = (5_000, 10_000);
    App { auth: Running::start(config, clock), ..app }
}

async fn start_at(clock: &ManualClock) -> App {
    start(Arc::new(clock.clone())).await
}

async fn sign_in_from(browser: &Client, address: &str, login: &str, password: &str) -> Answer {
    let body = json!({ "login": login, "password": password });
    browser.send(browser.request(Method::POST, SIGN_IN).header("x-forwarded-for", address).json(&body)).await
}

/// How long one is asked to wait; answers add up to half of it.
fn seconds(answer: &Answer) -> u32 {
    answer.headers["retry-after"].to_str().unwrap().parse().unwrap()
}

/// A pupil who mistypes, or not, and waits when told to.
async fn come_in(app: &App, number: usize) -> usize {
    let (browser, login) = (app.browser(), format!("pupil.{number}"));
    let mut typed = if number.is_multiple_of(20) { vec!["mistyped", PASSWORD] } else { vec![PASSWORD] };
    typed.reverse();
    let mut attempts = 0;
    while let Some(password) = typed.pop() {
        attempts += 1;
        assert!(attempts < 20, "{login} does not get in");
        let answer = sign_in_from(&browser, SCHOOL, &login, password).await;
        match answer.status {
            201 => return attempts,
            401 => {}
            503 => {
                typed.push(password);
                tokio::time::sleep(Duration::from_secs(seconds(&answer).into())).await;
            }
            _ => panic!("{login}: {answer:?}"),
        }
    }
    panic!("{login} does not get in");
}

/// Their stored hashes are of 64 KiB and one pass, so that the test takes seconds: what is counted is the same at any cost.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_pupils_behind_one_address_of_whom_one_in_twenty_mistypes_all_get_in() {
    let app = start(system_clock()).await;
    insert_pupils(&app, 1_000).await;
    let app = Arc::new(app);
    let attempts: Vec<usize> = iter(0..1_000)
        .map(|number| {
            let app = app.clone();
            async move { come_in(&app, number).await }
        })
        .buffer_unordered(16)
        .collect()
        .await;
    assert_eq!(attempts.len(), 1_000);
    let status = app.auth.internal_client().get("/statusz").await.body;
    let held = &status["sign_ins_held_back"];
    assert_eq!((&held["by_account"], &held["by_crowd"]), (&json!(0), &json!(0)), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guesser_of_one_account_is_held_back_as_a_class_and_its_owners_device_is_not() {
    let clock = ManualClock::default();
    let app = start_at(&clock).await;
    let owner = app.signed_in("zoe.martin").await;
    for number in 0..10 {
        let answer =
            sign_in_from(&app.browser(), &format!("198.51.100.{number}"), "zoe.martin", "guess").await;
        answer.expect_problem(401, "invalid_credentials");
    }
    let held = sign_in_from(&app.browser(), "198.51.100.99", "Zoe.Martin ", PASSWORD).await;
    assert!((31..=47).contains(&seconds(&held)), "{held:?}");
    held.expect_problem(429, "too_many_attempts");
    sign_in(&owner, "zoe.martin", PASSWORD).await.expect(201);
    sign_in(&app.browser(), "ines.bloquee", PASSWORD).await.expect_problem(401, "invalid_credentials");

    clock.advance(Duration::from_secs(31));
    sign_in(&app.browser(), "zoe.martin", "guess").await.expect_problem(401, "invalid_credentials");
    let held = sign_in(&app.browser(), "zoe.martin", "guess").await;
    assert!((61..=92).contains(&seconds(&held)), "pauses double: {held:?}");
    clock.advance(Duration::from_secs(61));
    sign_in(&app.browser(), "zoe.martin", PASSWORD).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_and_blocked_logins_are_held_back_exactly_as_known_ones() {
    let app = start_at(&ManualClock::default()).await;
    let mut answers = BTreeSet::new();
    for login in ["nobody.here", "zoe.martin", "ines.bloquee"] {
        for _ in 0..10 {
            sign_in(&app.browser(), login, "guess").await.expect_problem(401, "invalid_credentials");
        }
        let held = sign_in(&app.browser(), login, PASSWORD).await.expect(429);
        assert!((31..=47).contains(&seconds(&held)), "{held:?}");
        answers.insert(held.body.to_string());
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_the_same_time_get_no_more_tries_than_one_after_another() {
    let app = Arc::new(start_at(&ManualClock::default()).await);
    let tries = iter(0..16).map(|_| async { sign_in(&app.browser(), "zoe.martin", "guess").await.status });
    let statuses: Vec<u16> = tries.buffer_unordered(16).collect().await;
    let tried = statuses.iter().filter(|status| **status == 401).count();
    assert!(tried <= 10, "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_knows_the_account_has_a_counter_of_its_own_which_success_clears() {
    let clock = ManualClock::default();
    let app = start_at(&clock).await;
    let owner = app.signed_in("zoe.martin").await;
    for _ in 0..2 {
        for _ in 0..9 {
            sign_in(&owner, "zoe.martin", "mistyped").await.expect_problem(401, "invalid_credentials");
        }
        sign_in(&owner, "zoe.martin", PASSWORD).await.expect(201);
    }
    for _ in 0..10 {
        sign_in(&owner, "zoe.martin", "stolen device").await.expect_problem(401, "invalid_credentials");
    }
    sign_in(&owner, "zoe.martin", PASSWORD).await.expect_problem(429, "too_many_attempts");
    sign_in(&app.browser(), "zoe.martin", PASSWORD).await.expect(201);
    clock.advance(Duration::from_secs(11));
    sign_in(&owner, "zoe.martin", PASSWORD).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_tries_name_after_name_is_stopped_and_known_devices_behind_the_same_address_go_on() {
    let clock = ManualClock::default();
    let app = start_at(&clock).await;
    insert_pupils(&app, 500).await;
    let pupil = app.browser();
    sign_in_from(&pupil, SCHOOL, "pupil.499", PASSWORD).await.expect(201);
    let mut looked_at = 0;
    for number in 0..499 {
        let answer = sign_in_from(&app.browser(), SCHOOL, &format!("pupil.{number}"), "Password1").await;
        looked_at += u32::from(answer.status == 401);
        assert!(answer.status == 401 || answer.code() == "too_many_attempts", "{answer:?}");
    }
    assert!((40..=41).contains(&looked_at), "{looked_at} of 499 passwords were looked at");
    sign_in_from(&pupil, SCHOOL, "pupil.499", "mistyped").await.expect_problem(401, "invalid_credentials");
    sign_in_from(&pupil, SCHOOL, "pupil.499", PASSWORD).await.expect(201);
    sign_in_from(&app.browser(), "203.0.113.77", "pupil.498", PASSWORD).await.expect(201);
    clock.advance(Duration::from_secs(5));
    sign_in_from(&app.browser(), SCHOOL, "pupil.498", PASSWORD).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_tries_names_it_does_not_know_is_stopped_after_six_from_wherever() {
    let app = start_at(&ManualClock::default()).await;
    insert_pupils(&app, 20).await;
    let device = app.signed_in("zoe.martin").await;
    let mut looked_at = 0;
    for number in 0..20 {
        let address = format!("198.51.100.{number}");
        let answer = sign_in_from(&device, &address, &format!("pupil.{number}"), "Password1").await;
        looked_at += u32::from(answer.status == 401);
    }
    assert_eq!(looked_at, 7, "six, and the first of the trickle");
    sign_in(&device, "zoe.martin", PASSWORD).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_an_instance_holds_back_by_what_it_has_seen_itself() {
    let app = App::start().await;
    let (reach_as, proxies) = redis_behind_proxies().await;
    let mut config = config(&app.database, &app.keys, json!({}));
    config.redis.nodes = reach_as.values().cloned().collect();
    config.redis.reach_as = reach_as;
    let app = App { auth: Running::<Auth>::start(config, system_clock()), ..app };
    proxies.iter().for_each(FaultProxy::break_connections);
    for _ in 0..10 {
        sign_in(&app.browser(), "zoe.martin", "guess").await.expect_problem(401, "invalid_credentials");
    }
    sign_in(&app.browser(), "zoe.martin", "guess").await.expect_problem(429, "too_many_attempts");
    proxies.iter().for_each(FaultProxy::restore);
    eventually("the instances count together again", async || {
        sign_in(&app.browser(), "zoe.martin", PASSWORD).await.status == 201
    })
    .await;
}
