//! Settles which acts of auth are kept, and that an export of them is checked by the command line without any service.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use auth::Auth;
use serde_json::{Value, json};
use shared::audit::{self, Checkpoints, Config, Log};
use shared::clock::system_clock;
use shared::config::Profile;
use shared::pg::Database;
use shared::session::REFRESH_COOKIE;
use shared::testing::{ManualClock, Running, breakers, eventually};
use tempfile::TempDir;
use tokio::runtime::Handle;

use crate::app::{App, config};

const REFRESH: &str = "/auth/v1/sessions/refresh";

/// Auth that signs checkpoints into a folder.
pub async fn signing(clock: &ManualClock) -> (App, Config, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let audit =
        Config { checkpoint_dir: folder.path().to_owned(), signing_key_file: None, checkpoint_every_s: 1 };
    let app = App::start_at(clock).await;
    let mut config = config(&app.database, &app.keys, json!({}));
    config.audit = Some(audit.clone());
    let app = App { auth: Running::start(config, Arc::new(clock.clone())), ..app };
    (app, audit, folder)
}

/// A session whose old handle comes back after its grace.
async fn steal_a_session(app: &App, clock: &ManualClock) {
    let browser = app.signed_in("zoe.martin").await;
    let stolen = browser.cookie(REFRESH_COOKIE).unwrap();
    browser.post(REFRESH, &json!({})).await.expect(200);
    clock.advance(Duration::from_secs(61));
    let thief = app.browser();
    thief.set_cookie(REFRESH_COOKIE, stolen);
    thief.post(REFRESH, &json!({})).await.expect_problem(401, "session_over");
}

async fn entries(app: &App) -> Vec<Value> {
    let rows =
        app.database.connect().await.query("select content from audit_leaf order by id", &[]).await.unwrap();
    rows.iter().map(|row| serde_json::from_str(row.get(0)).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_stolen_session_is_kept_and_an_honest_refresh_is_not() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    steal_a_session(&app, &clock).await;
    let entries = entries(&app).await;
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!(entries[0]["act"], "session_family_ended");
    assert_eq!(entries[0]["details"]["person"], "00000000-0000-0000-0000-000000000001");
    assert_eq!(entries[0]["at"], "2026-09-01T06:01:01.000Z");
    assert_eq!(entries[0]["trace_id"].as_str().unwrap().len(), 32);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_signed_is_checked_by_the_command_line_alone() {
    let clock = ManualClock::default();
    let (app, audit, folder) = signing(&clock).await;
    steal_a_session(&app, &clock).await;
    let checkpoint = folder.path().join("00000000000000000001.checkpoint");
    // The service's clock stands still, so its worker would wait for ever for the next one.
    let due = async || {
        clock.advance(Duration::from_secs(1));
        checkpoint.is_file()
    };
    eventually("a checkpoint is written", due).await;

    let database = Database::open(&app.database.config(), &breakers(), &Handle::current()).unwrap();
    let checkpoints = Checkpoints::open(&audit, &app.keys.file("auth"), Profile::Test).unwrap();
    let log = Log::new("auth", database, system_clock(), Some(checkpoints));
    let export = folder.path().join("export.jsonl");
    assert_eq!(audit::export(&log, 1, None, &export).await.unwrap(), 1);

    let (code, said) = verify(&export, &app.keys.file("auth.pub"));
    assert_eq!((code, said.contains("entries 1 to 1 of ent/auth")), (0, true), "{said}");
    let (code, said) = verify(&export, &app.keys.file("courses.pub"));
    assert_eq!((code, said.contains("names another public key")), (1, true), "{said}");
    let text = std::fs::read_to_string(&export).unwrap();
    std::fs::write(&export, text.replace("old_refresh_handle", "new_refresh_handle")).unwrap();
    let (code, said) = verify(&export, &app.keys.file("auth.pub"));
    assert_eq!((code, said.contains("it was changed")), (1, true), "{said}");
    assert_eq!(verify(&export, &app.keys.file("none.pub")).0, 78);
}

/// The service's binary, without configuration, engine or environment. Its exit code and what it said.
fn verify(export: &Path, key: &Path) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auth"));
    let output =
        command.env_clear().args(["audit", "verify"]).arg(export).arg("--key").arg(key).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_folder_of_checkpoints_is_named_before_anything_starts() {
    let clock = ManualClock::default();
    let (app, audit, folder) = signing(&clock).await;
    drop(folder);
    let mut config = config(&app.database, &app.keys, json!({}));
    config.audit = Some(audit);
    let refused = Running::<Auth>::try_start(config, system_clock()).err().unwrap();
    assert!(refused.contains("audit.checkpoint_dir"), "{refused}");
}
