//! Settles that the scripts in Redis and an instance that counts alone come to the same verdicts, whatever happens in whichever order.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use shared::clock::system_clock;
use shared::context::Context;
use shared::redis::Cluster;
use shared::service::Service;
use shared::testing::{Running, TestDatabase, TestKeys, breakers};
use tokio::runtime::Handle;

use super::local::Local;
use super::rules::{MOST_NAMES, Pauses, Share};
use crate::{Auth, store};

/// Sequences, each of one account and one crowd.
const SEQUENCES: u64 = 24;
const STEPS: usize = 250;
/// Time between two steps, in milliseconds: from the same moment to beyond the longest pause.
const LONGEST_STEP_MS: u64 = 4_000_000;

/// One account or crowd, counted in both places.
struct Twice<'a> {
    cluster: &'a Cluster,
    local: Local,
    name: String,
    pauses: Pauses,
    share: Share,
    now_ms: u64,
}

impl Twice<'_> {
    async fn step(&mut self, dice: &mut StdRng) -> String {
        let context = Context::background(system_clock(), Duration::from_secs(10));
        let (cluster, name, pauses, share) = (self.cluster, self.name.as_str(), &self.pauses, &self.share);
        // Mostly close together: that is where pauses are decided.
        let longest = if dice.random_bool(0.8) { 20_000 } else { LONGEST_STEP_MS };
        self.now_ms += dice.random_range(0..=longest);
        let now_ms = self.now_ms;
        match dice.random_range(0..12) {
            0..=3 => {
                let there = store::attempts::charge(cluster, &context, name, pauses, now_ms).await.unwrap();
                verdict("charge", there, self.local.charge(name, pauses, now_ms))
            }
            4 => {
                store::attempts::take_back(cluster, &context, name).await.unwrap();
                self.local.take_back(name);
                "take back".to_owned()
            }
            5 if dice.random_bool(0.2) => {
                store::attempts::forget(cluster, &context, name).await.unwrap();
                self.local.forget(name);
                "forget".to_owned()
            }
            5..=7 => {
                let crowd = format!("{name}:crowd");
                let there = store::attempts::wait(cluster, &context, &crowd, share, now_ms).await.unwrap();
                verdict("wait", there, self.local.wait(&crowd, share, now_ms))
            }
            _ => {
                let (crowd, login) = (format!("{name}:crowd"), format!("login{}", dice.random_range(0..90)));
                let has_failed = dice.random_bool(0.7);
                store::attempts::note(cluster, &context, &crowd, share, &login, has_failed).await.unwrap();
                self.local.note(&crowd, &login, has_failed);
                format!("note {login} {has_failed}")
            }
        }
    }
}

/// The cluster of the tests, under names of this test's own.
async fn cluster() -> Cluster {
    let (database, keys) = (TestDatabase::create("auth", Auth::migrations).await, TestKeys::generate());
    let own = serde_json::json!({
        "access_tokens": { "signing_key_file": keys.file("access"), "refresh_key_file": keys.file("refresh") },
        "authenticators": { "key_file": keys.file("authenticators") },
    });
    let config = Running::<Auth>::config(&database, &keys, &own);
    Cluster::connect(&config.redis, &breakers(), &Handle::current()).await.unwrap()
}

/// Both waits, in milliseconds, which must be the same.
fn verdict(what: &str, there: u64, here: u64) -> String {
    assert_eq!(there, here, "{what}: by the script, and by the rules");
    format!("{what}: {there}")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scripts_come_to_the_verdicts_of_the_rules_in_any_order() {
    let cluster = cluster().await;
    let (mut held_back, mut open) = (0, 0);
    for seed in 0..SEQUENCES {
        let mut dice = StdRng::seed_from_u64(seed);
        let pauses = [Pauses::STRANGERS, Pauses::KNOWN_DEVICE, Pauses::CODES][dice.random_range(0..3)];
        let share = [Share::NETWORK, Share::DEVICE][dice.random_range(0..2)];
        let name = format!("model:{seed}");
        let mut twice =
            Twice { cluster: &cluster, local: Local::new(), name, pauses, share, now_ms: 1_788_242_400_000 };
        for _ in 0..STEPS {
            let said = twice.step(&mut dice).await;
            held_back += usize::from(said.contains(": ") && !said.ends_with(": 0"));
            open += usize::from(said.ends_with(": 0"));
        }
    }
    assert!(held_back > 200 && open > 200, "both verdicts were given: {held_back} and {open} times");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_that_is_full_is_judged_by_its_first_names_in_both_places() {
    let (cluster, local, share) = (cluster().await, Local::new(), Share::NETWORK);
    let context = Context::background(system_clock(), Duration::from_secs(30));
    let note = async |login: String, has_failed: bool| {
        store::attempts::note(&cluster, &context, "full", &share, &login, has_failed).await.unwrap();
        local.note("full", &login, has_failed);
    };
    // A name short of too many, and then names that fail and find no place any more.
    let failing = MOST_NAMES * 30 / 100 - 1;
    for number in 0..MOST_NAMES {
        note(format!("login{number}"), number < failing).await;
    }
    for number in 0..50 {
        note(format!("late{number}"), true).await;
    }
    for now_ms in [1, 2] {
        let there = store::attempts::wait(&cluster, &context, "full", &share, now_ms).await.unwrap();
        assert_eq!((there, local.wait("full", &share, now_ms)), (0, 0));
    }
}
