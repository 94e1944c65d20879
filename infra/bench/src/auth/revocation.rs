//! Settles how long a revoked session is still let in: from the request that revokes to the first refusal, on every instance.
//!
//! Two instances of auth and one of courses, each its own program. A person is let in by all three, asks one of them to end all their
//! sessions, and is asked for on all three again and again until each has refused; the last of them counts.

use std::time::Duration;

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use reqwest::header::{COOKIE, ORIGIN};
use reqwest::{Client, StatusCode};
use shared::session::{ACCESS_COOKIE, Role};
use uuid::Uuid;

use super::Setup;
use crate::engines::Engines;
use crate::harness::Time;
use crate::http::ours::Ours as Courses;
use crate::http::programs::Cores;
use crate::report::{Comparison, Figure, Measure};

/// People who are signed out, one after the other.
const TRIES: u32 = 300;
/// "p99 under a second, aim 100 ms."
const LIMIT: Duration = Duration::from_secs(1);
const AIM: f64 = 0.1;
/// Nobody is waited for any longer.
const PATIENCE: Duration = Duration::from_secs(10);
const QUEUE: usize = 512;

/// The 99th percentile and the median.
#[expect(clippy::cast_precision_loss, reason = "nanoseconds are far below 2^52")]
pub fn run() -> Result<Vec<Comparison>> {
    let cores = Cores::two()?;
    let engines = Engines::open()?;
    // Both services look for the streams under the same names.
    let courses = Courses::start(&engines, cores)?;
    let Engines { config, keys, engine, database: _kept } = engines;
    let mut setup = Setup::with(engine, keys)?;
    setup.config.redis.key_prefix = config.redis.key_prefix;
    let (first, second) = (setup.start(cores.server, QUEUE, "")?, setup.start(cores.clients, QUEUE, "")?);
    let origin = setup.config.http.origins.first().cloned().unwrap_or_default();
    let instances = [
        format!("http://{}/auth/v1/me", first.address),
        format!("http://{}/auth/v1/me", second.address),
        format!("http://{}/courses/v1/home", courses.address),
    ];
    let revoke = format!("http://{}/auth/v1/sessions", first.address);
    shared::testing::install_provider();
    let client = Client::builder().timeout(PATIENCE).no_proxy().build()?;
    let mut times = Vec::new();
    for person in 1..=TRIES {
        let person = Uuid::from_u128(1 << 124 | u128::from(person));
        let token = setup.keys.token(person, &[(Uuid::from_u128(0xa << 124 | 1), Role::Student)]);
        let asked = Asked { client: &client, cookie: format!("{ACCESS_COOKIE}={token}") };
        times.push(setup.engine.run(asked.time_to_refusal(&instances, &revoke, &origin))?);
    }
    times.sort_unstable();
    let percentile = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or(PATIENCE);
    let compared = |case, percent| {
        let ours = Figure {
            name: "ours: until the last of 3 instances refuses",
            value: percentile(percent).as_nanos() as f64,
        };
        let limit = Figure { name: "limit", value: LIMIT.as_nanos() as f64 };
        Comparison::new(("revocation", case), Measure::Cost, vec![ours, limit], AIM)
    };
    Ok(vec![compared("99th percentile", 99), compared("median", 50)])
}

/// Somebody with a token.
struct Asked<'a> {
    client: &'a Client,
    cookie: String,
}

impl Asked<'_> {
    async fn time_to_refusal(&self, instances: &[String], revoke: &str, origin: &str) -> Result<Duration> {
        for url in instances {
            let status = self.status(url).await?;
            ensure!(status == StatusCode::OK, "{url} answers {status} before anything was revoked");
        }
        let begin = Time::Wall.now();
        let revoking = async {
            let request = self.client.delete(revoke).header(COOKIE, &self.cookie).header(ORIGIN, origin);
            let status = request.send().await?.status();
            ensure!(status == StatusCode::NO_CONTENT, "the revocation is answered {status}");
            Ok(())
        };
        let refusals = try_join_all(instances.iter().map(|url| self.until_refused(url, begin)));
        let (refusals, ()) = tokio::try_join!(refusals, revoking)?;
        Ok(refusals.into_iter().max().unwrap_or(PATIENCE))
    }

    /// Asks again as soon as it was answered.
    async fn until_refused(&self, url: &str, begin: Duration) -> Result<Duration> {
        loop {
            let status = self.status(url).await?;
            let passed = Time::Wall.now().saturating_sub(begin);
            if status == StatusCode::UNAUTHORIZED {
                return Ok(passed);
            }
            ensure!(status == StatusCode::OK && passed < PATIENCE, "{url} answers {status} after {passed:?}");
        }
    }

    async fn status(&self, url: &str) -> Result<StatusCode> {
        Ok(self.client.get(url).header(COOKIE, &self.cookie).send().await?.status())
    }
}
