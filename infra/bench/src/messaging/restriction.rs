//! Settles how long pupils still send after their head closes sending: until the closing is answered, and not one message longer.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use chrono::TimeDelta;
use futures_util::future::try_join_all;
use reqwest::Method;
use serde_json::json;
use shared::clock::system_clock;
use shared::session::Role;
use uuid::Uuid;

use super::{ID, Ours, body, id};
use crate::harness::Time;
use crate::report::{Comparison, Figure, Measure};

/// "In force everywhere within a second."
const LIMIT: Duration = Duration::from_secs(1);
const AIM: f64 = 1.0;
/// Schools, each closed once, while its pupils send as fast as they are answered.
const SCHOOLS: u32 = 40;
const SENDERS: u32 = 16;

/// The longest closing. That no message is accepted after it is a condition of the figure.
#[expect(clippy::cast_precision_loss, reason = "nanoseconds are far below 2^52")]
pub fn run() -> Result<Vec<Comparison>> {
    let ours = Ours::start()?;
    ours.execute(&format!(
        "{ID}
         insert into directory.school select pg_temp.id('a', s), '0750655E', 'Collège' from generate_series(1, {SCHOOLS}) s;
         insert into roster.student_group
           select pg_temp.id('a', s), pg_temp.id('b', s), 'class', '3eA' from generate_series(1, {SCHOOLS}) s;
         insert into directory.membership
           select pg_temp.id('a', s), pg_temp.id('1', s * 100 + p), 'Student'
           from generate_series(1, {SCHOOLS}) s, generate_series(1, {SENDERS}) p;
         insert into roster.enrolment
           select pg_temp.id('a', s), pg_temp.id('b', s), pg_temp.id('1', s * 100 + p), 'student'
           from generate_series(1, {SCHOOLS}) s, generate_series(1, {SENDERS}) p;
         insert into send_limit
           select pg_temp.id('a', s), 'Student', 40, 200, null, now(), null, 1000000 from generate_series(1, {SCHOOLS}) s;
         analyze;"
    ))?;
    let mut longest = Duration::ZERO;
    for school in 1..=SCHOOLS {
        longest = longest.max(ours.engine.run(time_to_closed(&ours, school))?);
    }
    let figures = vec![
        Figure { name: "ours: until no message is accepted, longest", value: longest.as_nanos() as f64 },
        Figure { name: "limit", value: LIMIT.as_nanos() as f64 },
    ];
    Ok(vec![Comparison::new(("restriction", "while 16 pupils send"), Measure::Cost, figures, AIM)])
}

async fn time_to_closed(ours: &Ours, number: u32) -> Result<Duration> {
    let school = id(0xa, u128::from(number));
    let head = ours.cookie(id(0x3, u128::from(number)), school, Role::Principal);
    let sending = try_join_all((1..=SENDERS).map(|pupil| send_until_closed(ours, number, pupil, school)));
    let closing = async {
        // Everybody has sent once: their own loops begin at the same time and are waited for by count.
        while accepted(ours, school).await? < i64::from(SENDERS) * 2 {
            tokio::task::yield_now().await;
        }
        let ends_at = system_clock().utc() + TimeDelta::hours(1);
        let closing = json!({
            "roles": ["Student"], "direction": "from", "mode": "closed", "ends_at": ends_at, "reason": "R",
            "authority": "Rectorat",
        });
        let path = format!("/messaging/v1/schools/{school}/send-restrictions");
        let begin = Time::Wall.now();
        body(ours.request(Method::POST, &path, &head).json(&closing).send().await?, 201).await?;
        let passed = Time::Wall.now().saturating_sub(begin);
        Ok((passed, accepted(ours, school).await?))
    };
    let (_, (passed, at_closing)) = tokio::try_join!(sending, closing)?;
    let in_the_end = accepted(ours, school).await?;
    ensure!(in_the_end == at_closing, "{} messages were accepted after the closing", in_the_end - at_closing);
    Ok(passed)
}

async fn accepted(ours: &Ours, school: Uuid) -> Result<i64> {
    let sql = "select count(*) from message where school_id = $1";
    Ok(ours.database.connect().await.query_one(sql, &[&school]).await?.get(0))
}

async fn send_until_closed(ours: &Ours, number: u32, pupil: u32, school: Uuid) -> Result<()> {
    let cookie = ours.cookie(id(0x1, u128::from(number * 100 + pupil)), school, Role::Student);
    let class = id(0xb, u128::from(number));
    let audience = json!({ "kind": "group", "school_id": school, "id": class, "parts": ["student"] });
    let message = json!({ "subject": "S", "body": "Message.", "audience": audience });
    loop {
        let request = ours.request(Method::POST, "/messaging/v1/messages", &cookie);
        let status = request.json(&message).send().await?.status().as_u16();
        match status {
            403 => return Ok(()),
            201 | 202 | 503 => {}
            _ => bail!("a message is answered {status}"),
        }
    }
}
