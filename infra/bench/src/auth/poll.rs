//! Settles what a look at the waiting room costs, beside bare actix-web that gives the same answer from memory.
//!
//! The tickets are those of people who found the house full; each poll checks one, compares it with the marks and seals it anew. As in
//! `http`, wrk asks from another core over connections that are kept.

use anyhow::{Context as _, Result, ensure};
use futures_util::future::join_all;

use super::asker::{Answered, Asker, TICKET};
use super::engines_apart::EnginesApart;
use super::sign_in::Here;
use super::{Ours, Setup};
use crate::http::bare::Bare;
use crate::http::ours::Answer;
use crate::http::programs::Cores;
use crate::http::{Case, compare};
use crate::report::Comparison;

/// People who come at once to a house with room for very few.
const CROWD: u32 = 200;
/// Tickets that are polled in turn.
const TICKETS: usize = 100;
const QUEUE: usize = 1;
const PATH: &str = "/auth/v1/waiting-room";

/// By polls a second, and by processor time of one.
pub fn run() -> Result<Vec<Comparison>> {
    let cores = Cores::two()?;
    let _here = Here::on(cores.clients)?;
    let setup = Setup::open()?;
    let _apart = EnginesApart::on(cores.clients, &setup)?;
    let ours = setup.start(cores.server, QUEUE, "poll:")?;
    let asker = Asker::new(&setup, &ours)?;
    let answer = setup.engine.run(answer(&asker, &ours))?;
    let bare = Bare::start(&answer, cores)?;
    let case =
        Case { name: "with a ticket", path: PATH, is_signed_in: false, is_conditional: false, aim: 0.6 };
    let names = ("waiting-room-poll", "waiting-room-poll, processor time");
    compare(names, &case, (&ours.program, &ours.address), &bare, &answer, cores).map(Vec::from)
}

/// What one of those who wait is answered, and how all of them ask.
async fn answer(asker: &Asker, ours: &Ours) -> Result<Answer> {
    let crowd = join_all((0..CROWD).map(|pupil| asker.sign_in(pupil, None))).await;
    let mut requests = Vec::new();
    for answered in crowd {
        match answered? {
            Answered::In(_) | Answered::Refused { .. } => {}
            Answered::Wait { ticket, .. } => requests.push(vec![("Waiting-Ticket", ticket)]),
        }
    }
    ensure!(requests.len() >= TICKETS, "{} of {CROWD} had to wait", requests.len());
    requests.truncate(TICKETS);
    let (_, ticket) = requests.first().and_then(|headers| headers.first()).context("a ticket")?;
    let poll = reqwest::Client::new().get(format!("http://{}{PATH}", ours.address)).header(TICKET, ticket);
    Answer::of(poll.send().await?, requests).await
}
