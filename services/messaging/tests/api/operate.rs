//! Settles what operators do on the host: sending closed in all schools at once, messages withdrawn and accounts secured wherever they are.

use std::process::{Command, Output};

use chrono::TimeDelta;
use messaging::Messaging;
use serde_json::json;
use shared::clock::system_clock;
use shared::testing::{Running, eventually};

use crate::app::{App, CLASS, SCHOOL, Who, own, to_class};
use crate::restriction::restrictions;
use crate::stand_in::StandIn;

pub async fn operate(app: &App, arguments: &[&str]) -> Output {
    let content = Running::<Messaging>::config_content(&app.database, &app.keys, &own(&app.keys));
    let file = app.keys.file("operate.toml");
    std::fs::write(&file, toml::to_string(&content).unwrap()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_messaging"));
    command.env_clear().args(["operate", "--config"]).arg(file).args(arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// What it said, when it has done what it was told.
pub async fn done(app: &App, arguments: &[&str]) -> String {
    let output = operate(app, arguments).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Within the hour.
fn soon() -> String {
    (system_clock().utc() + TimeDelta::minutes(30)).to_rfc3339()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_schools_are_closed_at_once_and_each_reopens_after_its_own_all_clear() {
    let app = App::start().await;
    let until = soon();
    let close =
        ["restrict", "--role", "Student", "--role", "Principal", "--mode", "closed", "--needs-all-clear"];
    let why = ["--reason", "Menaces dans le pays.", "--until", &until, "--authority", "Ministère"];
    let said = done(&app, &[&close[..], &why[..]].concat()).await;
    let ids: Vec<&str> = said.lines().map(|line| line.split(' ').next().unwrap()).collect();
    let to_pupils = || to_class(CLASS, &["student"]);
    let audience = json!({ "kind": "role", "school_id": Who::STRANGER.1, "role": "Principal" });
    let next_door = json!({ "subject": "A", "body": "B", "audience": audience });
    app.send(Who::PUPIL, to_pupils()).await.expect_problem(403, "sending_restricted");
    let neighbour = app.database.connect().await;
    let sql = "insert into directory.membership values
        ('00000000-0000-0000-0000-0000000000a2', '00000000-0000-0000-0000-000000000009', 'Principal')";
    neighbour.batch_execute(sql).await.unwrap();
    app.send(Who::STRANGER, next_door.clone()).await.expect_problem(403, "sending_restricted");
    assert!(done(&app, &["restrictions"]).await.contains(ids[0]));

    let body = json!({ "mode": "open", "authority": "Principal" });
    let all_clear = format!("/messaging/v1/schools/{SCHOOL}/all-clears");
    let demanded = json!({ "authority": "Police nationale" });
    let reopen = |id: &str| restrictions(&format!("/{id}/reopen"));
    let (head, admin) = (app.proved(Who::PRINCIPAL), app.proved(Who::ADMIN));
    head.post(&reopen(ids[1]), &body).await.expect_problem(409, "all_clear_missing");
    head.post(&all_clear, &demanded).await.expect(204);
    for id in [ids[1], ids[0]] {
        head.post(&reopen(id), &body).await.expect(200);
        assert_eq!(admin.post(&reopen(id), &body).await.expect(200).body["state"], "done");
    }
    app.send(Who::PUPIL, to_pupils()).await.expect(201);
    app.send(Who::STRANGER, next_door.clone()).await.expect_problem(403, "sending_restricted");

    let by = |operator: &'static str| ["--operator", operator, "--authority", "Ministère"];
    let open = |id, operator| [&["reopen", id, "--mode", "open"][..], &by(operator)].concat();
    assert_eq!(
        operate(&app, &open(ids[1], "op-1")).await.status.code(),
        Some(1),
        "no all-clear of all schools"
    );
    done(&app, &[&["all-clear"][..], &by("op-1")].concat()).await;
    for id in [ids[1], ids[0]] {
        for _ in 0..2 {
            assert!(done(&app, &open(id, "op-1")).await.starts_with("waiting"), "one operator is one");
        }
        assert!(done(&app, &["restrictions"]).await.contains(id));
        assert_eq!(done(&app, &open(id, "op-2")).await, "done");
    }
    app.send(Who::STRANGER, next_door).await.expect(201);
    assert_eq!(done(&app, &["restrictions"]).await, "");
    assert_eq!((app.kept("sending_restricted").await, app.kept("reopening_confirmed").await), (2, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_school_is_closed_from_the_host_as_well() {
    let app = App::start().await;
    let (school, until) = (SCHOOL.to_string(), soon());
    let close =
        ["restrict", "--school", &school, "--role", "Guardian", "--direction", "to", "--mode", "closed"];
    let why = ["--reason", "Menaces.", "--until", &until, "--authority", "Rectorat"];
    let said = done(&app, &[&close[..], &why[..]].concat()).await;
    let id = said.split(' ').next().unwrap();
    app.send(Who::TEACHER, to_class(CLASS, &["guardian"])).await.expect_problem(403, "sending_restricted");
    assert!(done(&app, &["restrictions", "--school", &school]).await.contains(id));
    let open = ["reopen", id, "--mode", "open", "--operator", "op-1", "--authority", "Rectorat"];
    assert_eq!(operate(&app, &open).await.status.code(), Some(1), "it is not one of all schools");
    done(&app, &[&open[..], &["--school", &school]].concat()).await;
    app.send(Who::TEACHER, to_class(CLASS, &["guardian"])).await.expect_problem(403, "sending_restricted");
    let confirmed = app.proved(Who::PRINCIPAL);
    let body = json!({ "mode": "open", "authority": "Rectorat" });
    let confirmed = confirmed.post(&restrictions(&format!("/{id}/reopen")), &body).await.expect(200);
    assert_eq!(confirmed.body["state"], "done", "an operator and the head are two");
    app.send(Who::TEACHER, to_class(CLASS, &["guardian"])).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_anywhere_is_withdrawn_from_the_host_and_two_operators_decide() {
    let app = App::start().await;
    app.send(Who::PUPIL, to_class(CLASS, &["student"])).await.expect(201);
    let sender = Who::PUPIL.id().to_string();
    let since = (system_clock().utc() - TimeDelta::days(60)).to_rfc3339();
    let which = ["--sender", &sender, "--since", &since];
    let preview = done(&app, &[&["preview-recall"][..], &which[..]].concat()).await;
    assert_eq!(preview, format!("{SCHOOL} 1 messages (0 of them quote), 1 copies, 0 read"));
    assert_eq!(app.unread(Who::CLASSMATE).await, 1);
    let why = ["--reason", "Compte volé.", "--contact", "rectorat", "--authority", "Rectorat"];
    let said = done(&app, &[&["recall"][..], &which[..], &why[..]].concat()).await;
    let id = said.lines().next().unwrap();
    assert_eq!((said.lines().nth(1), app.unread(Who::CLASSMATE).await), (Some(preview.as_str()), 0));
    assert!(done(&app, &["recalls"]).await.starts_with(&format!("{id} quarantined")));
    let decide = async |what: &str, operator: &str| {
        let who = ["--operator", operator, "--authority", "Rectorat"];
        operate(&app, &[&[what, id][..], &who[..]].concat()).await
    };
    for _ in 0..2 {
        let waiting = String::from_utf8(decide("restore-recall", "op-1").await.stdout).unwrap();
        assert!(waiting.starts_with("waiting for another operator"), "{waiting}");
        assert_eq!(app.unread(Who::CLASSMATE).await, 0, "one operator twice is one");
    }
    assert_eq!(decide("restore-recall", "op-2").await.stdout, b"done\n");
    assert_eq!(app.unread(Who::CLASSMATE).await, 1);
    assert_eq!(decide("finish-recall", "op-2").await.status.code(), Some(1), "it is decided");
    for wrong in [&["recall", "--sender", &sender][..], &["recall", "--message", &sender], &["recall"]] {
        let code = operate(&app, &[wrong, &why[..]].concat()).await.status.code();
        assert!(matches!(code, Some(1 | 2)), "{wrong:?} {code:?}");
    }
    assert_eq!(app.kept("messages_quarantined").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_of_any_school_are_secured_from_the_host() {
    let auth = StandIn::start().await;
    let app = App::start_changed(&auth.server.uri(), |_| {}).await;
    app.send(Who::PUPIL, to_class(CLASS, &["student"])).await.expect(201);
    let (pupil, head) = (Who::PUPIL.id().to_string(), Who::STRANGER.id().to_string());
    let since = (system_clock().utc() - TimeDelta::hours(1)).to_rfc3339();
    let asked = ["respond", "--person", &pupil, "--person", &head, "--since", &since];
    let why = ["--reason", "Comptes volés.", "--authority", "Rectorat"];
    let said = done(&app, &[&asked[..], &why[..]].concat()).await;
    let id = said.split(' ').next().unwrap();
    app.send(Who::PUPIL, to_class(CLASS, &["student"])).await.expect_problem(403, "account_contained");
    assert_eq!(app.unread(Who::CLASSMATE).await, 0);
    eventually("both are contained", async || auth.contained().len() == 2).await;
    let is_done =
        async || done(&app, &["response", id]).await.matches("contained after 1 attempts").count() == 2;
    eventually("the command says it", is_done).await;
    assert!(done(&app, &["responses"]).await.contains("2 accounts, 0 waiting for auth (Rectorat)"));
    assert_eq!(operate(&app, &["response", &pupil]).await.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_not_whole_changes_nothing() {
    let app = App::start().await;
    let (until, late) = (soon(), (system_clock().utc() + TimeDelta::days(8)).to_rfc3339());
    for (role, mode, reason, until, authority, code) in [
        ("King", "closed", "R", until.as_str(), "Rectorat", 2),
        ("Student", "shut", "R", &until, "Rectorat", 2),
        ("Student", "open", "R", &until, "Rectorat", 1),
        ("Student", "closed", "", &until, "Rectorat", 2),
        ("Student", "closed", "R", &late, "Rectorat", 1),
        ("Student", "closed", "R", "tomorrow", "Rectorat", 2),
        ("Student", "closed", "R", &until, " ", 2),
    ] {
        let named = ["restrict", "--role", role, "--mode", mode, "--reason", reason];
        let arguments = [&named[..], &["--until", until, "--authority", authority]].concat();
        let output = operate(&app, &arguments).await;
        assert_eq!(output.status.code(), Some(code), "{arguments:?} {output:?}");
    }
    assert_eq!(app.kept("sending_restricted").await, 0);
}
