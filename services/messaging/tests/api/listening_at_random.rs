//! Settles that whoever only listens, and comes back now here and now there, knows in the end what the mailbox holds.

use std::cell::Cell;
use std::time::Duration;

use futures_util::future::{join, join_all};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::app::{App, Who};
use crate::events::{another, at, send};
use crate::listener::{Heard, Listener};

/// How often it is acted, and how often the client comes back meanwhile, at least.
const ROUNDS: usize = 25;
const TURNS: usize = 6;

/// What a client knows that does nothing but listen, and comes back in between, here or there.
#[derive(Default)]
struct Known {
    messages: Vec<String>,
    unread: i64,
}

impl Known {
    fn learn(&mut self, heard: &Heard) {
        let id = || heard.data["id"].as_str().unwrap().to_owned();
        match heard.name.as_str() {
            "new_message" | "message_released" => {
                // A message that was withdrawn and put back while nobody listened is told as new and as released.
                self.messages.retain(|message| *message != id());
                self.messages.push(id());
            }
            "message_withdrawn" => self.messages.retain(|message| *message != id()),
            "unread_count" => self.unread = heard.data["unread_count"].as_i64().unwrap(),
            name => panic!("{name}"),
        }
    }

    fn sorted(&self) -> Vec<String> {
        let mut messages = self.messages.clone();
        messages.sort();
        messages
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_only_listens_knows_in_the_end_what_the_mailbox_holds() {
    let app = App::start().await;
    let other = another(&app);
    let clients = [app.browser(Who::PUPIL), at(&other, &app, Who::PUPIL)];
    let (mut known, mut last) = (Known::default(), Some(0));
    let (is_over, turn) = (Cell::new(false), Cell::new(0));
    let acts = async {
        act_at_random(&app, 7, || turn.get() < TURNS).await;
        is_over.set(true);
    };
    let listening = async {
        while !is_over.get() {
            let mut listener = Listener::come_back(&clients[turn.get() % 2], last).await;
            for _ in 0..3 {
                let heard = tokio::time::timeout(Duration::from_millis(300), listener.next_or_end()).await;
                match heard {
                    Ok(Some(heard)) => known.learn(&heard),
                    // Whoever lets too much wait is cut off, and comes back.
                    Ok(None) => break,
                    Err(_) => {}
                }
            }
            last = listener.last;
            turn.set(turn.get() + 1);
        }
    };
    join(acts, listening).await;
    let unread = app.unread(Who::PUPIL).await;
    let inbox = app.browser(Who::PUPIL).get("/messaging/v1/inbox?limit=100").await.expect(200).body;
    let id = |message: &Value| message["id"].as_str().unwrap().to_owned();
    let mut held: Vec<String> = inbox["messages"].as_array().unwrap().iter().map(id).collect();
    held.sort();
    let mut listener = Listener::come_back(&clients[0], last).await;
    while (known.sorted(), known.unread) != (held.clone(), unread) {
        known.learn(&listener.next().await);
    }
}

/// Sends, withdraws, puts back and reads, three at a time, at least as long as told.
async fn act_at_random(app: &App, seed: u64, goes_on: impl Fn() -> bool) {
    let mut dice = StdRng::seed_from_u64(seed);
    for _ in (0..).take_while(|round| *round < ROUNDS || goes_on()) {
        let acts: Vec<u32> = (0..3).map(|_| dice.random_range(0..10)).collect();
        join_all(acts.into_iter().map(|act| act_once(app, act))).await;
    }
}

async fn act_once(app: &App, act: u32) {
    match act {
        0..5 => drop(send(app).await),
        5..7 => make_any(app, "recalled").await,
        7..9 => make_any(app, "visible").await,
        _ => read_any(app).await,
    }
}

async fn make_any(app: &App, state: &str) {
    let any = "(select id from message order by md5(id::text || clock_timestamp()::text) limit 1)";
    let sql = format!("update message set state = '{state}' where id = {any}");
    app.database.connect().await.batch_execute(&sql).await.unwrap();
}

async fn read_any(app: &App) {
    let sql = "select thread_id::text from message order by md5(id::text) limit 1";
    let row = app.database.connect().await.query_opt(sql, &[]).await.unwrap();
    let Some(row) = row else { return };
    let path = format!("/messaging/v1/threads/{}/read", row.get::<_, String>(0));
    app.browser(Who::PUPIL).post(&path, &json!({})).await;
}
