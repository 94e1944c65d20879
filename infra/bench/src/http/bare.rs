//! Settles the peer: bare actix-web 4.18 with one worker and one handler that gives a fixed answer from memory.

use std::path::Path;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::rt::System;
use actix_web::web::{Bytes, Data, to};
use actix_web::{App, HttpResponse, HttpServer};
use anyhow::{Context as _, Result};
use serde_json::json;

use super::Scratch;
use super::ours::Answer;
use super::programs::{Cores, Pinned};

/// The peer, running.
pub struct Bare {
    pub program: Pinned,
    pub address: String,
    _files: [Scratch; 2],
}

impl Bare {
    /// Gives `answer` to whatever it is asked.
    pub fn start(answer: &Answer, cores: Cores) -> Result<Self> {
        let fixed = json!({ "status": answer.status, "headers": answer.headers, "body": answer.body });
        let (fixed, log) = (Scratch::new(&fixed.to_string())?, Scratch::new("")?);
        let file = fixed.path().to_str().context("a readable path")?;
        let program = std::env::current_exe()?;
        let mut program = Pinned::start(cores.server, &program, &["--serve-bare", file], log.path())?;
        let address = program
            .wait_for_line(log.path(), |line| line.strip_prefix("listening on ").map(str::to_owned))?;
        Ok(Self { program, address, _files: [fixed, log] })
    }
}

/// The peer's own process: serves what `file` says until it is killed.
#[expect(clippy::print_stdout, reason = "this is how the benchmark learns the port")]
pub fn serve(file: &Path) -> Result<()> {
    let fixed: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    let fixed: Fixed = Fixed::read(&fixed).context("a status, headers and a body")?;
    let fixed = Data::new(fixed);
    System::new().block_on(async {
        let server = HttpServer::new(move || App::new().app_data(fixed.clone()).default_service(to(give)))
            .workers(1)
            .keep_alive(Duration::from_secs(75))
            .bind(("127.0.0.1", 0))?;
        let address = server.addrs().first().copied().context("an address")?;
        println!("listening on {address}");
        Ok(server.run().await?)
    })
}

struct Fixed {
    status: StatusCode,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl Fixed {
    fn read(fixed: &serde_json::Value) -> Option<Self> {
        let headers = fixed.get("headers")?.as_array()?.iter();
        let pair = |pair: &serde_json::Value| {
            Some((pair.get(0)?.as_str()?.to_owned(), pair.get(1)?.as_str()?.to_owned()))
        };
        Some(Self {
            status: StatusCode::from_u16(u16::try_from(fixed.get("status")?.as_u64()?).ok()?).ok()?,
            headers: headers.map(pair).collect::<Option<_>>()?,
            body: Bytes::from(fixed.get("body")?.as_str()?.to_owned()),
        })
    }
}

async fn give(fixed: Data<Fixed>) -> HttpResponse {
    let mut response = HttpResponse::build(fixed.status);
    for (name, value) in &fixed.headers {
        response.insert_header((name.as_str(), value.as_str()));
    }
    response.body(fixed.body.clone())
}
