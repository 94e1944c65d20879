//! Settles that no session is lost when a primary of the session store stands still or is killed while people sign in and refresh.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use auth::Auth;
use futures_util::future::join_all;
use serde_json::json;
use shared::clock::system_clock;
use shared::fault::{Identity, Paused};
use shared::redis::{Cluster, Key};
use shared::testing::{Client, PrivateRedis, Running, breakers, eventually};
use tokio::runtime::Handle;

use crate::app::{App, PASSWORD, claims, config, insert_pupils, sign_in};

const REFRESH: &str = "/auth/v1/sessions/refresh";
/// Sessions that are used all the time: a third of them on each shard.
const PEOPLE: u32 = 24;
/// People do not refresh as fast as they can, and their accounts' rate limits say so.
const PACE: Duration = Duration::from_millis(150);
/// Among so many refreshes one person opens a session in another browser.
const SIGN_IN_EVERY: usize = 5;

/// An auth whose sessions are in a cluster of its own.
async fn start(engines: &PrivateRedis) -> App {
    let app = App::start().await;
    insert_pupils(&app, PEOPLE).await;
    let own = json!({ "sign_in": { "hash_threads": 1, "queue": 512 } });
    let mut config = config(&app.database, &app.keys, own);
    config.redis = engines.config();
    App { auth: Running::<Auth>::start(config, system_clock()), ..app }
}

/// Where the record of a session is.
async fn record_of(engines: &PrivateRedis, browser: &Client) -> Key {
    let cluster = Cluster::connect(&engines.config(), &breakers(), &Handle::current()).await.unwrap();
    let sid = claims(browser)["sid"].as_str().unwrap().replace('-', "");
    cluster.key(&format!("s:{{{sid}}}"))
}

/// Refreshes again and again, and now and then signs in elsewhere; the sessions that were opened by that.
async fn keep_using(
    app: &App,
    (login, browser): (&str, &Client),
    is_over: &AtomicBool,
    degraded: &AtomicUsize,
) -> Vec<Client> {
    let mut sessions = vec![];
    for round in 1.. {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let answer = browser.post(REFRESH, &json!({})).await;
        assert!([200, 503].contains(&answer.status), "{login} is signed out: {answer:?}");
        if claims(browser)["deg"] == true {
            degraded.fetch_add(1, Ordering::Relaxed);
        }
        if round % SIGN_IN_EVERY == 0 {
            let browser = app.browser();
            let answer = sign_in(&browser, login, PASSWORD).await;
            assert!([201, 503].contains(&answer.status), "{login}: {answer:?}");
            sessions.extend((answer.status == 201).then_some(browser));
        }
        tokio::time::sleep(PACE).await;
    }
    sessions
}

async fn refresh_in_full(browser: &Client) -> bool {
    let answer = browser.post(REFRESH, &json!({})).await;
    assert!([200, 503].contains(&answer.status), "a session is lost: {answer:?}");
    answer.status == 200 && claims(browser)["deg"] == false
}

async fn lose_none(fault: fn(Identity) -> Option<Paused>) {
    let engines = PrivateRedis::start().await;
    let app = start(&engines).await;
    let (is_over, degraded) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        let login = format!("pupil.{number}");
        people.push((app.signed_in(&login).await, login));
    }
    let witness = app.signed_in("zoe.martin").await;
    let record = record_of(&engines, &witness).await;
    let using = people.iter().map(|(browser, login)| keep_using(&app, (login, browser), &is_over, &degraded));
    let breaking = async {
        let primary = engines.primary_of(&record).await;
        let guard = fault(primary);
        eventually("sessions of that shard go on by their copies", async || {
            degraded.load(Ordering::Relaxed) > 0
        })
        .await;
        eventually("its replica has taken over", async || refresh_in_full(&witness).await).await;
        assert_ne!(engines.primary_of(&record).await, primary);
        // A primary that stood still comes back and finds that it is none any more.
        if guard.is_some() {
            drop(guard);
            engines.wait_until_whole().await;
        }
        is_over.store(true, Ordering::Relaxed);
    };
    let (sessions, ()) = tokio::join!(join_all(using), breaking);
    let opened: Vec<Client> = sessions.into_iter().flatten().collect();
    assert!(!opened.is_empty(), "some were opened meanwhile");
    for session in people.iter().map(|(browser, _)| browser).chain(&opened) {
        eventually("every session is refreshed in full", async || refresh_in_full(session).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_session_is_lost_when_a_primary_is_killed_in_the_middle() {
    Box::pin(lose_none(|primary| {
        primary.kill();
        None
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_session_is_lost_when_a_primary_stands_still_in_the_middle() {
    Box::pin(lose_none(|primary| Some(primary.pause()))).await;
}
