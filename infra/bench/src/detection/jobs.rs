//! Settles which days are replayed: so many seeds of each family and of each burst, each over the traffic of its region.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::attack::{Family, Start, campaign};
use super::burst::{Burst, burst};
use super::dice::Side;
use super::people::{HOUR_MS, MINUTE_MS, region};
use super::replay::replay;
use super::sending::Sending;
use super::tally::{Borne, Reached, borne, reached};
use super::traffic::{Texts, traffic};

/// Schools of the region, each with 1,000 pupils.
pub const SCHOOLS: u16 = 25;
/// How many seeds of each family and start. With fewer than 72 the 95th percentile has no upper bound.
fn campaign_seeds(side: Side) -> Vec<u64> {
    match side {
        Side::Tuning => side.seeds(30).collect(),
        Side::Reported => side.seeds(100).collect(),
    }
}

/// How many seeds of each burst: whole days.
fn burst_seeds(side: Side) -> Vec<u64> {
    match side {
        Side::Tuning => side.seeds(4).collect(),
        Side::Reported => side.seeds(20).collect(),
    }
}

/// Of each family and start, what every seed's campaign reached.
pub fn campaigns(side: Side) -> Vec<(Family, Start, Vec<Reached>)> {
    let texts = Texts::write(side, SCHOOLS);
    let cases = Family::ALL.into_iter().flat_map(|family| Start::ALL.map(|start| (family, start)));
    let each = |(family, start): (Family, Start)| {
        (
            family,
            start,
            on_all_cores(&campaign_seeds(side), |seed| one_campaign(seed, side, family, start, &texts)),
        )
    };
    cases.map(each).collect()
}

/// The traffic begins before the campaign does, and goes on while it lasts.
fn one_campaign(seed: u64, side: Side, family: Family, start: Start, texts: &Texts) -> Reached {
    let region = region(seed, SCHOOLS, start.day());
    let campaign = campaign(seed, side, family, start, &region);
    let moments = || campaign.iter().map(|sending| sending.at_ms);
    let (first_ms, last_ms) = (moments().min().unwrap_or(0), moments().max().unwrap_or(0));
    let span = first_ms.saturating_sub(2 * HOUR_MS)..last_ms + MINUTE_MS;
    let sendings = together(traffic(seed, &region, start.day(), texts, span), campaign);
    reached(&sendings, &replay(seed, &sendings))
}

/// Of each burst, what honest people of every seed's region bore in one day.
pub fn bursts(side: Side) -> Vec<(Burst, Vec<Borne>)> {
    let texts = Texts::write(side, SCHOOLS);
    let each = |of: Burst| (of, on_all_cores(&burst_seeds(side), |seed| one_day(seed, side, of, &texts)));
    Burst::ALL.map(each).into()
}

fn one_day(seed: u64, side: Side, of: Burst, texts: &Texts) -> Borne {
    let region = region(seed, SCHOOLS, of.day());
    let traffic = traffic(seed, &region, of.day(), texts, 0..24 * HOUR_MS);
    let sendings = together(traffic, burst(seed, side, of, &region));
    borne(&sendings, &replay(seed, &sendings))
}

fn together(mut some: Vec<Sending>, more: Vec<Sending>) -> Vec<Sending> {
    some.extend(more);
    some.sort_by_key(|sending| sending.at_ms);
    some
}

/// What `job` gives for each seed, in their order.
fn on_all_cores<T: Send>(seeds: &[u64], job: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(seeds.len())));
    let work = || {
        while let Some((at, seed)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            seeds.get(at).map(|seed| (at, *seed))
        } {
            let result = job(seed);
            if let Ok(mut done) = done.lock() {
                done.push((at, result));
            }
        }
    };
    std::thread::scope(|scope| {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        for _ in 0..cores {
            scope.spawn(work);
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}
