//! Settles how many messages a second one core of messaging takes, beside their bare rows on as many connections.

use anyhow::Result;
use futures_util::future::try_join_all;
use reqwest::Method;
use serde_json::json;
use shared::clock::system_clock;
use shared::ids;
use shared::session::Role;

use super::{ID, Ours, body, id};
use crate::harness::{Time, median};
use crate::report::{Comparison, Figure, Measure};

/// A whole request with all its checks, against three rows in one message to PostgreSQL.
const AIM: f64 = 0.1;
/// Teachers who send at once, as many as there are connections for writes, others in each round, and messages of each: fewer than
/// an hour has.
const SENDERS: u32 = 16;
const MESSAGES: u32 = 40;
const ROUNDS: u32 = 9;

/// Sending one to one, from many at once.
pub fn run() -> Result<Vec<Comparison>> {
    let ours = Ours::start()?;
    ours.execute(&format!(
        "{ID}
         insert into directory.school values (pg_temp.id('a', 1), '0750655E', 'Collège');
         insert into directory.membership
           select pg_temp.id('a', 1), pg_temp.id('1', p), 'Student' from generate_series(1, 1000) p;
         analyze;"
    ))?;
    let (mut sent, mut written) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        sent.push(a_second(&ours, send_all(&ours, round))?);
        written.push(a_second(&ours, write_all(&ours))?);
    }
    let figures = vec![
        Figure { name: "ours: messages one to one, on one core", value: median(sent) },
        Figure { name: "their rows alone", value: median(written) },
    ];
    Ok(vec![Comparison::new(("sends", "one to one, from 16 at once"), Measure::Rate, figures, AIM)])
}

fn a_second(ours: &Ours, work: impl Future<Output = Result<()>>) -> Result<f64> {
    let begin = Time::Wall.now();
    ours.engine.run(work)?;
    Ok(f64::from(SENDERS * MESSAGES) / Time::Wall.now().saturating_sub(begin).as_secs_f64())
}

/// Each message to another pupil.
fn pupil(sender: u32, message: u32) -> uuid::Uuid {
    id(0x1, u128::from((sender * MESSAGES + message) % 1_000 + 1))
}

async fn send_all(ours: &Ours, round: u32) -> Result<()> {
    let school = id(0xa, 1);
    let sending = (1..=SENDERS).map(async |sender| {
        let cookie = ours.cookie(id(0x4, u128::from(round * SENDERS + sender)), school, Role::Teacher);
        for message in 0..MESSAGES {
            let ids = [pupil(sender, message)];
            let audience = json!({ "kind": "people", "school_id": school, "ids": ids });
            let message = json!({ "subject": "Devoir", "body": "Bien reçu, merci.", "audience": audience });
            let request = ours.request(Method::POST, "/messaging/v1/messages", &cookie);
            body(request.json(&message).send().await?, 201).await?;
        }
        Ok::<_, anyhow::Error>(())
    });
    try_join_all(sending).await.map(|_| ())
}

async fn write_all(ours: &Ours) -> Result<()> {
    let school = id(0xa, 1);
    let writing = (1..=SENDERS).map(async |sender| {
        let client = ours.database.connect().await;
        let from = id(0x4, u128::from(sender));
        for message in 0..MESSAGES {
            let (to, new) = (pupil(sender, message), ids::new_id(&*system_clock()));
            let sql = format!(
                "begin;
                 insert into thread (school_id, id, subject, started_by, started_at)
                   values ('{school}', '{new}', 'Devoir', '{from}', now());
                 insert into message (school_id, id, thread_id, sender_id, sent_at, audience, recipient_count, body)
                   values ('{school}', '{new}', '{new}', '{from}', now(), '{{}}', 1, 'Bien reçu, merci.');
                 insert into delivery (school_id, recipient_id, message_id, thread_id)
                   values ('{school}', '{to}', '{new}', '{new}');
                 commit"
            );
            client.batch_execute(&sql).await?;
        }
        Ok::<_, anyhow::Error>(())
    });
    try_join_all(writing).await.map(|_| ())
}
