//! Settles how many password sign-ins a second one core gives, beside as many argon2 hashes as it can compute, and what is left of them
//! when ten times as many are attempted.
//!
//! auth is its own program on one core with everything it does; PostgreSQL, Redis and whoever asks are on the other one, whose rest is
//! kept busy, while hashes are counted too. At saturation 32 people sign in one after the other. In the surge new people come for as
//! long as it lasts; whoever gets a place in the waiting room comes back when told, and every request counts as an attempt.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use argon2::Block;
use futures_util::future::try_join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde_json::Value;

use super::asker::{Answered, Asker};
use super::engines_apart::EnginesApart;
use super::{MEMORY_KIB, PUPILS, Setup, argon2id};
use crate::harness::{Time, median};
use crate::http::programs::{Cores, KeptBusy};
use crate::report::{Comparison, Figure, Measure};

/// Rounds of each, in turn.
const ROUNDS: usize = 5;
/// Length of one counting of hashes, and of one saturation.
const SECONDS: Duration = Duration::from_secs(4);
/// Length of one surge.
const SURGE: Duration = Duration::from_mins(1);
/// People at saturation: far fewer than the waiting room lets in.
const AT_ONCE: u32 = 32;
/// Attempts in a surge for each sign-in at saturation.
const TIMES: f64 = 10.0;
/// How often arrivals are sent off.
const TICK: Duration = Duration::from_millis(5);
/// "At least 0.85 of the hashes"; "at least 0.95 of the figure at saturation"; "under 1 % whose answer nobody waited for".
const AIMS: [f64; 3] = [0.85, 0.95, 0.99];
const QUEUE: usize = 512;

/// What rounds came to.
#[derive(Default)]
struct Rounds {
    raw: Vec<f64>,
    saturated: Vec<f64>,
    surging: Vec<f64>,
    computed: f64,
    heard: f64,
}

/// Sign-ins beside hashes; a surge beside saturation; hashes that were heard beside all.
pub fn run() -> Result<Vec<Comparison>> {
    let cores = Cores::two()?;
    let _here = Here::on(cores.clients)?;
    let setup = Setup::open()?;
    let _apart = EnginesApart::on(cores.clients, &setup)?;
    let _busy = KeptBusy::start(cores.clients)?;
    let mut rounds = Rounds::default();
    for round in 0..ROUNDS {
        rounds.raw.push(raw_hashes(cores.server)?);
        let ours = setup.start(cores.server, QUEUE, &format!("{round}:"))?;
        let asker = Asker::new(&setup, &ours)?;
        setup.engine.run(one_round(&asker, &mut rounds))?;
    }
    let figure = |name, rates: &[f64]| Figure { name, value: median(rates.to_vec()) };
    let (ours, surge) = ("ours: sign-ins at saturation", "ours: sign-ins at ten times as many attempts");
    let compared = |case, figures, aim| Comparison::new(("sign-in", case), Measure::Rate, figures, aim);
    let [of_hashes, of_saturation, of_computed] = AIMS;
    let total = (0..ROUNDS).map(|_| SURGE.as_secs_f64()).sum::<f64>();
    Ok(vec![
        compared(
            "one core",
            vec![figure(ours, &rounds.saturated), figure("argon2 0.6, memory reused", &rounds.raw)],
            of_hashes,
        ),
        compared(
            "surge",
            vec![figure(surge, &rounds.surging), figure(ours, &rounds.saturated)],
            of_saturation,
        ),
        compared(
            "hashes in a surge",
            vec![
                Figure { name: "ours: whose asker still waited", value: rounds.heard / total },
                Figure { name: "computed", value: rounds.computed / total },
            ],
            of_computed,
        ),
    ])
}

async fn one_round(asker: &Asker, rounds: &mut Rounds) -> Result<()> {
    saturate(asker, SECONDS / 4).await?;
    let saturated = saturate(asker, SECONDS).await?;
    let before = hashes(&asker.status().await?)?;
    let surging = Surge::new(asker, saturated * TIMES).run().await?;
    let after = hashes(&asker.status().await?)?;
    rounds.saturated.push(saturated);
    rounds.surging.push(surging);
    rounds.computed += after.0 - before.0;
    rounds.heard += (after.0 - before.0) - (after.1 - before.1);
    Ok(())
}

/// Hashes computed, and those unheard.
fn hashes(status: &Value) -> Result<(f64, f64)> {
    let read = |name: &str| status.pointer(&format!("/hashes/{name}")).and_then(Value::as_f64);
    read("computed").zip(read("unheard")).context("auth counts its hashes")
}

/// Hashes a second of one thread that does nothing else, on this core.
#[expect(clippy::cast_precision_loss, reason = "counts of hashes are far below 2^52")]
fn raw_hashes(core: usize) -> Result<f64> {
    let counting = move || -> Result<f64> {
        let _here = Here::on(core)?;
        let (argon2, mut memory) = (argon2id()?, vec![Block::default(); MEMORY_KIB as usize]);
        let (begin, mut count, mut output) = (Time::Wall.now(), 0_u64, [0; 32]);
        loop {
            let salt = count.to_be_bytes().repeat(2);
            let hashed = argon2.hash_password_into_with_memory(b"password", &salt, &mut output, &mut memory);
            hashed.map_err(|error| anyhow::anyhow!("{error}"))?;
            count += 1;
            let passed = Time::Wall.now().saturating_sub(begin);
            if passed >= SECONDS {
                return Ok(count as f64 / passed.as_secs_f64());
            }
        }
    };
    std::thread::scope(|scope| scope.spawn(counting).join())
        .map_err(|_| anyhow::anyhow!("the count ended"))?
}

/// Sign-ins a second of people who come one after the other.
#[expect(clippy::cast_precision_loss, reason = "counts of sign-ins are far below 2^52")]
pub async fn saturate(asker: &Asker, length: Duration) -> Result<f64> {
    let begin = Time::Wall.now();
    let passed = || Time::Wall.now().saturating_sub(begin);
    let one = |first: u32| async move {
        let mut count = 0_u64;
        for pupil in (first..PUPILS).step_by(AT_ONCE as usize).cycle() {
            let answered = asker.sign_in(pupil, None).await?;
            // One that ends after the time is over belongs to no one's count.
            if passed() >= length {
                break;
            }
            match answered {
                Answered::In(_) => count += 1,
                Answered::Wait { .. } => bail!("nobody has to wait at saturation"),
                Answered::Refused { again } => tokio::time::sleep(again).await,
            }
        }
        Ok(count)
    };
    let counts: Vec<u64> = try_join_all((0..AT_ONCE).map(one)).await?;
    Ok(counts.iter().sum::<u64>() as f64 / length.as_secs_f64())
}

/// People who come faster than they can be served.
struct Surge<'a> {
    asker: &'a Asker,
    /// Attempts a second.
    rate: f64,
    /// Who comes back when, the next first: nanoseconds since the begin, who, with which ticket.
    returning: BinaryHeap<Reverse<(u128, u32, Option<String>)>>,
    arrived: u32,
    attempts: f64,
    signed_in: f64,
}

impl<'a> Surge<'a> {
    fn new(asker: &'a Asker, rate: f64) -> Self {
        Self { asker, rate, returning: BinaryHeap::new(), arrived: 0, attempts: 0.0, signed_in: 0.0 }
    }

    /// Sign-ins a second over the whole time.
    async fn run(mut self) -> Result<f64> {
        let begin = Time::Wall.now();
        let asker = self.asker;
        let mut under_way = FuturesUnordered::new();
        let mut tick = tokio::time::interval(TICK);
        loop {
            let passed = Time::Wall.now().saturating_sub(begin);
            if passed >= SURGE {
                break;
            }
            tokio::select! {
                Some(ended) = under_way.next(), if !under_way.is_empty() => {
                    let (pupil, answered) = ended?;
                    self.note(passed, pupil, answered);
                }
                _ = tick.tick() => {
                    while let Some((pupil, ticket)) = self.next(passed) {
                        under_way.push(async move {
                            let answered = asker.sign_in(pupil, ticket.as_deref()).await?;
                            anyhow::Ok((pupil, answered))
                        });
                    }
                }
            }
        }
        // Whoever is inside is answered, so that nobody is counted as gone who only ran out of the benchmark's time.
        while let Some(last) = under_way.next().await {
            drop(last?);
        }
        let reached = self.attempts / SURGE.as_secs_f64() / self.rate;
        ensure!(reached > 0.97, "whoever asks is too slow: {reached:.2} of the attempts were made");
        Ok(self.signed_in / SURGE.as_secs_f64())
    }

    /// Who asks now: those whose time has come, then somebody new, within the rate.
    fn next(&mut self, passed: Duration) -> Option<(u32, Option<String>)> {
        let is_due = self.returning.peek().is_some_and(|Reverse((at, _, _))| *at <= passed.as_nanos());
        if self.attempts >= self.rate * passed.as_secs_f64() && !is_due {
            return None;
        }
        self.attempts += 1.0;
        if is_due {
            return self.returning.pop().map(|Reverse((_, pupil, ticket))| (pupil, ticket));
        }
        self.arrived += 1;
        Some((self.arrived % PUPILS, None))
    }

    fn note(&mut self, passed: Duration, pupil: u32, answered: Answered) {
        match answered {
            Answered::In(_) => self.signed_in += 1.0,
            Answered::Wait { ticket, again } => {
                self.returning.push(Reverse(((passed + again).as_nanos(), pupil, Some(ticket))));
            }
            Answered::Refused { again } => {
                self.returning.push(Reverse(((passed + again).as_nanos(), pupil, None)));
            }
        }
    }
}

/// Keeps this thread, and those it starts, on one core until it is dropped.
pub struct Here(CpuSet);

impl Here {
    /// From now on.
    pub fn on(core: usize) -> Result<Self> {
        let before = sched_getaffinity(None)?;
        let mut only = CpuSet::new();
        only.set(core);
        sched_setaffinity(None, &only)?;
        Ok(Self(before))
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        let _ = sched_setaffinity(None, &self.0);
    }
}
