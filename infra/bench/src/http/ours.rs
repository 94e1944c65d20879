//! Settles the service under test: courses as it runs in use, with one school in it and its pupils signed in.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use reqwest::header::{HeaderName, IF_NONE_MATCH};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use shared::session::{ACCESS_COOKIE, Role};
use shared::testing::Client;
use uuid::Uuid;

use super::configuration::{configuration, public_address};
use super::programs::{Cores, Pinned};
use super::{Case, Scratch};
use crate::engines::Engines;

/// Pupils of the school.
const PUPILS: u128 = 120;

/// courses, running.
pub struct Ours {
    pub program: Pinned,
    pub address: String,
    _files: [Scratch; 2],
}

/// One answer, and what has to be asked for it.
pub struct Answer {
    pub status: u16,
    /// All but those that every server adds by itself.
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// The headers of each of the requests that are sent in turn.
    pub requests: Vec<Vec<(&'static str, String)>>,
}

impl Ours {
    /// The program that `ENT_BENCH_COURSES` names.
    pub fn start(engines: &Engines, cores: Cores) -> Result<Self> {
        let program = std::env::var_os("ENT_BENCH_COURSES").map(PathBuf::from);
        let program = program.context("ENT_BENCH_COURSES is not set: measure with `cargo ent bench http`")?;
        let school =
            async { engines.database.connect().await.batch_execute(include_str!("school.sql")).await };
        engines.engine.run(school).context("no school")?;
        let written = configuration(&engines.config, &engines.keys, "courses", &own(engines));
        let (config, log) = (Scratch::new(&toml::to_string(&written)?)?, Scratch::new("")?);
        let file = config.path().to_str().context("a readable path")?;
        let mut program = Pinned::start(cores.server, &program, &["--config", file, "serve"], log.path())?;
        let address = program.wait_for_line(log.path(), public_address)?;
        Ok(Self { program, address, _files: [config, log] })
    }

    /// What one pupil is answered, and how all of them ask.
    pub fn answer(&self, engines: &Engines, case: &Case) -> Result<Answer> {
        let mut requests = Vec::new();
        let mut last = None;
        for pupil in 1..=(if case.is_signed_in { PUPILS } else { 1 }) {
            let token = engines.keys.token(id(0x1, pupil), &[(id(0xa, 1), Role::Student)]);
            let client = Client::new(self.address.parse()?).with_token(token.clone());
            let mut request = vec![];
            if case.is_signed_in {
                request.push(("Cookie", format!("{ACCESS_COOKIE}={token}")));
            }
            let mut answer = engines.engine.run(ask(&client, case.path, None))?;
            if case.is_conditional {
                let tag = answer.header("etag").context("the answer has a tag")?;
                answer = engines.engine.run(ask(&client, case.path, Some(&tag)))?;
                ensure!(answer.status == 304, "a copy is as good, and the answer is {}", answer.status);
                request.push(("If-None-Match", tag));
            }
            requests.push(request);
            last = Some(answer);
        }
        Ok(Answer { requests, ..last.context("somebody asks")? })
    }
}

impl Answer {
    /// An answer as it came, and what is asked for it.
    pub async fn of(response: Response, requests: Vec<Vec<(&'static str, String)>>) -> Result<Self> {
        let status = response.status().as_u16();
        let by_itself =
            ["date", "content-length", "transfer-encoding", "connection"].map(HeaderName::from_static);
        let headers = response.headers().iter().filter(|(name, _)| !by_itself.contains(name));
        let headers = headers.map(|(name, value)| Ok((name.to_string(), value.to_str()?.to_owned())));
        let headers = headers.collect::<Result<_>>()?;
        Ok(Self { status, headers, body: response.text().await?, requests })
    }

    fn header(&self, name: &str) -> Option<String> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }
}

async fn ask(client: &Client, path: &str, tag: Option<&str>) -> Result<Answer> {
    let mut request = client.request(Method::GET, path);
    if let Some(tag) = tag {
        request = request.header(IF_NONE_MATCH, tag);
    }
    let response = request.send().await?;
    let status = response.status().as_u16();
    ensure!(status == 200 || status == 304, "{path} answers {status}");
    Answer::of(response, Vec::new()).await
}

fn own(engines: &Engines) -> Value {
    json!({
        "access_tokens": {
            "jwks_cache_file": engines.keys.file("jwks"),
            "revocations_cache_file": engines.keys.file("revocations"),
        },
        "siblings": { "auth": ["http://127.0.0.1:9"] },
    })
}

/// As school.sql makes them.
fn id(kind: u128, number: u128) -> Uuid {
    Uuid::from_u128(kind << 124 | number)
}
