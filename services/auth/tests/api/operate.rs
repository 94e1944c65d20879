//! Settles what operators do on the host: switches of all schools and whatever concerns administrators, in force in running instances.

use std::process::{Command, Output};
use std::sync::Arc;

use auth::Auth;
use chrono::TimeDelta;
use serde_json::{Value, json};
use shared::clock::system_clock;
use shared::testing::{Running, eventually};

use crate::admin::{self, ADA, EVA, SCHOOL, ZOE};
use crate::app::{App, PASSWORD, claims, own, sign_in};
use crate::waiting_room::{Crowd, room_status};

/// Runs `auth operate` on the database of the test.
async fn operate(app: &App, arguments: &[&str]) -> Output {
    let own = own(&app.keys, json!({}));
    let content = Running::<Auth>::config_content(&app.database, &app.keys, &own);
    let file = app.keys.file("operate.toml");
    std::fs::write(&file, toml::to_string(&content).unwrap()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_auth"));
    command.env_clear().args(["operate", "--config"]).arg(file).args(arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// What it said, when it has done what it was told.
async fn done(app: &App, arguments: &[&str]) -> String {
    let output = operate(app, arguments).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

async fn start() -> App {
    let app = App::start().await;
    admin::insert(&app).await;
    app
}

/// Within the hour.
fn soon() -> String {
    (system_clock().utc() + TimeDelta::minutes(30)).to_rfc3339()
}

fn of<'a>(command: &'a str, person: &'a str) -> Vec<&'a str> {
    vec![command, "--school", SCHOOL, "--person", person, "--authority", "Rectorat"]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_of_all_schools_is_opened_listed_ended_and_kept() {
    let app = start().await;
    let guardian = async || sign_in(&app.browser(), "anne.martin", PASSWORD).await;
    let close = ["close-sign-in", "--role", "Guardian", "--until", &soon(), "--authority", "Rectorat"];
    let said = done(&app, &close).await;
    eventually("the switch is heard of", async || guardian().await.status == 403).await;
    guardian().await.expect_problem(403, "sign_in_closed");
    let id = said.split(' ').nth(1).unwrap();
    assert!(done(&app, &["switches"]).await.contains(id));
    done(&app, &["end-switch", id, "--authority", "Rectorat"]).await;
    eventually("it is over", async || guardian().await.status == 201).await;
    assert_eq!(done(&app, &["switches"]).await, "");
    let sql = "select array_agg(content::json->>'act' order by id), min(content::json->>'authority'),
                      min(content::json->'actor'->>'kind') from audit_leaf";
    let row = app.database.connect().await.query_one(sql, &[]).await.unwrap();
    assert_eq!(row.get::<_, Vec<String>>(0), ["switch_opened", "switch_ended"]);
    assert_eq!((row.get::<_, &str>(1), row.get::<_, &str>(2)), ("Rectorat", "operator"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_without_an_end_or_an_authority_changes_nothing() {
    let app = start().await;
    let late = (system_clock().utc() + TimeDelta::days(8)).to_rfc3339();
    let until = soon();
    for (arguments, code) in [
        (vec!["close-sign-in", "--role", "Guardian", "--authority", "Rectorat"], 2),
        (vec!["close-sign-in", "--role", "Guardian", "--until", &until], 2),
        (vec!["close-sign-in", "--role", "Guardian", "--until", &until, "--authority", " "], 2),
        (vec!["close-sign-in", "--role", "King", "--until", &until, "--authority", "Rectorat"], 2),
        (vec!["close-sign-in", "--role", "LocalAdmin", "--until", &until, "--authority", "Rectorat"], 1),
        (vec!["close-sign-in", "--role", "Guardian", "--until", &late, "--authority", "Rectorat"], 1),
        (vec!["limit-idle", "--idle-s", "60", "--until", &until, "--authority", "Rectorat"], 1),
        (vec!["end-switch", ZOE, "--authority", "Rectorat"], 1),
    ] {
        let output = operate(&app, &arguments).await;
        assert_eq!(output.status.code(), Some(code), "{arguments:?} {output:?}");
    }
    let count = app.database.connect().await.query_one("select count(*) from audit_leaf", &[]).await.unwrap();
    assert_eq!(count.get::<_, i64>(0), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn lanes_share_otherwise_while_the_switch_holds() {
    let app = Arc::new(start().await);
    let crowd = Crowd::gather(&app).await;
    // Of what can be served, the part that the personnel would get beside a waiting lane of new devices.
    let part = async || {
        let room = room_status(&app).await;
        let figure = |path: &str| room.pointer(path).and_then(Value::as_f64).unwrap();
        figure("/lanes/staff/called_per_s") / figure("/sign_ins_per_s")
    };
    eventually("3 of 3 + 2", async || (0.5..0.7).contains(&part().await)).await;
    let weights = ["weigh-lanes", "--staff", "0.5", "--student", "3", "--guardian", "2", "--unknown", "4.5"];
    let until = soon();
    let said = done(&app, &[&weights[..], &["--until", &until, "--authority", "Rectorat"]].concat()).await;
    eventually("0.5 of 0.5 + 4.5", async || (0.05..0.15).contains(&part().await)).await;
    let id = said.split(' ').nth(1).unwrap();
    done(&app, &["end-switch", id, "--authority", "Rectorat"]).await;
    eventually("as configured", async || (0.5..0.7).contains(&part().await)).await;
    crowd.go();
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_are_made_helped_and_stopped_by_operators() {
    let app = start().await;
    let said = done(&app, &of("reset-code", EVA)).await;
    let code = said.split(' ').next().unwrap();
    let reset = json!({ "login": "eva.autre", "code": code, "new_password": "tiroir vif bleu nuit" });
    app.browser().post("/auth/v1/password-resets", &reset).await.expect(204);
    let zoe = app.signed_in("zoe.martin").await;
    done(&app, &[of("grant-role", ZOE), vec!["--role", "LocalAdmin"]].concat()).await;
    zoe.post("/auth/v1/sessions/refresh", &json!({})).await.expect(200);
    assert_eq!(claims(&zoe)["mem"][0]["role"], "LocalAdmin");
    done(&app, &[of("end-role", ZOE), vec!["--role", "LocalAdmin"]].concat()).await;
    for command in ["grant-role", "end-role"] {
        done(&app, &[of(command, ZOE), vec!["--role", "Principal"]].concat()).await;
    }
    eventually("her token is refused", async || zoe.get("/auth/v1/me").await.status == 401).await;
    zoe.post("/auth/v1/sessions/refresh", &json!({})).await.expect(200);
    done(&app, &of("block", ZOE)).await;
    eventually("she is signed out", async || zoe.get("/auth/v1/me").await.code() == "session_revoked").await;
    sign_in(&app.browser(), "zoe.martin", PASSWORD).await.expect_problem(401, "invalid_credentials");
    done(&app, &of("unblock", ZOE)).await;
    app.signed_in("zoe.martin").await;
    let elsewhere = ["block", "--school", admin::OTHER_SCHOOL, "--person", ADA, "--authority", "Rectorat"];
    assert_eq!(operate(&app, &elsewhere).await.status.code(), Some(1));
}
