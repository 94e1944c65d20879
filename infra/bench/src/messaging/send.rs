//! Settles what a message to 2,000 people costs beside its bare rows.
//!
//! Ours is the whole request: the token, the locks, the audience, the rules, the budget, the look at the text, and the rows. The
//! peer writes the same rows from the same tables with `insert … select`, in one transaction. Both wait for the same commit.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use shared::clock::system_clock;
use shared::ids;
use shared::session::Role;
use uuid::Uuid;

use super::{ID, Ours, body, id};
use crate::harness::{Contender, Plan};
use crate::report::{Comparison, Measure};

/// Of the project: one transaction, at most half as much again as its rows.
const AIM: f64 = 1.5;
/// Messages of a round.
const CALLS: u64 = 3;
const BODY: &str = "En raison de la neige, l'établissement est fermé aujourd'hui ; les transports scolaires ne circulent pas.";

/// Sending to 2,000. No budget is ever spent: the figure is about writing.
pub fn run() -> Result<Vec<Comparison>> {
    let ours = Ours::start()?;
    let school = id(0xa, 1);
    ours.execute(&format!(
        "{ID}
         insert into directory.school values (pg_temp.id('a', 1), '0750655E', 'Collège');
         insert into directory.membership
           select pg_temp.id('a', 1), pg_temp.id('1', p), 'Student' from generate_series(1, 2000) p;
         insert into send_limit values (pg_temp.id('a', 1), 'Principal', 5000, null, 2000000000, now(), null, 1000000);
         analyze;"
    ))?;
    let head = ours.cookie(id(0x3, 1), school, Role::Principal);
    let audience = json!({ "kind": "role", "school_id": school, "role": "Student" });
    let message = json!({ "subject": "Neige", "body": BODY, "audience": audience });
    let plain = ours.engine.run(ours.database.connect());
    let failed = AtomicU64::new(0);
    let count = |is_done: bool| failed.fetch_add(u64::from(!is_done), Ordering::Relaxed);
    let send = |calls: u64| {
        for _ in 0..calls {
            count(ours.engine.run(send_one(&ours, &head, &message)).is_ok());
        }
    };
    let write = |calls: u64| {
        for _ in 0..calls {
            let rows = rows(school, ids::new_id(&*system_clock()));
            count(ours.engine.run(plain.batch_execute(&rows)).is_ok());
        }
    };
    let contenders = [
        Contender::new("ours: a message to 2,000 people", send),
        Contender::new("insert … select of its rows", write),
    ];
    let figures = Plan::waiting(CALLS).measure(&contenders);
    let failed = failed.load(Ordering::Relaxed);
    ensure!(failed == 0, "{failed} messages failed");
    Ok(vec![Comparison::new(("send", "to 2,000 people"), Measure::Cost, figures, AIM)])
}

async fn send_one(ours: &Ours, cookie: &str, message: &Value) -> Result<()> {
    let request = ours.request(Method::POST, "/messaging/v1/messages", cookie);
    body(request.json(message).send().await?, 201).await.map(|_| ())
}

fn rows(school: Uuid, new: Uuid) -> String {
    format!(
        "begin;
         insert into thread (school_id, id, subject, started_by, started_at)
           values ('{school}', '{new}', 'Neige', '{school}', now());
         insert into message (school_id, id, thread_id, sender_id, sent_at, audience, recipient_count, body)
           values ('{school}', '{new}', '{new}', '{school}', now(), '{{}}', 2000, $body${BODY}$body$);
         insert into delivery (school_id, recipient_id, message_id, thread_id)
           select school_id, person_id, '{new}', '{new}' from directory.membership
           where school_id = '{school}' and role = 'Student';
         commit"
    )
}
