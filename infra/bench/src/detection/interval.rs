//! Settles how sure a figure is: 95 % intervals that assume nothing of the distribution.

use crate::finding::Estimate;

/// Of the normal distribution, for 95 %.
const Z: f64 = 1.959_964;

/// The value that this share of `figures` does not exceed. The interval is between two order statistics, of the smallest ranks
/// whose binomial probabilities leave out 2.5 % on either side (Hahn and Meeker, Statistical Intervals, 1991, 5.2).
pub fn quantile(mut figures: Vec<f64>, share: f64) -> Estimate {
    figures.sort_by(f64::total_cmp);
    let count = figures.len();
    let rank = |least: f64| {
        let mut below = 0.0;
        (0..=count).find(|successes| {
            below += binomial(count, *successes, share);
            below >= least
        })
    };
    let at = |rank: usize| figures.get(rank.clamp(1, count.max(1)) - 1).copied().unwrap_or(f64::NAN);
    let low = rank(0.025).unwrap_or(0);
    let high = rank(0.975).map_or(count, |rank| rank + 1);
    Estimate { value: at(ceiling(share * float(count))), interval: Some((at(low), at(high))) }
}

/// A share of sends, counted by seed as (such, all). Wilson's interval (1927), over as many sends as there would be
/// if those of one seed did not resemble each other (Rao and Scott, "A simple method for the analysis of clustered
/// binary data", 1992).
pub fn share(by_seed: &[(f64, f64)]) -> Estimate {
    let such: f64 = by_seed.iter().map(|(such, _)| such).sum();
    let all: f64 = by_seed.iter().map(|(_, all)| all).sum();
    let share = such / all;
    let clusters = float(by_seed.len());
    let squares: f64 = by_seed.iter().map(|(such, all)| (such - share * all).powi(2)).sum();
    let variance = clusters / (clusters - 1.0) * squares / all.powi(2);
    let alone = share * (1.0 - share) / all;
    let design_effect = if alone > 0.0 { (variance / alone).max(1.0) } else { 1.0 };
    wilson(share, all / design_effect)
}

fn wilson(share: f64, count: f64) -> Estimate {
    let square = Z * Z / count;
    let centre = (share + square / 2.0) / (1.0 + square);
    let half = Z * (share * (1.0 - share) / count + square / (4.0 * count)).sqrt() / (1.0 + square);
    Estimate { value: share, interval: Some(((centre - half).max(0.0), (centre + half).min(1.0))) }
}

/// Probability of so many successes of `count`.
fn binomial(count: usize, successes: usize, share: f64) -> f64 {
    let ways: f64 = (0..successes).map(|taken| (float(count - taken) / float(successes - taken)).ln()).sum();
    (ways + float(successes) * share.ln() + float(count - successes) * (1.0 - share).ln()).exp()
}

/// Counts of seeds and sends are far below 2^52.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub fn float(count: usize) -> f64 {
    count as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank")]
fn ceiling(rank: f64) -> usize {
    // Less a little, so that 0.95 * 20 is 19.
    (rank - 1e-9).ceil() as usize
}
