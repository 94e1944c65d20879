//! Settles how often one account and one address may ask, what the refused are told, and that refusals are counted under their cause.

use auth::Auth;
use reqwest::Method;
use serde_json::{Value, json};
use shared::clock::system_clock;
use shared::resilience::rate_limit::Rate;
use shared::testing::{Answer, Client, Running};

use crate::app::{App, PASSWORD, config, sign_in};

const ME: &str = "/auth/v1/me";
const FEW: Rate = Rate { per_second: 1, burst: 3 };

/// Auth with other rates.
async fn start(account: Option<Rate>, address: Option<Rate>) -> App {
    let app = App::start().await;
    let mut config = config(&app.database, &app.keys, json!({}));
    let limits = &mut config.http.rate_limits;
    limits.account = account.unwrap_or(limits.account);
    limits.address = address.unwrap_or(limits.address);
    App { auth: Running::<Auth>::start(config, system_clock()), ..app }
}

async fn from_address(browser: &Client, forwarded_for: &str) -> Answer {
    browser.send(browser.request(Method::GET, ME).header("x-forwarded-for", forwarded_for)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_in_a_loop_is_refused_and_no_other() {
    let app = start(Some(FEW), None).await;
    let busy = app.signed_in("zoe.martin").await;
    let first = busy.get(ME).await.expect(200);
    assert_eq!(first.headers["ratelimit-policy"], "\"account\";q=3;w=3");
    assert_eq!(first.headers["ratelimit"], "\"account\";r=2;t=1");
    busy.get(ME).await.expect(200);
    busy.get(ME).await.expect(200);
    let refused = busy.get(ME).await;
    assert!(refused.headers.contains_key("retry-after"), "{refused:?}");
    assert_eq!(refused.headers["ratelimit"], "\"account\";r=0;t=3");
    refused.expect_problem(429, "rate_limited");
    sign_in(&app.browser(), "zoe.martin", PASSWORD).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_what_the_trusted_proxy_says_and_not_what_the_client_claims() {
    let app = start(None, Some(FEW)).await;
    let browser = app.browser();
    for claimed in ["1.1.1.1", "2.2.2.2", "3.3.3.3"] {
        from_address(&browser, &format!("{claimed}, 203.0.113.1"))
            .await
            .expect_problem(401, "sign_in_required");
    }
    from_address(&browser, "4.4.4.4, 203.0.113.1").await.expect_problem(429, "rate_limited");
    from_address(&browser, "203.0.113.2").await.expect_problem(401, "sign_in_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_counted_under_their_cause_and_caller() {
    let app = start(Some(FEW), None).await;
    let busy = app.signed_in("zoe.martin").await;
    for _ in 0..5 {
        busy.get(ME).await;
    }
    let late = app.browser();
    let late = late.send(late.request(Method::GET, ME).header("x-ent-timeout-ms", "2")).await;
    late.expect_problem(503, "deadline_exceeded");
    let status = app.auth.internal_client().get("/statusz").await.expect(200);
    let counted = |cause: &str, caller: &str| {
        let rows = status.body["refusals_and_slow_answers"].as_array().unwrap();
        let row = rows.iter().find(|row| row["cause"] == cause && row["caller"] == caller);
        row.map_or(Value::Null, |row| row["refusals"].clone())
    };
    assert_eq!(counted("rate", "session"), 2, "{status:?}");
    assert_eq!(counted("deadline", "unknown"), 1, "{status:?}");
}
