//! Settles what operators take out of the house: a bundle that proves itself, with messages as they were, and never half of one.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use messaging::Messaging;
use serde_json::{Value, json};
use shared::clock::system_clock;
use shared::config::Profile;
use shared::evidence::{self, Item, OpeningKey, Verified, generate_reader_key};
use shared::keys;
use shared::testing::{Running, eventually};

use crate::app::{App, CLASS, NOWHERE, OTHER_SCHOOL, SCHOOL, Who, own, to_class};
use crate::incident::auth_keeps;

const AUTHORITY: [&str; 2] = ["--authority", "Police nationale"];

/// Runs `messaging operate` beside the test's auth, signing checkpoints, with the keys of two persons.
async fn operate(app: &App, auth: &str, arguments: &[&str]) -> Output {
    let folder = app.keys.file("checkpoints");
    std::fs::create_dir_all(&folder).unwrap();
    let readers = ["first", "second"].map(|name| {
        let (private, public) = (app.keys.file(name), app.keys.file(&format!("{name}.pub")));
        if !private.exists() {
            let key = generate_reader_key(name);
            std::fs::write(&private, key.private_jwk).unwrap();
            std::fs::write(&public, key.public_jwk).unwrap();
        }
        public
    });
    let mut own = own(&app.keys);
    own["siblings"]["auth"] = json!([auth]);
    own["evidence"] = json!({ "reader_key_files": readers });
    let mut content = Running::<Messaging>::config_content(&app.database, &app.keys, &own);
    content["audit"] = json!({ "checkpoint_dir": folder });
    let file = app.keys.file("operate.toml");
    std::fs::write(&file, toml::to_string(&content).unwrap()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_messaging"));
    command.env_clear().args(["operate", "--config"]).arg(file).args(arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

async fn done(app: &App, arguments: &[&str]) -> String {
    let output = operate(app, &app.auth.uri(), &[arguments, &AUTHORITY].concat()).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// An incident of two schools about the pupil's account.
async fn open(app: &App, kind: &str, more: &[&str]) -> String {
    let since = (system_clock().utc() - chrono::TimeDelta::hours(1)).to_rfc3339();
    let (school, other) = (SCHOOL.to_string(), OTHER_SCHOOL.to_string());
    let named = ["open-incident", "--kind", kind, "--title", "Menaces", "--since", &since];
    done(app, &[&named[..], &["--school", &school, "--school", &other], more].concat()).await
}

fn verified(app: &App, file: &PathBuf) -> Result<Verified, String> {
    let key =
        keys::read_public_key(&app.keys.file("messaging.pub"), Profile::Test).unwrap().ed25519().unwrap();
    evidence::verify(BufReader::new(File::open(file).unwrap()), &key).map_err(|fault| fault.to_string())
}

fn items(file: &PathBuf) -> Vec<Item> {
    let mut items = vec![];
    let each = |item| {
        items.push(item);
        Ok(())
    };
    evidence::items(BufReader::new(File::open(file).unwrap()), each).unwrap();
    items
}

fn text<'a>(items: &'a [Item], wanted: &str) -> &'a str {
    let found = items.iter().find_map(|item| match item {
        Item::Text { name, content, .. } => (name == wanted).then_some(content.as_str()),
        Item::Proof { .. } | Item::Sealed { .. } => None,
    });
    found.unwrap_or_else(|| panic!("{wanted}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_proves_itself_and_holds_messages_as_they_were_before_recall_and_purge() {
    let app = App::start().await;
    auth_keeps(&app, 3).await;
    let threat = "Menace : « à 10 h »\n\t\u{1f4a3} <b>&amp;</b>";
    let mut message = to_class(CLASS, &["student"]);
    message["body"] = json!(threat);
    app.send(Who::PUPIL, message).await.expect(201);
    let pupil = Who::PUPIL.id().to_string();
    let id = open(&app, "hijacked_accounts", &["--person", &pupil]).await;
    done(&app, &["note", &id, "--note", "Plainte n° 12"]).await;
    let (first, second) = (app.keys.file("one.evidence"), app.keys.file("two.evidence"));
    let said = done(&app, &["export-evidence", &id, first.to_str().unwrap()]).await;
    assert!(said.contains("1 sealed messages"), "{said}");
    // What recipients saw is gone, for good and long ago; and still the text stays while the incident is open.
    let recalled = withdrawn_for_good(&app, &pupil, &id).await;
    sweep(&app);
    assert_eq!(body(&app).await, threat, "an open incident holds it");
    done(&app, &["close-incident", &id]).await;
    sweep(&app);
    assert_eq!(body(&app).await, threat, "whoever closes it destroys nothing that day");
    let long_ago = "update incident set closed_at = now() - interval '91 days'";
    app.database.connect().await.batch_execute(long_ago).await.unwrap();
    sweep(&app);
    eventually("the text is deleted", async || body(&app).await == "-").await;
    let words =
        app.database.connect().await.query_one("select count(*) from message_words", &[]).await.unwrap();
    assert_eq!(words.get::<_, i64>(0), 0, "and its words with it");
    done(&app, &["export-evidence", &id, second.to_str().unwrap()]).await;
    assert!(std::fs::read_to_string(&second).unwrap().contains(&recalled));

    for file in [&first, &second] {
        let verified = verified(&app, file).unwrap();
        assert_eq!((verified.sealed, verified.head.subject.clone()), (1, format!("incident:{id}")));
        assert!(verified.proven >= 4, "opened, noted, sealed, exported: {verified:?}");
        let items = items(file);
        let sealed = items.iter().find_map(|item| match item {
            Item::Sealed { sealed, .. } => Some(sealed),
            Item::Text { .. } | Item::Proof { .. } => None,
        });
        for reader in ["first", "second"] {
            let key = OpeningKey::read(&app.keys.file(reader)).unwrap();
            let opened: Value =
                serde_json::from_slice(&evidence::open(&key, sealed.unwrap()).unwrap()).unwrap();
            assert_eq!((&opened["body"], &opened["subject"]), (&json!(threat), &json!("Sortie")), "{reader}");
        }
        let whole = std::fs::read_to_string(file).unwrap();
        assert!(!whole.contains("Menace :"), "nobody else reads the text");
        assert!(text(&items, "timeline.html").contains("evidence_exported"));
        assert_eq!(text(&items, "security-events/0001.jsonl").lines().count(), 3);
        assert!(text(&items, "copies/0001-0001.jsonl").contains(&Who::CLASSMATE.id().to_string()));
        assert!(text(&items, "incident.json").contains("Plainte n° 12"));
    }
    let mut changed = std::fs::read(&first).unwrap();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    std::fs::write(&first, changed).unwrap();
    assert!(verified(&app, &first).is_err());
    assert_eq!(app.kept("messages_sealed").await, 1, "what is sealed is not sealed again");
    assert_eq!(app.kept("evidence_exported").await, 2);
}

/// Has what the pupil sent withdrawn in the incident, by one operator and then for good by two, 91 days ago.
async fn withdrawn_for_good(app: &App, pupil: &str, incident: &str) -> String {
    let since = (system_clock().utc() - chrono::TimeDelta::hours(1)).to_rfc3339();
    let recall =
        ["recall", "--sender", pupil, "--since", &since, "--reason", "Menaces", "--incident", incident];
    let id = done(app, &recall).await.lines().next().unwrap().to_owned();
    for operator in ["op-1", "op-2"] {
        done(app, &["finish-recall", &id, "--operator", operator, "--incident", incident]).await;
    }
    let long_ago = "alter table recall disable trigger recall_decided_once;
                    update recall set decided_at = now() - interval '91 days'";
    app.database.connect().await.batch_execute(long_ago).await.unwrap();
    id
}

/// Every instance deletes what is kept no longer when it starts.
fn sweep(app: &App) {
    let beside = Running::<Messaging>::start(app.config.clone(), app.clock.clone());
    // Its first round is done, or its end waits for it.
    drop(beside);
}

async fn body(app: &App) -> String {
    app.database.connect().await.query_one("select body from message", &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn sealed_messages_stay_400_days_after_their_incident_was_closed_and_for_ever_while_it_is_open() {
    let app = App::start().await;
    auth_keeps(&app, 0).await;
    app.send(Who::PUPIL, to_class(CLASS, &["student"])).await.expect(201);
    let pupil = Who::PUPIL.id().to_string();
    let mut ids = vec![];
    for number in 0..3 {
        let id = open(&app, "hijacked_accounts", &["--person", &pupil]).await;
        let file = app.keys.file(&format!("{number}.evidence"));
        done(&app, &["export-evidence", &id, file.to_str().unwrap()]).await;
        ids.push(id);
    }
    let sql = format!(
        "update incident set closed_at = now() - interval '399 days', closing_authority = 'P' where id = '{}';
         update incident set closed_at = now() - interval '401 days', closing_authority = 'P' where id = '{}'",
        ids[1], ids[2]
    );
    let database = app.database.connect().await;
    database.batch_execute(&sql).await.unwrap();
    sweep(&app);
    let left = async || {
        let sql = "select array_agg(incident_id::text order by sealed_at) from sealed_message";
        database.query_one(sql, &[]).await.unwrap().get::<_, Vec<String>>(0)
    };
    eventually("the oldest is deleted", async || left().await == ids[..2]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_events_of_a_flood_are_exported_within_a_minute() {
    let app = App::start().await;
    auth_keeps(&app, 10_000).await;
    let id = open(&app, "flood", &["--network", "203.0.113.9"]).await;
    let file = app.keys.file("flood.evidence");
    let began = system_clock().now();
    done(&app, &["export-evidence", &id, file.to_str().unwrap()]).await;
    let took = began.elapsed();
    assert!(took < Duration::from_mins(1), "{took:?}");
    println!("10,000 events exported in {took:?}");
    verified(&app, &file).unwrap();
    let items = items(&file);
    let events = items.iter().map(|item| match item {
        Item::Text { name, content, .. } if name.starts_with("security-events/") => content.lines().count(),
        Item::Text { .. } | Item::Proof { .. } | Item::Sealed { .. } => 0,
    });
    assert_eq!(events.sum::<usize>(), 10_000);
    let asked = app.auth.received_requests().await.unwrap();
    assert!(
        asked
            .iter()
            .any(|request| request.url.query().is_some_and(|query| query.contains("address=203.0.113.9")))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_auth_there_is_no_bundle_or_one_that_says_what_is_missing() {
    let app = App::start().await;
    let pupil = Who::PUPIL.id().to_string();
    let id = open(&app, "hijacked_accounts", &["--person", &pupil]).await;
    let file = app.keys.file("half.evidence");
    let export = ["export-evidence", &id, file.to_str().unwrap(), AUTHORITY[0], AUTHORITY[1]];
    let refused = operate(&app, NOWHERE, &export).await;
    assert_eq!(refused.status.code(), Some(1));
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(why.contains("missing: ") && why.contains("--allow-gaps"), "{why}");
    assert!(!file.exists(), "half a bundle is none");
    let output = operate(&app, NOWHERE, &[&export[..], &["--allow-gaps"]].concat()).await;
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("missing: sign-ins: "), "{said}");
    verified(&app, &file).unwrap();
    assert!(text(&items(&file), "incident.json").contains("sign-ins: "));
    let again = operate(&app, NOWHERE, &export).await;
    assert!(String::from_utf8(again.stderr).unwrap().contains("File exists"), "a bundle is never replaced");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_keys_of_two_persons_nothing_is_exported() {
    let app = App::start().await;
    let id = open(&app, "other", &[]).await;
    let file = app.keys.file("none.evidence");
    let arguments = ["export-evidence", &id, file.to_str().unwrap(), AUTHORITY[0], AUTHORITY[1]];
    let output = crate::operate::operate(&app, &arguments).await;
    assert_eq!(output.status.code(), Some(1));
    let why = String::from_utf8(output.stderr).unwrap();
    assert!(why.contains("own.evidence.reader_key_files") && !file.exists(), "{why}");
}
