//! Settles how people wait when more sign in than can: in order, with a place that is theirs, and never for nothing.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use auth::Auth;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use shared::ablation::{Ablation, Part};
use shared::clock::system_clock;
use shared::testing::{Answer, Client, Running, eventually, redis_behind_proxies};
use tokio::task::JoinSet;

use crate::app::{App, PASSWORD, config};
use crate::outage::behind_proxy;

const SIGN_IN: &str = "/auth/v1/sessions";
const ROOM: &str = "/auth/v1/waiting-room";
/// Nobody has a login that begins so: a full hash is computed for it.
const NOBODY: &str = "nobody";
/// Tells those who have no account apart, so that they are a crowd and not one guesser.
static STRANGERS: AtomicU32 = AtomicU32::new(0);

/// Signs in from an address of one's own; whoever is nobody is somebody else each time.
async fn sign_in(browser: &Client, login: &str, password: &str) -> Answer {
    let number = STRANGERS.fetch_add(1, Ordering::Relaxed);
    let login = if login == NOBODY { format!("{NOBODY}.{number}") } else { login.to_owned() };
    let address = Ipv4Addr::from_bits(0x6440_0000 + number).to_string();
    let body = json!({ "login": login, "password": password });
    browser.send(browser.request(Method::POST, SIGN_IN).header("x-forwarded-for", address).json(&body)).await
}

/// Keeps all places inside taken by people who mistype and come again, until it goes or is dropped.
pub struct Crowd(JoinSet<()>);

impl Crowd {
    pub async fn gather(app: &Arc<App>) -> Self {
        let mut crowd = JoinSet::new();
        for _ in 0..40 {
            let app = app.clone();
            crowd.spawn(async move {
                loop {
                    come_in(&app.browser(), NOBODY, "anything").await;
                }
            });
        }
        eventually("people have to wait", async || {
            room_status(app).await.pointer("/is_open") == Some(&json!(false))
        })
        .await;
        Self(crowd)
    }

    pub fn go(mut self) {
        self.0.abort_all();
    }
}

/// What `/statusz` says of the room.
pub async fn room_status(app: &App) -> Value {
    let status = app.auth.internal_client().get("/statusz").await;
    status.body.pointer("/waiting_room").cloned().unwrap_or_default()
}

async fn place(browser: &Client) -> Value {
    browser.get(ROOM).await.expect(200).body
}

/// Asks as often as one is told to, until it is one's turn.
async fn wait_for_turn(browser: &Client) {
    let waiting = async {
        loop {
            let again_in_s = place(browser).await.pointer("/ask_again_in_s").and_then(Value::as_u64).unwrap();
            if again_in_s == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_secs(again_in_s)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waiting).await.expect("a turn");
}

/// Signs in as somebody who is sent to wait does; returns how many attempts that took.
async fn come_in(browser: &Client, login: &str, password: &str) -> (u32, Answer) {
    for attempt in 1..=10 {
        let answer = sign_in(browser, login, password).await;
        if answer.status != 503 {
            return (attempt, answer);
        }
        assert_eq!(answer.code(), "waiting_room", "{answer:?}");
        assert!(answer.headers.contains_key("retry-after") && answer.headers.contains_key("waiting-ticket"));
        wait_for_turn(browser).await;
    }
    panic!("{login} was sent to wait ten times");
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_in_a_crowd_gets_in_with_three_attempts_in_the_mean() {
    let app = Arc::new(App::start().await);
    let people = (0..50).map(|number| {
        let app = app.clone();
        async move {
            let login = if number % 10 == 0 { "zoe.martin" } else { NOBODY };
            let (attempts, answer) = come_in(&app.browser(), login, PASSWORD).await;
            assert_eq!(answer.status, if login == NOBODY { 401 } else { 201 }, "{answer:?}");
            attempts
        }
    });
    let attempts = join_all(people).await;
    assert!(attempts.iter().sum::<u32>() <= 3 * 50, "{attempts:?}");
    assert!(attempts.iter().any(|attempts| *attempts > 1), "nobody had to wait: this proves nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_is_used_once_and_by_whoever_presents_it_first() {
    let app = Arc::new(App::start().await);
    let crowd = Crowd::gather(&app).await;
    let browser = app.browser();
    sign_in(&browser, "zoe.martin", PASSWORD).await.expect_problem(503, "waiting_room");
    wait_for_turn(&browser).await;
    let ticket = browser.cookie("ent_ticket").unwrap();
    crowd.go();
    let present = async || {
        let body = json!({ "login": "zoe.martin", "password": PASSWORD });
        let other = app.browser();
        let request = other.request(Method::POST, SIGN_IN).header("waiting-ticket", &ticket).json(&body);
        other.send(request).await
    };
    eventually("the turn is used", async || present().await.status == 201).await;
    let refused = present().await;
    assert_eq!((refused.status, refused.code()), (409, "ticket_used"), "{refused:?}");
    let cookies = refused.headers.get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().ok());
    let cookies: Vec<&str> = cookies.collect();
    assert!(
        cookies.iter().any(|cookie| cookie.starts_with("ent_ticket=;")),
        "a browser would present it for ever: {cookies:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_a_fault_of_ours_spoils_is_given_back() {
    let (app, proxy, _) = behind_proxy().await;
    let app = Arc::new(app);
    let crowd = Crowd::gather(&app).await;
    let browser = app.browser();
    sign_in(&browser, "zoe.martin", PASSWORD).await.expect_problem(503, "waiting_room");
    wait_for_turn(&browser).await;
    proxy.break_connections();
    let spoilt = sign_in(&browser, "zoe.martin", PASSWORD).await;
    assert_eq!((spoilt.status, spoilt.code()), (503, "database_unavailable"), "{spoilt:?}");
    assert!(spoilt.headers.contains_key("waiting-ticket"), "{spoilt:?}");
    proxy.restore();
    crowd.go();
    eventually("the same place leads in", async || {
        sign_in(&browser, "zoe.martin", PASSWORD).await.status == 201
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_mistypes_keeps_their_turn_for_two_more_tries() {
    let app = Arc::new(App::start().await);
    let _crowd = Crowd::gather(&app).await;
    let browser = app.browser();
    sign_in(&browser, "zoe.martin", "wrong").await.expect_problem(503, "waiting_room");
    for password in ["wrong", "wrong again"] {
        wait_for_turn(&browser).await;
        let (_, answer) = come_in(&browser, "zoe.martin", password).await;
        answer.expect_problem(401, "invalid_credentials");
        assert_eq!(place(&browser).await["standing"], "called", "still their turn");
    }
    let (_, answer) = come_in(&browser, "zoe.martin", PASSWORD).await;
    answer.expect(201);
    assert_eq!(browser.cookie("ent_ticket").filter(|ticket| !ticket.is_empty()), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promise_is_kept_in_the_ticket_and_a_forged_ticket_is_none() {
    let app = Arc::new(App::start().await);
    let _crowd = Crowd::gather(&app).await;
    let browser = app.browser();
    let first = place(&browser).await;
    browser.set_cookie("ent_ticket", "forged".to_owned());
    let second = place(&browser).await;
    assert_ne!(first["ticket"], second["ticket"]);
    let ticket = browser.cookie("ent_ticket").unwrap();
    assert_eq!(Some(ticket.as_str()), second["ticket"].as_str());
    // Asking again gives the same place, with its promise in it once there is one.
    let again = place(&browser).await;
    assert!(
        again["ahead"].as_u64() <= second["ahead"].as_u64() || second["standing"] == "counting",
        "{again}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn people_get_a_page_and_devices_their_lane() {
    let app = Arc::new(App::start().await);
    let browser = app.signed_in("zoe.martin").await;
    assert!(browser.cookie("ent_device").is_some());
    let open = place(&app.browser()).await;
    assert_eq!(open["standing"], "open");
    let _crowd = Crowd::gather(&app).await;
    let request =
        browser.request(Method::GET, ROOM).header("accept", "text/html").header("accept-language", "fr");
    let page = browser.send(request).await.expect(200);
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert!(page.headers.contains_key("refresh") || page.body.to_string().contains("à vous"), "{page:?}");
    eventually("a place in the lane of pupils", async || {
        place(&{
            let other = app.browser();
            other.set_cookie("ent_device", browser.cookie("ent_device").unwrap());
            other
        })
        .await;
        room_status(&app).await.pointer("/lanes/student/waiting").and_then(Value::as_f64) > Some(0.0)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_one_instance_keeps_the_room_alone() {
    let app = App::start().await;
    let mut settings = config(&app.database, &app.keys, json!({}));
    let (reach_as, proxies) = redis_behind_proxies().await;
    settings.redis.reach_as = reach_as;
    let app = Arc::new(App { auth: Running::<Auth>::start(settings, system_clock()), ..app });
    let _crowd = Crowd::gather(&app).await;
    let browser = app.browser();
    sign_in(&browser, NOBODY, "anything").await.expect_problem(503, "waiting_room");
    proxies.iter().for_each(shared::testing::FaultProxy::break_connections);
    wait_for_turn(&browser).await;
    let (_, answer) = come_in(&browser, NOBODY, "anything").await;
    answer.expect_problem(401, "invalid_credentials");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_waiting_room_whoever_comes_when_it_is_full_is_sent_away_with_nothing() {
    let app = App::start().await;
    let mut settings = config(&app.database, &app.keys, json!({}));
    settings.ablate = Ablation::default().without(Part::WaitingRoom);
    let app = App { auth: Running::<Auth>::start(settings, system_clock()), ..app };
    let answers =
        join_all((0..60).map(|_| async { sign_in(&app.browser(), NOBODY, "anything").await })).await;
    let sent_away = answers.iter().filter(|answer| answer.status == 503).collect::<Vec<_>>();
    assert!(!sent_away.is_empty());
    for answer in sent_away {
        assert_eq!((answer.code(), &answer.body["place"]), ("sign_in_busy", &Value::Null));
        let seconds: u32 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((2..=3).contains(&seconds), "{seconds}");
    }
}

/// The figure of the lane of strangers, as the service tells those who watch.
async fn figure(app: &App, name: &str) -> Option<f64> {
    let lines = metrics(app).await;
    let line = lines.lines().find(|line| line.starts_with(name) && line.contains("lane=\"unknown\""))?;
    line.rsplit(' ').next()?.parse().ok()
}

async fn metrics(app: &App) -> String {
    let request = app.auth.internal_client().request(Method::GET, "/metrics");
    request.send().await.unwrap().text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_watch_see_people_wait_the_mark_advance_and_nobody_fail() {
    let app = Arc::new(App::start().await);
    let crowd = Crowd::gather(&app).await;
    let mark = "ent_waiting_room_mark_seconds{";
    eventually("people wait", async || figure(&app, "ent_waiting_room_waiting{").await >= Some(1.0)).await;
    let first = figure(&app, mark).await.unwrap();
    eventually("the mark advances", async || figure(&app, mark).await > Some(first)).await;
    assert_eq!(sign_in(&app.browser(), NOBODY, "anything").await.code(), "waiting_room");
    crowd.go();
    let text = metrics(&app).await;
    let failed = text.lines().filter(|line| {
        let is_count = line.starts_with("http_server_request_duration_seconds_count{");
        is_count && line.contains("\"/auth/v1/sessions\"") && line.contains("http_response_status_code=\"5")
    });
    let failed: Vec<&str> = failed.collect();
    assert!(
        !failed.is_empty() && failed.iter().all(|line| line.contains("error_type=\"waiting_room\"")),
        "{failed:#?}"
    );
}
