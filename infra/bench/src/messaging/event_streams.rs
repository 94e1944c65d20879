//! Settles what a thousand people who listen cost: the memory of each stream, and how long it takes until the last of them has heard.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use reqwest::{Method, Response};
use serde_json::json;
use shared::session::Role;

use super::{ID, Ours, body, id};
use crate::harness::{Time, median};
use crate::report::{Comparison, Figure, Measure};

const LISTENERS: u128 = 1_000;
/// Messages to all of them; the figure is the median.
const MESSAGES: usize = 15;
/// As much as one connection of the front door takes.
const LIMIT_BYTES: f64 = 64.0 * 1024.0;
/// Five rounds of the sequencer: what somebody who looks at a page takes for at once.
const LIMIT_HEARD: Duration = Duration::from_secs(1);

/// Opens the streams, then sends to all of them.
pub fn run() -> Result<Vec<Comparison>> {
    let ours = Ours::start()?;
    ours.execute(&format!(
        "{ID} insert into directory.school values (pg_temp.id('a', 1), '0750655E', 'Collège');
         insert into directory.membership select pg_temp.id('a', 1), pg_temp.id('1', n), 'Student' from generate_series(1, {LISTENERS}) n;
         insert into directory.membership values (pg_temp.id('a', 1), pg_temp.id('2', 1), 'Principal');
         insert into send_limit values (pg_temp.id('a', 1), 'Principal', 5000, null, 2000000000, now());
         analyze;"
    ))?;
    let (bytes, heard) = ours.engine.run(measure(&ours))?;
    let bytes = vec![
        Figure { name: "ours: resident memory of a stream", value: bytes },
        Figure { name: "limit", value: LIMIT_BYTES },
    ];
    let heard = vec![
        Figure { name: "ours: from the answer to the last who hears", value: heard },
        Figure { name: "limit", value: nanoseconds(LIMIT_HEARD) },
    ];
    Ok(vec![
        Comparison::new(("event-streams", "memory of one in 1,000"), Measure::Size, bytes, 1.0),
        Comparison::new(("event-streams", "1,000 hear of a message"), Measure::Cost, heard, 1.0),
    ])
}

async fn measure(ours: &Ours) -> Result<(f64, f64)> {
    // What the first requests leave behind is no stream's.
    let warm = (1..=LISTENERS).map(|number| ours.unread_of(number));
    for unread in warm {
        ensure!(unread.await? == 0, "nobody has mail yet");
    }
    let before = ours.memory()?;
    let mut streams = Vec::new();
    for number in 1..=LISTENERS {
        let request = ours.request(Method::GET, "/messaging/v1/events", &ours.pupil(number));
        let mut stream = request.timeout(Duration::from_mins(5)).send().await?;
        until(&mut stream, "event: unread_count").await?;
        streams.push(stream);
    }
    let after = ours.memory()?;
    let head = ours.cookie(id(0x2, 1), id(0xa, 1), Role::Principal);
    let mut times = Vec::new();
    for number in 0..MESSAGES {
        let audience = json!({ "kind": "role", "school_id": id(0xa, 1), "role": "Student" });
        let message = json!({ "subject": format!("Sortie {number}"), "body": "Rendez-vous à 8 h.", "audience": audience });
        let sent = ours.request(Method::POST, "/messaging/v1/messages", &head).json(&message).send().await?;
        body(sent, 201).await?;
        let begin = Time::Wall.now();
        try_join_all(streams.iter_mut().map(|stream| until(stream, "event: unread_count"))).await?;
        times.push(nanoseconds(Time::Wall.now().saturating_sub(begin)));
    }
    #[expect(clippy::cast_precision_loss, reason = "bytes of memory are far below 2^52")]
    let bytes = after.saturating_sub(before) as f64 / 1_000.0;
    Ok((bytes, median(times)))
}

/// Reads on until an event has come.
async fn until(stream: &mut Response, event: &str) -> Result<()> {
    let mut text = String::new();
    while !(text.contains(event) && text.ends_with("\n\n")) {
        let chunk = stream.chunk().await?.context("the stream ended")?;
        text.push_str(std::str::from_utf8(&chunk)?);
    }
    Ok(())
}

fn nanoseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}
