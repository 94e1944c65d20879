//! Settles what those in charge of a history's school do meanwhile: restrict, withdraw, restore, secure accounts, end sessions.

use chrono::TimeDelta;
use rand::Rng;
use rand::rngs::StdRng;
use reqwest::Method;
use serde_json::{Value, json};
use shared::testing::{Client, eventually};
use uuid::Uuid;

use super::people::settled;
use super::{School, Span, World};
use crate::app::Who;

/// A measure, on the pupil of this number where it is on one.
#[derive(Debug, Clone, Copy)]
pub enum Measure {
    Restrict,
    Recall(usize),
    RecallWindow,
    /// Two persons restore the latest recall.
    Restore,
    Respond(usize),
    Revoke(usize),
    Pause(u32),
}

/// What was done and answered.
#[derive(Debug)]
pub struct Measured {
    pub span: Span,
    pub effect: Effect,
}

#[derive(Debug)]
pub enum Effect {
    /// So many messages of pupils were there just after.
    Restricted(i64),
    /// Of these senders, by this recall, if there was anything.
    Recalled(Vec<Uuid>, Option<Uuid>),
    Restored,
    /// So many messages of the account were there just after.
    Responded(Who, Option<Uuid>, i64),
    /// A session was refused.
    Revoked(Who),
    Nothing,
}

/// How many messages these people have sent.
pub const SENT: &str = "select count(*) from message where sender_id = any($1)";

impl Measure {
    /// Between one and five.
    pub fn some(dice: &mut StdRng) -> Vec<Self> {
        let length = dice.random_range(1..=5);
        (0..length)
            .map(|_| match dice.random_range(0..14) {
                0..2 => Self::Restrict,
                2..5 => Self::Recall(dice.random_range(0..3)),
                5 => Self::RecallWindow,
                6..8 => Self::Restore,
                8..10 => Self::Respond(dice.random_range(0..3)),
                10..12 => Self::Revoke(dice.random_range(0..3)),
                _ => Self::Pause(dice.random_range(1..60)),
            })
            .collect()
    }
}

/// The people in charge, and what they have done.
struct Stewards<'a> {
    world: &'a World,
    school: &'a School,
    head: Client,
    admin: Client,
    latest: Option<Uuid>,
}

/// Does one measure after the other; `browsers` are those of the people.
pub async fn run(
    world: &World,
    school: &School,
    measures: Vec<Measure>,
    browsers: &[(Who, Client)],
) -> Vec<Measured> {
    let (head, admin) = (world.proved(school.head), world.proved(school.admin));
    let mut stewards = Stewards { world, school, head, admin, latest: None };
    let mut measured = Vec::new();
    for (number, measure) in measures.into_iter().enumerate() {
        let (effect, span) = world.timed(stewards.take(measure, number, browsers)).await;
        measured.push(Measured { span, effect });
    }
    measured
}

impl Stewards<'_> {
    async fn take(&mut self, measure: Measure, number: usize, browsers: &[(Who, Client)]) -> Effect {
        match measure {
            Measure::Restrict => self.restrict().await,
            Measure::Recall(index) => {
                let ids = vec![self.school.pupils[index].id()];
                let selector = json!({ "kind": "senders", "ids": ids, "since": since() });
                self.recall(number, selector, ids).await
            }
            Measure::RecallWindow => {
                let selector = json!({ "kind": "window", "since": since(), "roles": ["Student"] });
                let ids = self.school.pupils.iter().map(|who| who.id()).collect();
                self.recall(number, selector, ids).await
            }
            Measure::Restore => self.restore().await,
            Measure::Respond(index) => self.respond(self.school.pupils[index]).await,
            Measure::Revoke(index) => {
                let (who, browser) = &browsers[index];
                self.world.revoke(who.id()).await;
                eventually("the ended session is refused", async || {
                    browser.get("/messaging/v1/inbox?limit=1").await.code() == "session_revoked"
                })
                .await;
                Effect::Revoked(*who)
            }
            Measure::Pause(turns) => {
                for _ in 0..turns {
                    tokio::task::yield_now().await;
                }
                Effect::Nothing
            }
        }
    }

    async fn post(&self, who: &Client, path: &str, key: &str, body: &Value) -> Value {
        let address = format!("/messaging/v1/schools/{}/{path}", self.school.id);
        let answer = settled(async || {
            let request = who.request(Method::POST, &address).json(body);
            let request = if key.is_empty() { request } else { request.header("Idempotency-Key", key) };
            who.send(request).await
        })
        .await;
        assert!(matches!(answer.status, 200 | 201), "{path}: {answer:?}");
        answer.body
    }

    async fn restrict(&self) -> Effect {
        let ends_at = self.world.app.clock.utc() + TimeDelta::hours(1);
        let body = json!({
            "roles": ["Student"], "direction": "from", "mode": "closed", "ends_at": ends_at, "reason": "R",
            "authority": "Rectorat",
        });
        self.post(&self.head, "send-restrictions", "", &body).await;
        let pupils: Vec<Uuid> = self.school.pupils.iter().map(|who| who.id()).collect();
        Effect::Restricted(self.world.count(SENT, &pupils).await)
    }

    async fn recall(&mut self, number: usize, selector: Value, senders: Vec<Uuid>) -> Effect {
        let body = json!({ "selector": selector, "reason": "R", "authority": "Rectorat" });
        let answer = self.post(&self.head, "recalls", &format!("r{number}"), &body).await;
        let id = answer["id"].as_str().map(|id| id.parse().unwrap());
        self.latest = id.or(self.latest);
        Effect::Recalled(senders, id)
    }

    async fn restore(&mut self) -> Effect {
        let Some(id) = self.latest.take() else { return Effect::Nothing };
        let (path, body) = (format!("recalls/{id}/restore"), json!({ "authority": "Principal" }));
        self.post(&self.head, &path, "", &body).await;
        assert_eq!(self.post(&self.admin, &path, "", &body).await["state"], "done");
        Effect::Restored
    }

    async fn respond(&self, who: Who) -> Effect {
        let key = format!("a{}-{}", self.school.number, self.world.moment());
        let body = json!({ "people": [who.id()], "since": since(), "reason": "R", "authority": "Rectorat" });
        let answer = self.post(&self.admin, "account-responses", &key, &body).await;
        let sent = self.world.count(SENT, &[who.id()]).await;
        Effect::Responded(who, answer["recall_id"].as_str().map(|id| id.parse().unwrap()), sent)
    }
}

fn since() -> Value {
    json!(shared::clock::system_clock().utc() - TimeDelta::days(1))
}
