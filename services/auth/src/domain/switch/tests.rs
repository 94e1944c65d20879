//! Settles for whom, where and when a switch holds.

use super::*;

const HERE: Uuid = Uuid::from_u128(1);
const THERE: Uuid = Uuid::from_u128(2);

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).unwrap()
}

fn switch(effect: Effect, school: Option<Uuid>, from: i64, until: i64) -> Switch {
    let id = Uuid::from_u128(u128::try_from(from).unwrap());
    Switch { id, effect, school, starts_at: at(from), ends_at: at(until), authority: "rectorate".to_owned() }
}

fn member(school: Uuid, role: Role) -> Membership {
    Membership { school, role, epoch: 0 }
}

#[test]
fn somebody_stays_out_while_every_role_they_hold_is_closed_and_until_the_first_opens() {
    let closed = Effect::SignInClosed;
    let held = Held::of(vec![
        switch(closed(Role::Guardian), None, 10, 60),
        switch(closed(Role::Student), Some(HERE), 10, 30),
    ]);
    let until = |memberships: &[Membership], minute| held.closed_until(memberships, at(minute));
    let guardian = [member(HERE, Role::Guardian)];
    assert_eq!(
        [9, 10, 59, 60].map(|minute| until(&guardian, minute)),
        [None, Some(at(60)), Some(at(60)), None]
    );
    let both = [member(HERE, Role::Guardian), member(HERE, Role::Student)];
    assert_eq!(until(&both, 20), Some(at(30)), "as a pupil they come in first");
    assert_eq!(until(&[member(HERE, Role::Guardian), member(HERE, Role::Teacher)], 20), None);
    assert_eq!(until(&[member(THERE, Role::Student)], 20), None, "another school's switch");
    assert_eq!(until(&[member(HERE, Role::Student), member(THERE, Role::Student)], 20), None);
    assert_eq!(until(&[], 20), None, "whoever has no role has none that is closed");
    assert_eq!(
        held.closings(at(20)),
        [(Role::Guardian, at(60))],
        "one school's own is not told to everybody"
    );
    assert_eq!(held.closings(at(60)), []);
}

#[test]
fn the_shortest_idle_limit_holds_and_none_is_lengthened() {
    let held = Held::of(vec![
        switch(Effect::IdleLimit(1_800, None), None, 0, 60),
        switch(Effect::IdleLimit(1_200, Some(Role::Guardian)), Some(HERE), 0, 60),
    ]);
    let idle_s = |role, configured_s, minute| held.idle_s(&[member(HERE, role)], configured_s, at(minute));
    assert_eq!(idle_s(Role::Guardian, 7_200, 1), 1_200);
    assert_eq!(idle_s(Role::Student, 7_200, 1), 1_800);
    assert_eq!(idle_s(Role::Student, 900, 1), 900);
    assert_eq!(idle_s(Role::Guardian, 7_200, 60), 7_200);
}

#[test]
fn of_two_weightings_the_one_that_began_last_holds() {
    let weights = |staff| Weights { staff, ..Weights::default() };
    let held = Held::of(vec![
        switch(Effect::LaneWeights(weights(5.0)), None, 10, 60),
        switch(Effect::LaneWeights(weights(9.0)), None, 20, 40),
    ]);
    let staff = |minute| held.lane_weights(at(minute)).map(|weights| weights.staff);
    assert_eq!([5, 15, 25, 45, 60].map(staff), [None, Some(5.0), Some(9.0), Some(5.0), None]);
}

#[test]
fn a_switch_without_a_good_end_is_none() {
    let new = |effect, from: i64, until: i64| NewSwitch {
        effect,
        school: None,
        starts_at: Some(at(from)),
        ends_at: at(until),
    };
    let is_good = |new: &NewSwitch| check(new, (at(0), new.starts_at.unwrap()), 1_200).is_ok();
    let closed = Effect::SignInClosed(Role::Guardian);
    let week = LONGEST.num_minutes();
    assert!(is_good(&new(closed, 0, week)));
    assert!(!is_good(&new(closed, 0, week + 1)));
    assert!(!is_good(&new(closed, 10, 10)));
    assert!(!is_good(&new(closed, 32 * 24 * 60, 32 * 24 * 60 + 1)));
    assert!(!is_good(&new(Effect::SignInClosed(Role::LocalAdmin), 0, 1)));
    assert!(is_good(&new(Effect::IdleLimit(1_200, None), 0, 1)));
    assert!(!is_good(&new(Effect::IdleLimit(1_199, None), 0, 1)));
}
