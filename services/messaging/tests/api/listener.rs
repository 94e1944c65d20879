//! Settles how a test listens to a stream of events, as a browser does: one event after the other, and coming back with the last id.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use shared::testing::{Answer, Client};

/// How long a test waits for an event.
const PATIENCE: Duration = Duration::from_secs(20);

/// What was heard.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    pub id: Option<i64>,
    pub name: String,
    pub data: Value,
}

/// Somebody who listens.
pub struct Listener {
    answer: reqwest::Response,
    rest: String,
    /// The last id that was seen.
    pub last: Option<i64>,
    /// After how long to come back.
    pub retry_ms: Option<u64>,
    /// How often the stream was shown to be alive.
    pub alive: usize,
}

impl Listener {
    /// Listens, and takes the first count.
    pub async fn start(client: &Client) -> (Self, i64) {
        let mut listener = Self::come_back(client, None).await;
        let first = listener.next().await;
        assert_eq!(first.name, "unread_count");
        (listener, first.data["unread_count"].as_i64().unwrap())
    }

    /// Listens from an id on.
    pub async fn come_back(client: &Client, last: Option<i64>) -> Self {
        let answer = ask(client, last).await;
        assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Self { answer, rest: String::new(), last, retry_ms: None, alive: 0 }
    }

    /// The next event.
    pub async fn next(&mut self) -> Heard {
        tokio::time::timeout(PATIENCE, self.heard())
            .await
            .expect("an event within 20 s")
            .expect("the stream goes on")
    }

    /// The next event, or nothing where the stream was cut off.
    pub async fn next_or_end(&mut self) -> Option<Heard> {
        tokio::time::timeout(PATIENCE, self.heard()).await.expect("an event or an end within 20 s")
    }

    /// The next event of that name; those before it are passed over.
    pub async fn next_named(&mut self, name: &str) -> Value {
        loop {
            let heard = self.next().await;
            if heard.name == name {
                return heard.data;
            }
        }
    }

    /// Until so much is unread.
    pub async fn until_unread(&mut self, count: i64) {
        while self.next_named("unread_count").await["unread_count"] != count {}
    }

    /// Everything until the stream ends.
    pub async fn rest(mut self) -> (Vec<Heard>, Option<u64>) {
        let all = async {
            let mut heard = vec![];
            while let Some(one) = self.heard().await {
                heard.push(one);
            }
            heard
        };
        let heard = tokio::time::timeout(PATIENCE, all).await.expect("an end within 20 s");
        (heard, self.retry_ms)
    }

    async fn heard(&mut self) -> Option<Heard> {
        loop {
            while let Some((block, rest)) = self.rest.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.rest = rest;
                if let Some(heard) = self.take(&block) {
                    return Some(heard);
                }
            }
            let chunk = self.answer.chunk().await.ok()??;
            self.rest.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// One block of lines, as the WHATWG's rules read it.
    fn take(&mut self, block: &str) -> Option<Heard> {
        let (mut name, mut data, mut id) = (None, None, None);
        for line in block.lines() {
            match line.split_once(':').unwrap() {
                ("", _) => self.alive += 1,
                ("event", text) => name = Some(text.trim().to_owned()),
                ("data", text) => data = Some(serde_json::from_str(text).unwrap()),
                ("id", text) => id = Some(text.trim().parse().unwrap()),
                ("retry", text) => self.retry_ms = Some(text.trim().parse().unwrap()),
                (field, _) => panic!("no such field: {field}"),
            }
        }
        self.last = id.or(self.last);
        Some(Heard { id, name: name?, data: data? })
    }
}

/// What is answered to somebody who wants to listen.
pub async fn ask(client: &Client, last: Option<i64>) -> reqwest::Response {
    let request = client.request(Method::GET, "/messaging/v1/events").timeout(Duration::from_mins(2));
    let request = match last {
        Some(last) => request.header("Last-Event-ID", last),
        None => request,
    };
    request.send().await.expect("the service answers")
}

/// The same where it is a refusal.
pub async fn refusal(client: &Client) -> Answer {
    client.get("/messaging/v1/events").await
}
