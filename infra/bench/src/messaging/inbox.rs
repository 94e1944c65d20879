//! Settles that a page of the inbox costs the same however many messages lie below it: the 99th percentile with 50,000 beside that with 50.

use std::time::Duration;

use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::Value;
use shared::session::Role;

use super::{ID, Ours, body, id};
use crate::harness::{Time, median};
use crate::report::{Comparison, Figure, Measure};

/// "The same as with 50 (within 1.3)."
const AIM: f64 = 1.3;
const FEW: u32 = 50;
const MANY: u32 = 50_000;
/// Pages of each mailbox in a round, in turn; the figure is the median of the rounds' 99th percentiles.
const PAGES: usize = 400;
const ROUNDS: usize = 9;

/// The first page of both.
pub fn run() -> Result<Vec<Comparison>> {
    let ours = Ours::start()?;
    ours.execute(&format!(
        "{ID} insert into directory.school values (pg_temp.id('a', 1), '0750655E', 'Collège');
         insert into directory.person select pg_temp.id('1', n), 'Prénom', 'Nom' from generate_series(1, 3) n;
         insert into thread select pg_temp.id('a', 1), pg_temp.id('d', n), 'Sujet ' || n, pg_temp.id('1', 3), now()
           from generate_series(1, {MANY}) n;
         insert into message (school_id, id, thread_id, sender_id, audience, recipient_count, body, sent_at)
           select pg_temp.id('a', 1), pg_temp.id('d', n), pg_temp.id('d', n), pg_temp.id('1', 3), '{{}}', 2, 'Texte.', now()
           from generate_series(1, {MANY}) n;
         insert into delivery (school_id, recipient_id, message_id, thread_id, read_at)
           select pg_temp.id('a', 1), pg_temp.id('1', p), pg_temp.id('d', n), pg_temp.id('d', n), now()
           from generate_series(1, 2) p, generate_series(1, {MANY}) n where p = 1 or n > {MANY} - {FEW};
         analyze;"
    ))?;
    // Alone: it is nothing that a transaction may do. What is all visible need not be looked up row by row.
    ours.execute("vacuum")?;
    let (mut many, mut few) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (of_many, of_few) = ours.engine.run(both(&ours))?;
        // The first one warms caches and plans.
        if round > 0 {
            many.push(of_many);
            few.push(of_few);
        }
    }
    let figures = vec![
        Figure { name: "99th percentile, 50,000 messages", value: median(many) },
        Figure { name: "99th percentile, 50 messages", value: median(few) },
    ];
    Ok(vec![Comparison::new(("inbox", "first page"), Measure::Cost, figures, AIM)])
}

async fn both(ours: &Ours) -> Result<(f64, f64)> {
    let school = id(0xa, 1);
    let cookies = [1, 2].map(|person| ours.cookie(id(0x1, person), school, Role::Student));
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..PAGES {
        for (cookie, times) in cookies.iter().zip(&mut times) {
            let begin = Time::Wall.now();
            let answer = ours.request(Method::GET, "/messaging/v1/inbox", cookie).send().await?;
            let page = body(answer, 200).await?;
            times.push(Time::Wall.now().saturating_sub(begin));
            let length = page.get("messages").and_then(Value::as_array).map(Vec::len);
            ensure!(length == Some(25), "a whole page: {page}");
        }
    }
    let [many, few] = times.map(percentile_99);
    Ok((many, few))
}

#[expect(clippy::cast_precision_loss, reason = "nanoseconds are far below 2^52")]
fn percentile_99(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() * 99 / 100).map_or(f64::NAN, |time| time.as_nanos() as f64)
}
