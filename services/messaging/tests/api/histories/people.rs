//! Settles what the people of a history do: send to each other, retry under their keys, and read.

use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use reqwest::Method;
use serde_json::{Value, json};
use shared::session::Role;
use shared::testing::{Answer, Client};
use uuid::Uuid;

use super::{School, Span, World};
use crate::app::Who;

/// Between two questions of somebody who was told to ask again.
const BETWEEN: Duration = Duration::from_millis(5);

/// A step of somebody's script.
#[derive(Debug, Clone, Copy)]
pub enum Act {
    /// To the pupils of the class.
    ToClass,
    /// To its pupils and its teacher, asked for twice under one key.
    ToAllTwice,
    /// To one person: which of the others.
    ToOne(usize),
    /// Marks what the inbox begins with as read.
    Read,
    /// Lets others go first, so often.
    Pause(u32),
}

/// What somebody did, and what they were answered in the end.
#[derive(Debug)]
pub struct Done {
    pub who: Who,
    pub span: Span,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A message was accepted, for these.
    Sent { id: Uuid, to: Vec<Uuid> },
    /// Marked as read, or looked.
    Looked,
    /// Not done, for this reason.
    Refused(String),
}

pub fn script(dice: &mut StdRng) -> Vec<Act> {
    let length = dice.random_range(2..=6);
    (0..length)
        .map(|_| match dice.random_range(0..10) {
            0..3 => Act::ToClass,
            3..5 => Act::ToAllTwice,
            5..7 => Act::ToOne(dice.random_range(0..3)),
            7..9 => Act::Read,
            _ => Act::Pause(dice.random_range(1..40)),
        })
        .collect()
}

/// Does one step after the other.
pub async fn run(world: &World, school: &School, who: Who, browser: &Client, script: Vec<Act>) -> Vec<Done> {
    let mut done = Vec::new();
    for (number, act) in script.into_iter().enumerate() {
        let key = format!("{}-{number}", who.0);
        let (outcome, span) = world.timed(step(school, who, browser, act, &key)).await;
        done.push(Done { who, span, outcome });
    }
    done
}

async fn step(school: &School, who: Who, browser: &Client, act: Act, key: &str) -> Outcome {
    let others: Vec<Who> = school.readers().into_iter().filter(|other| other.0 != who.0).collect();
    let ids = |people: &[Who]| people.iter().map(|who| who.id()).collect::<Vec<_>>();
    let pupils: Vec<Who> = others.iter().copied().filter(|other| other.2 == Role::Student).collect();
    let group = |parts: &[&str]| json!({ "kind": "group", "school_id": school.id, "id": school.class, "parts": parts });
    match act {
        Act::ToClass => send(browser, key, group(&["student"]), ids(&pupils)).await,
        Act::ToAllTwice => {
            let first = send(browser, key, group(&["student", "teacher"]), ids(&others)).await;
            let again = send(browser, key, group(&["student", "teacher"]), ids(&others)).await;
            match (&first, &again) {
                // What is closed in between refuses the retry of what was refused, and of nothing else.
                (Outcome::Sent { .. }, Outcome::Refused(why)) => {
                    assert_eq!(why, "session_revoked", "a retry gets the answer of the first");
                }
                _ => assert!(!matches!(first, Outcome::Sent { .. }) || first == again, "{first:?} {again:?}"),
            }
            if matches!(first, Outcome::Sent { .. }) { first } else { again }
        }
        Act::ToOne(index) => {
            let to = vec![others[index % others.len()].id()];
            let audience = json!({ "kind": "people", "school_id": school.id, "ids": to });
            send(browser, key, audience, to).await
        }
        Act::Read => read(browser).await,
        Act::Pause(turns) => {
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
            Outcome::Looked
        }
    }
}

/// Sends until it is known what became of it.
async fn send(browser: &Client, key: &str, audience: Value, to: Vec<Uuid>) -> Outcome {
    let body = json!({ "subject": "S", "body": format!("Message {key}, assez long."), "audience": audience });
    let answer = settled(async || {
        let request = browser.request(Method::POST, "/messaging/v1/messages");
        browser.send(request.header("Idempotency-Key", key).json(&body)).await
    })
    .await;
    if answer.status == 201 {
        return Outcome::Sent { id: answer.body["id"].as_str().unwrap().parse().unwrap(), to };
    }
    let refusals = ["sending_restricted", "account_contained", "session_revoked"];
    assert!(refusals.contains(&answer.code()), "{answer:?}");
    Outcome::Refused(answer.code().to_owned())
}

async fn read(browser: &Client) -> Outcome {
    let inbox = settled(async || browser.get("/messaging/v1/inbox?limit=1").await).await;
    if inbox.status != 200 {
        return Outcome::Refused(inbox.code().to_owned());
    }
    let Some(thread) = inbox.body.pointer("/messages/0/thread_id").and_then(Value::as_str) else {
        return Outcome::Looked;
    };
    let address = format!("/messaging/v1/threads/{thread}/read");
    let answer = settled(async || browser.post(&address, &json!({})).await).await;
    if answer.status == 401 {
        return Outcome::Refused(answer.code().to_owned());
    }
    assert!(matches!(answer.status, 204 | 404), "{answer:?}");
    Outcome::Looked
}

/// Asks again while the answer is that it may be asked again.
pub async fn settled(ask: impl AsyncFn() -> Answer) -> Answer {
    for _ in 0..400 {
        let answer = ask().await;
        if !matches!((answer.status, answer.code()), (429 | 503, _) | (409, "request_in_progress")) {
            return answer;
        }
        tokio::time::sleep(BETWEEN).await;
    }
    panic!("no answer after 400 questions")
}
