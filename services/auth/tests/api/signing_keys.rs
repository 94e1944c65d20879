//! Settles that keys change without anybody being signed out: the next key is published an hour before it signs, old handles still open.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use auth::Auth;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use shared::config::Profile;
use shared::keys::{generate_secret, generate_signing_key, read_public_key, read_secret, read_signing_key};
use shared::service::Config;
use shared::session::{ACCESS_COOKIE, REFRESH_COOKIE};
use shared::testing::{Client, ManualClock, Running};

use crate::app::{App, config};

const REFRESH: &str = "/auth/v1/sessions/refresh";

/// Name of the key that signed the browser's access token.
fn kid(browser: &Client) -> String {
    let token = browser.cookie(ACCESS_COOKIE).unwrap();
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}

async fn published(auth: &Running<Auth>) -> Vec<String> {
    let jwks = auth.internal_client().get("/internal/v1/jwks").await.expect(200).body;
    jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// The same installation with other keys; sessions of the instances before are its own.
fn restarted(before: &Config<auth::Config>, change: impl FnOnce(&mut auth::Config)) -> Config<auth::Config> {
    let mut config = before.clone();
    change(&mut config.own);
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_key_is_published_for_an_hour_before_it_signs_and_nobody_is_signed_out() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    let config = config(&app.database, &app.keys, json!({}));
    let before = Running::<Auth>::start(config.clone(), Arc::new(clock.clone()));
    assert_eq!(published(&before).await, ["demo-access"]);
    std::fs::write(app.keys.file("next"), generate_signing_key("demo-next").private_jwk).unwrap();
    let with_next =
        restarted(&config, |own| own.access_tokens.newer_signing_key_files = vec![app.keys.file("next")]);
    let auth = Running::<Auth>::start(with_next.clone(), Arc::new(clock.clone()));
    assert_eq!(published(&auth).await, ["demo-access", "demo-next"]);

    let browser = auth.client();
    crate::app::sign_in(&browser, "zoe.martin", crate::app::PASSWORD).await.expect(201);
    clock.advance(Duration::from_mins(59));
    browser.post(REFRESH, &json!({})).await.expect(200);
    assert_eq!(kid(&browser), "demo-access");
    let old_token = browser.cookie(ACCESS_COOKIE).unwrap();
    clock.advance(Duration::from_mins(1));
    // Started later, and signs with the new one all the same: the hour began with the first instance that had it.
    let later = Running::<Auth>::start(with_next, Arc::new(clock.clone()));
    for instance in [&auth, &later] {
        let browser_there = instance.client();
        browser_there.set_cookie(REFRESH_COOKIE, browser.cookie(REFRESH_COOKIE).unwrap());
        browser_there.post(REFRESH, &json!({})).await.expect(200);
        assert_eq!(kid(&browser_there), "demo-next");
        browser_there.get("/auth/v1/me").await.expect(200);
        instance.client().with_token(old_token.clone()).get("/auth/v1/me").await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn handles_that_were_sealed_with_the_key_before_still_open_and_are_sealed_anew() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    let config = config(&app.database, &app.keys, json!({}));
    let before = Running::<Auth>::start(config.clone(), Arc::new(clock.clone()));
    let browser = before.client();
    crate::app::sign_in(&browser, "zoe.martin", crate::app::PASSWORD).await.expect(201);
    let old = config.own.access_tokens.refresh_key_file.clone();
    std::fs::write(app.keys.file("refresh-2"), generate_secret("demo-refresh-2")).unwrap();
    let rotated = restarted(&config, |own| {
        own.access_tokens.refresh_key_file = app.keys.file("refresh-2");
        own.access_tokens.older_refresh_key_files = vec![old];
    });
    let alone = restarted(&rotated, |own| own.access_tokens.older_refresh_key_files.clear());
    let (rotated, alone) = (
        Running::<Auth>::start(rotated, Arc::new(clock.clone())),
        Running::<Auth>::start(alone, Arc::new(clock.clone())),
    );
    let at = |instance: &Running<Auth>, handle: &str| {
        let browser = instance.client();
        browser.set_cookie(REFRESH_COOKIE, handle.to_owned());
        browser
    };
    let handle = browser.cookie(REFRESH_COOKIE).unwrap();
    at(&alone, &handle).post(REFRESH, &json!({})).await.expect_problem(401, "session_over");
    let moved = at(&rotated, &handle);
    moved.post(REFRESH, &json!({})).await.expect(200);
    let handle = moved.cookie(REFRESH_COOKIE).unwrap();
    at(&alone, &handle).post(REFRESH, &json!({})).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_keys_of_one_name_are_refused() {
    let app = App::start().await;
    let config = config(&app.database, &app.keys, json!({}));
    let twice = restarted(&config, |own| {
        own.access_tokens.newer_signing_key_files = vec![own.access_tokens.signing_key_file.clone()];
    });
    let refused = Running::<Auth>::try_start(twice, shared::clock::system_clock()).err().unwrap();
    assert!(refused.contains("another signing key is called demo-access"), "{refused}");
}

#[test]
fn the_binary_makes_keys_that_production_takes_and_writes_over_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let make = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_auth"));
        command.env_clear().current_dir(&folder).arg("generate-key").args(arguments).status().unwrap().code()
    };
    assert_eq!(make(&["--kid", "access-1", "access.jwk"]), Some(0));
    assert_eq!(make(&["--kid", "refresh-1", "--secret", "refresh.jwk"]), Some(0));
    let public = read_public_key(&file("access.jwk.pub"), Profile::Production).unwrap();
    assert_eq!(read_signing_key(&file("access.jwk"), Profile::Production).unwrap().public, public);
    let secret = read_secret(&file("refresh.jwk"), Profile::Production).unwrap();
    assert!(!file("refresh.jwk.pub").exists());
    for private in ["access.jwk", "refresh.jwk"] {
        assert_eq!(file(private).metadata().unwrap().permissions().mode() & 0o777, 0o600, "{private}");
    }
    assert_eq!(make(&["--kid", "refresh-2", "--secret", "refresh.jwk"]), Some(1));
    assert_eq!(read_secret(&file("refresh.jwk"), Profile::Production).unwrap(), secret);
}
