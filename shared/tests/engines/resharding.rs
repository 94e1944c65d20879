//! Settles that slots can be moved while they are used: to another shard and back, without one error for any caller.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use redis::{Cmd, FromRedisValue, cmd};
use serde_json::json;
use shared::clock::system_clock;
use shared::context::Context;
use shared::redis::{Cluster, Key, Script};
use shared::service::Service;
use shared::testing::{Running, TestDatabase, TestKeys, breakers, eventually};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::service::Smallest;
use crate::slot_mover::SlotMover;

fn context() -> Context {
    Context::background(system_clock(), Duration::from_secs(10))
}

/// Somebody who works with keys of one slot until it is over.
#[derive(Clone)]
struct Caller {
    cluster: Cluster,
    tag: Uuid,
    is_over: CancellationToken,
    rounds: Arc<AtomicUsize>,
}

impl Caller {
    fn key(&self, name: &str) -> Key {
        self.cluster.key(&format!("{{{}}}{name}", self.tag))
    }

    async fn run<T: FromRedisValue>(&self, command: &Cmd) -> T {
        let answer = self.cluster.run(&context(), &self.key(""), command).await;
        answer.unwrap_or_else(|error| panic!("round {}: {error}", self.rounds()))
    }

    fn rounds(&self) -> usize {
        self.rounds.load(Ordering::SeqCst)
    }

    /// Whether there is another round, and its number.
    fn next(&self) -> Option<usize> {
        let round = self.rounds.fetch_add(1, Ordering::SeqCst);
        (!self.is_over.is_cancelled()).then_some(round)
    }

    fn same_but_new(&self) -> Self {
        Self { rounds: Arc::default(), ..self.clone() }
    }
}

/// Nothing is lost and nothing done twice.
async fn count(caller: Caller) {
    while let Some(round) = caller.next() {
        let counted: usize = caller.run(cmd("INCR").arg(caller.key("counter"))).await;
        assert_eq!(counted, round + 1);
    }
}

/// A script that no node has seen before.
async fn count_by_script(caller: Caller) {
    let source = format!("return redis.call('INCRBY', KEYS[1], ARGV[1]) -- {}", caller.tag);
    let script = Script::new(source.leak());
    while let Some(round) = caller.next() {
        let call = script.call(&caller.key("script")).arg(2);
        let counted: usize =
            caller.cluster.run_script(&context(), &caller.key("script"), &call).await.unwrap();
        assert_eq!(counted, 2 * (round + 1));
    }
}

/// Keys that are not there yet, so that a slot on its way out refers to its new home.
async fn add_keys(caller: Caller) {
    while let Some(round) = caller.next() {
        let key = caller.key(&format!("new:{}", round % 500));
        caller.run::<()>(cmd("SET").arg(&key).arg(round).arg("EX").arg(60)).await;
        assert_eq!(caller.run::<Option<usize>>(cmd("GETDEL").arg(&key)).await, Some(round));
    }
}

/// Two keys at once, which a moving slot parts for a while.
async fn write_pairs(caller: Caller) {
    let (one, other) = (caller.key("pair:a"), caller.key("pair:b"));
    while let Some(round) = caller.next() {
        caller.run::<()>(cmd("MSET").arg(&one).arg(round).arg(&other).arg(round)).await;
        let pair: Vec<usize> = caller.run(cmd("MGET").arg(&one).arg(&other)).await;
        assert_eq!(pair, [round, round]);
    }
}

/// A stream that is written here and read beside it: every entry once, in order. A reader that waits where the stream has
/// just left hears of the next entry only with its next question, a second later.
async fn follow_a_stream(caller: Caller) {
    let (stream, mut reader) = (caller.key("stream"), caller.cluster.stream_reader());
    let mut last_id = "0-0".to_owned();
    while let Some(round) = caller.next() {
        let mut add = cmd("XADD");
        add.arg(&stream).arg("*").arg("round").arg(round);
        let read_one = async {
            loop {
                let read = reader.read_after(&context(), &stream, &last_id).await;
                let read = read.unwrap_or_else(|error| panic!("reading in round {round}: {error}"));
                if !read.is_empty() {
                    return read;
                }
            }
        };
        let (id, read) = tokio::join!(caller.run::<String>(&add), read_one);
        let rounds: Vec<&str> = read.iter().map(|(_, fields)| fields["round"].as_str()).collect();
        assert_eq!(rounds, [round.to_string()]);
        last_id = id;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_move_while_they_are_used_without_one_error() {
    let (database, keys) = (TestDatabase::create("shared", Smallest::migrations).await, TestKeys::generate());
    let mut config = Running::<Smallest>::config(&database, &keys, &json!({})).redis;
    // What moving costs is counted in errors here, not in time: a busy machine must not look like one.
    (config.response_ms, config.overall_ms) = (5_000, 10_000);
    let cluster = Cluster::connect(&config, &breakers(), &Handle::current()).await.unwrap();
    let is_over = CancellationToken::new();
    let first = Caller { cluster, tag: Uuid::now_v7(), is_over, rounds: Arc::default() };
    let (mut callers, mut working): (Vec<Caller>, Vec<JoinHandle<()>>) = (Vec::new(), Vec::new());
    let mut start = |work: &dyn Fn(Caller) -> JoinHandle<()>| {
        let caller = first.same_but_new();
        callers.push(caller.clone());
        working.push(work(caller));
    };
    start(&|caller| tokio::spawn(count(caller)));
    start(&|caller| tokio::spawn(count_by_script(caller)));
    start(&|caller| tokio::spawn(add_keys(caller)));
    start(&|caller| tokio::spawn(follow_a_stream(caller)));
    start(&|caller| tokio::spawn(write_pairs(caller)));
    let (single, pairs) = callers.split_at(4);
    let go_on = async |callers: &[Caller], rounds: usize| {
        let until: Vec<usize> = callers.iter().map(|caller| caller.rounds() + rounds).collect();
        let is_there = || callers.iter().zip(&until).all(|(caller, until)| caller.rounds() >= *until);
        let is_ended = || working.iter().any(JoinHandle::is_finished);
        eventually("everybody goes on", async || is_there() || is_ended()).await;
    };
    go_on(&callers, 5).await;

    let mut mover = SlotMover::new(first.key("").slot(), &config).await;
    for _ in 0..2 {
        let (asked, split) = (mover.count("ASK").await, mover.count("TRYAGAIN").await);
        let between = async |mover: &SlotMover, step: &str| {
            if step.ends_with("pair:a") {
                let is_split = async || {
                    mover.count("TRYAGAIN").await > split || working.iter().any(JoinHandle::is_finished)
                };
                eventually("the pair is parted", is_split).await;
            } else if !step.contains("new:") {
                go_on(single, 3).await;
            }
        };
        mover.move_slot(between).await;
        go_on(pairs, 5).await;
        assert!(mover.count("ASK").await > asked, "somebody was sent there and back");
    }
    first.is_over.cancel();
    for worked in futures_util::future::join_all(working).await {
        worked.unwrap();
    }
}
