//! Settles that the audit log keeps every committed act once, in one order that everybody can check, and notices every change.

mod tampering;

use std::future::{Future, ready};
use std::io::BufReader;
use std::path::PathBuf;
use std::time::Duration;

use ed25519_dalek::VerifyingKey;
use refinery::{Migration, Runner};
use serde_json::{Value, json};
use shared::audit::{
    self, Actor, Checkpoint, Checkpoints, Config, Entry, Error, Log, Progress, Verified, verify,
};
use shared::clock::system_clock;
use shared::config::Profile;
use shared::context::Context;
use shared::pg::{Database, Work};
use shared::testing::{TestDatabase, TestKeys, breakers, eventually};
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

fn migrations() -> Runner {
    let sql = include_str!("../../../../services/auth/migrations/V2__audit_log.sql");
    Runner::new(&[Migration::unapplied("V1__audit_log", sql).unwrap()])
}

/// A log on a database of its own, with its folder of checkpoints and its key.
struct Audited {
    test: TestDatabase,
    database: Database,
    log: Log,
    key: VerifyingKey,
    folder: TempDir,
    _keys: TestKeys,
}

impl Audited {
    async fn start() -> Self {
        let test = TestDatabase::create("shared_audit", migrations).await;
        let database = Database::open(&test.config(), &breakers(), &Handle::current()).unwrap();
        let (folder, keys) = (tempfile::tempdir().unwrap(), TestKeys::generate());
        std::fs::create_dir(folder.path().join("checkpoints")).unwrap();
        let config = Config {
            checkpoint_dir: folder.path().join("checkpoints"),
            signing_key_file: None,
            checkpoint_every_s: 1,
        };
        let checkpoints = Checkpoints::open(&config, &keys.file("auth"), Profile::Test).unwrap();
        let key = checkpoints.public_key();
        let log = Log::new("auth", database.clone(), system_clock(), Some(checkpoints));
        Self { test, database, log, key, folder, _keys: keys }
    }

    /// One act, which its transaction keeps or undoes after it was held.
    async fn act(&self, number: u64, held: impl Future<Output = ()>, is_kept: bool) {
        let context = Context::background(system_clock(), Duration::from_secs(20));
        let mut transaction = self.database.begin(&context, Work::Write).await.unwrap();
        let entry = Entry {
            actor: Actor::Service,
            act: "tested",
            subject: format!("test:{number}"),
            authority: None,
            details: json!({ "number": number }),
        };
        audit::append(&mut transaction, &entry).await.unwrap();
        held.await;
        if is_kept {
            transaction.commit().await.unwrap();
        }
    }

    /// This many acts, all of them sequenced.
    async fn grow(&self, numbers: std::ops::Range<u64>) {
        for number in numbers {
            self.act(number, ready(()), true).await;
        }
        while self.log.sequence().await.unwrap() > 0 {}
    }

    /// (position, number of the act) in order of position.
    async fn positions(&self) -> Vec<(i64, u64)> {
        let sql = "select position, content from audit_leaf where position is not null order by position";
        let rows = self.test.connect().await.query(sql, &[]).await.unwrap();
        let number = |text: &str| {
            let entry: Value = serde_json::from_str(text).unwrap();
            entry.pointer("/details/number").and_then(Value::as_u64).unwrap()
        };
        rows.iter().map(|row| (row.get(0), number(row.get(1)))).collect()
    }

    async fn export(&self, first: u64, last: Option<u64>) -> String {
        let file = self.file("export.jsonl");
        audit::export(&self.log, first, last, &file).await.unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::remove_file(file).unwrap();
        text
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn check(&self, export: &str) -> Result<Verified, String> {
        verify(BufReader::new(export.as_bytes()), &self.key).map_err(|fault| fault.to_string())
    }

    /// What the database's superuser can do and the service cannot.
    async fn tamper(&self, sql: &str) {
        let sql = format!("set session_replication_role = replica; {sql}");
        self.test.connect().await.batch_execute(&sql).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_committed_act_has_one_position_and_undone_acts_none() {
    let audited = Audited::start().await;
    let stop = CancellationToken::new();
    // Two instances sequence while twenty writers commit late, early or never.
    let logs = [0, 1].map(|_| tokio::task::spawn(audited.log.clone().run(stop.clone())));
    let acts = (0..60_u64).map(|number| {
        let audited = &audited;
        async move {
            tokio::time::sleep(Duration::from_millis(number * 7 % 400)).await;
            // The pool of writes has four connections; a writer waits for one up to a second.
            let held = tokio::time::sleep(Duration::from_millis(number * 13 % 50));
            audited.act(number, held, number % 5 != 0).await;
        }
    });
    futures_util::future::join_all(acts).await;
    eventually("all are sequenced", async || audited.positions().await.len() == 48).await;
    let places = audited.positions().await;
    assert!(places.iter().map(|place| place.0).eq(1..=48), "{places:?}");
    let mut numbers: Vec<u64> = places.iter().map(|place| place.1).collect();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq((0..60).filter(|number| number % 5 != 0)));
    stop.cancel();
    futures_util::future::join_all(logs).await;
    let verified = audited.check(&audited.export(1, None).await).unwrap();
    assert_eq!((verified.first, verified.last, verified.latest.tree.size), (1, 48, 48));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_that_commits_late_gets_the_next_position_and_is_not_lost() {
    let audited = Audited::start().await;
    let early = async {
        audited.grow(2..3).await;
        assert_eq!(audited.positions().await, [(1, 2)]);
    };
    audited.act(1, early, true).await;
    assert_eq!(audited.log.sequence().await.unwrap(), 1);
    assert_eq!(audited.positions().await, [(1, 2), (2, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn how_far_the_log_is_says_what_waits_and_what_is_signed() {
    let audited = Audited::start().await;
    let context = Context::background(system_clock(), Duration::from_secs(20));
    let progress = async || audited.log.progress(&context).await.unwrap();
    let unsigned = Progress { entries: 0, waiting: 0, signed: None, checkpoint_age_s: None };
    assert_eq!(progress().await, unsigned);
    audited.grow(0..2).await;
    audited.act(2, ready(()), true).await;
    assert_eq!(progress().await, Progress { entries: 2, waiting: 1, ..unsigned });
    audited.log.checkpoint().await.unwrap();
    let signed = progress().await;
    assert_eq!((signed.entries, signed.waiting, signed.signed), (2, 1, Some(2)));
    assert!(signed.checkpoint_age_s.is_some_and(|age| age < 20), "{signed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nobody_sequences_acts_go_on_and_get_their_positions_afterwards() {
    let audited = Audited::start().await;
    for number in 1..=3 {
        audited.act(number, ready(()), true).await;
    }
    assert_eq!(audited.positions().await, []);
    assert_eq!(audited.log.sequence().await.unwrap(), 3);
    assert_eq!(audited.positions().await, [(1, 1), (2, 2), (3, 3)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_are_written_when_there_is_news_and_agree_with_each_other() {
    let audited = Audited::start().await;
    assert_eq!(audited.log.checkpoint().await.unwrap(), None, "an empty log has nothing to sign");
    let mut sizes = vec![];
    for numbers in [0..1, 1..4, 4..11, 11..12] {
        audited.grow(numbers.clone()).await;
        sizes.push(audited.log.checkpoint().await.unwrap().unwrap().tree.size);
        assert_eq!(audited.log.checkpoint().await.unwrap(), None, "no news");
    }
    assert_eq!(sizes, [1, 4, 11, 12]);
    let note = std::fs::read_to_string(audited.file("checkpoints/00000000000000000011.checkpoint")).unwrap();
    assert_eq!(Checkpoint::open(&note, &audited.key).unwrap().tree.size, 11);
    for (first, last, checkpoints) in [(1, None, 4), (1, Some(3), 4), (5, Some(11), 2), (12, None, 1)] {
        let verified = audited.check(&audited.export(first, last).await).unwrap();
        assert_eq!((verified.first, verified.last), (first, last.unwrap_or(12)));
        assert_eq!((verified.checkpoints, verified.latest.tree.size), (checkpoints, 12));
    }
    let refused = audit::export(&audited.log, 5, Some(13), &audited.file("none")).await.unwrap_err();
    assert!(matches!(refused, Error::NotCovered { first: 5, last: 13, covered: 12 }), "{refused}");
}
