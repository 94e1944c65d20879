//! Settles how long 100,000 copies of withdrawn messages can still be seen: from the request of the head until one of those who had a copy counts none.

use std::time::Duration;

use anyhow::{Result, ensure};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use shared::clock::system_clock;
use shared::session::Role;

use super::{ID, Ours, body, id};
use crate::harness::Time;
use crate::report::{Comparison, Figure, Measure};

/// "100,000 copies invisible p99 <= 5 s".
const LIMIT: Duration = Duration::from_secs(5);
const AIM: f64 = 1.0;
const COPIES: i64 = 100_000;
/// Recalls of each case. The longest counts, which is beyond the 99th percentile of so many.
const TRIES: u32 = 20;

/// How copies come about: so many messages to so many people each.
struct Case {
    name: &'static str,
    messages: i64,
    recipients: i64,
}

const CASES: [Case; 2] = [
    Case { name: "50 messages to 2,000 people", messages: 50, recipients: 2_000 },
    Case { name: "100,000 messages to one person each", messages: 100_000, recipients: 1 },
];

/// The longest of each case.
#[expect(clippy::cast_precision_loss, reason = "nanoseconds are far below 2^52")]
pub fn run() -> Result<Vec<Comparison>> {
    let ours = Ours::start()?;
    ours.execute(&format!(
        "{ID} insert into directory.school values (pg_temp.id('a', 1), '0750655E', 'Collège');
         insert into directory.membership
           select pg_temp.id('a', 1), pg_temp.id('1', n), 'Student' from generate_series(1, 2000) n"
    ))?;
    let mut comparisons = Vec::new();
    for (number, case) in (0..).zip(&CASES) {
        let mut longest = Duration::ZERO;
        for round in 0..TRIES {
            longest = longest.max(time_to_invisible(&ours, case, number * TRIES + round)?);
        }
        let figures = vec![
            Figure { name: "ours: until nobody sees a copy, longest", value: longest.as_nanos() as f64 },
            Figure { name: "limit", value: LIMIT.as_nanos() as f64 },
        ];
        comparisons.push(Comparison::new(("recall", case.name), Measure::Cost, figures, AIM));
    }
    Ok(comparisons)
}

/// A sender of its own for each try.
fn time_to_invisible(ours: &Ours, case: &Case, round: u32) -> Result<Duration> {
    let Case { messages, recipients, .. } = case;
    ours.execute(&format!(
        "{ID}
         create function pg_temp.m(n bigint) returns uuid language sql immutable as
           $$ select pg_temp.id('d', {round} * 1000000 + n) $$;
         insert into thread select pg_temp.id('a', 1), pg_temp.m(n), 'Sujet', pg_temp.id('2', {round}), now()
           from generate_series(1, {messages}) n;
         insert into message (school_id, id, thread_id, sender_id, audience, recipient_count, body, sent_at)
           select pg_temp.id('a', 1), pg_temp.m(n), pg_temp.m(n), pg_temp.id('2', {round}), '{{}}', {recipients},
                  'Message numéro ' || n || ', de quelques mots, comme on en écrit à tout le monde.', now()
           from generate_series(1, {messages}) n;
         insert into delivery (school_id, recipient_id, message_id, thread_id)
           select pg_temp.id('a', 1), pg_temp.id('1', (n + p) % 2000 + 1), pg_temp.m(n), pg_temp.m(n)
           from generate_series(1, {messages}) n, generate_series(1, {recipients}) p;
         analyze message; analyze delivery;"
    ))?;
    let school = id(0xa, 1);
    let head = ours.cookie(id(0x3, 1), school, Role::Principal);
    let pupil = ours.cookie(id(0x1, 7), school, Role::Student);
    let before = ours.engine.run(ours.unread(&pupil))?;
    ensure!(before > 0, "a recipient has copies");
    let since = system_clock().utc() - TimeDelta::days(1);
    let selector = json!({ "kind": "senders", "ids": [id(0x2, u128::from(round))], "since": since });
    let asked = json!({ "selector": selector, "reason": "R", "authority": "Rectorat" });
    let path = format!("/messaging/v1/schools/{school}/recalls");
    ours.engine.run(async {
        let begin = Time::Wall.now();
        let answer = ours.request(Method::POST, &path, &head).json(&asked).send().await?;
        let withdrawn = body(answer, 201).await?;
        let left = ours.unread(&pupil).await?;
        let passed = Time::Wall.now().saturating_sub(begin);
        let copies = withdrawn.pointer("/schools/0/copies").and_then(Value::as_i64);
        ensure!(copies == Some(COPIES), "{withdrawn}");
        ensure!(left == 0, "{left} copies are still counted");
        Ok(passed)
    })
}
