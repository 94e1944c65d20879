//! Settles what a view believes, for how long, and what proves to it that nothing is missing.

use super::*;
use crate::telemetry::Metrics;
use crate::testing::ManualClock;

fn view() -> (RevocationView, ManualClock) {
    let clock = ManualClock::default();
    (RevocationView::new(Arc::new(clock.clone())), clock)
}

fn account(person: u128, epoch: i64) -> Revocation {
    Revocation { scope: Scope::Account { person: Uuid::from_u128(person) }, epoch }
}

fn news(after: i64, upto: i64, published: i64, revocations: Vec<Revocation>) -> News {
    News { after, upto, published, revocations }
}

fn ends(view: &RevocationView, person: u128, epoch: i64) -> bool {
    view.ends(Uuid::nil(), Uuid::from_u128(person), epoch, &[])
}

#[test]
fn news_after_a_gap_are_believed_and_prove_nothing_until_the_gap_is_filled() {
    let (view, clock) = view();
    view.learn(&news(0, 0, 0, vec![]), view.now_ms());
    clock.advance(Duration::from_secs(6));
    view.learn(&news(1, 2, 2, vec![account(2, 2)]), view.now_ms());
    assert!(ends(&view, 2, 1), "what is heard is refused at once");
    assert!(view.is_missing_any() && view.is_lagging());
    view.learn(&news(0, 2, 2, vec![account(1, 1), account(2, 2)]), view.now_ms());
    assert!(!view.is_missing_any() && !view.is_lagging());
    assert!(ends(&view, 1, 0));
}

#[test]
fn old_news_never_make_a_view_look_younger() {
    let (view, clock) = view();
    view.learn(&news(0, 0, 0, vec![]), view.now_ms());
    let as_of_ms = view.now_ms();
    clock.advance(Duration::from_mins(1));
    view.learn(&news(0, 0, 0, vec![]), as_of_ms);
    assert_eq!(view.lag(), Duration::from_mins(1));
}

#[test]
fn a_revocation_is_remembered_longer_than_a_token_can_be_accepted_and_then_forgotten() {
    let (view, clock) = view();
    clock.advance(KEPT.saturating_sub(Duration::from_secs(1)));
    view.learn(&news(0, 1, 1, vec![account(1, 1)]), view.now_ms());
    clock.advance(LONGEST_TOKEN_LIFE + OVERDUE_LIMIT);
    view.learn(&news(1, 1, 1, vec![]), view.now_ms());
    assert!(ends(&view, 1, 0));
    for _ in 0..2 {
        clock.advance(KEPT);
        view.learn(&news(1, 1, 1, vec![]), view.now_ms());
    }
    assert_eq!(view.report()["remembered"], 0);
}

#[test]
fn a_copy_says_all_that_is_known() {
    let (old, clock) = view();
    old.learn(&news(0, 1, 1, vec![account(1, 1)]), old.now_ms());
    clock.advance(KEPT);
    old.learn(&news(1, 3, 3, vec![account(1, 2), account(2, 3)]), old.now_ms());
    let (new, _) = view();
    new.recall(&old.copy());
    assert!(new.is_known() && new.is_lagging() && !new.is_missing_any());
    assert!(ends(&new, 1, 1) && ends(&new, 2, 2) && !ends(&new, 1, 2));
    assert_eq!(new.applied(), 3);
}

#[test]
fn the_figure_of_the_lag_is_what_is_acted_on() {
    let (view, clock) = view();
    let metrics = Metrics::detached().unwrap();
    view.observe(metrics.meter());
    let lag = || {
        let text = metrics.render().unwrap();
        let line = text.lines().find(|line| line.starts_with("ent_revocation_lag_seconds{")).unwrap();
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    view.learn(&news(0, 0, 0, vec![]), view.now_ms());
    clock.advance(Duration::from_secs(7));
    assert!((lag() - 7.0).abs() < 0.1 && view.is_lagging());
    view.learn(&news(0, 0, 0, vec![]), view.now_ms());
    assert!(lag() < 0.1 && !view.is_lagging());
    view.0.is_overfull.store(true, Ordering::Release);
    assert!(lag() >= KEPT.as_secs_f64() && view.is_lagging());
}
