//! Settles by tables what an account may send, when it may again, and that honest broad messages are not refused.

use super::*;
use Role::{Guardian, LocalAdmin, Principal, SchoolLife, Staff, Student, Teacher};

const KNOWN: Duration = Duration::from_hours(24 * 30);

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
}

fn limits(role: Role) -> Limits {
    Budgets::default().of(&[role], KNOWN)
}

#[test]
fn what_one_message_may_reach() {
    let none = Usage::default();
    let table = [
        (Student, 10, Ok(())),
        (Student, 11, Err(Exceeded::Message { most: 10 })),
        (Guardian, 11, Err(Exceeded::Message { most: 10 })),
        (Teacher, 200, Ok(())),
        (Teacher, 201, Err(Exceeded::CodeNeeded)),
        (Principal, 5_000, Err(Exceeded::CodeNeeded)),
        (Principal, 5_001, Err(Exceeded::Message { most: 5_000 })),
    ];
    for (role, recipients, expected) in table {
        assert_eq!(check(limits(role), &none, recipients, false, at(0)), expected, "{role:?} {recipients}");
    }
    assert_eq!(check(limits(Principal), &none, 5_000, true, at(0)), Ok(()));
}

#[test]
fn the_day_comes_back_person_by_person() {
    let usage = |count: i64| Usage { others_of_day: (0..count).map(at).collect(), ..Usage::default() };
    let day = |used, recipients| check(limits(Student), &usage(used), recipients, false, at(700));
    assert_eq!(day(50, 10), Ok(()));
    let back = |minute, left| Err(Exceeded::Day(Spent { most: 60, left, back_at: at(minute) + DAY }));
    assert_eq!(day(51, 10), back(0, 9));
    assert_eq!(day(58, 10), back(7, 2));
    assert_eq!(day(60, 1), back(0, 0));
}

#[test]
fn the_hour_comes_back_message_by_message() {
    let of_hour = vec![(at(0), 300), (at(5), 10), (at(10), 500), (at(20), 100)];
    let usage = Usage { of_hour, ..Usage::default() };
    let hour = |recipients| check(limits(Teacher), &usage, recipients, true, at(30));
    assert_eq!(hour(100), Ok(()));
    assert_eq!(hour(10), Ok(()), "what is not broad is not counted");
    let back = |minute| Err(Exceeded::Hour(Spent { most: 1_000, left: 100, back_at: at(minute) + HOUR }));
    assert_eq!(hour(101), back(0));
    assert_eq!(hour(400), back(0));
    assert_eq!(hour(401), back(10));
    assert_eq!(hour(1_000), back(20));
}

#[test]
fn many_messages_to_few_ask_for_a_code_as_one_to_many_does() {
    let sent = |messages: i64, each: usize| Usage {
        of_hour: (0..messages).map(|minute| (at(minute), each)).collect(),
        ..Usage::default()
    };
    let hour = |messages, each, recipients, has_code| {
        check(limits(Teacher), &sent(messages, each), recipients, has_code, at(59))
    };
    assert_eq!(hour(59, 10, 10, false), Ok(()));
    let back = |left| Spent { most: 600, left, back_at: at(0) + HOUR };
    assert_eq!(hour(59, 10, 11, false), Err(Exceeded::CodeNeededForHour(back(10))));
    assert_eq!(hour(12, 50, 1, false), Err(Exceeded::CodeNeededForHour(back(0))));
    assert_eq!(hour(12, 50, 1, true), Ok(()));
    let young = Budgets::default().of(&[Teacher], Duration::ZERO);
    assert!(check(young, &sent(30, 10), 1, false, at(59)).is_err());
}

#[test]
fn an_hour_has_so_many_messages_whoever_sends_and_to_however_few() {
    for (role, most) in [(Student, 60), (Guardian, 60), (Teacher, 300), (Principal, 300)] {
        let sent = |count: usize| Usage { of_hour: vec![(at(0), 1); count], ..Usage::default() };
        assert_eq!(check(limits(role), &sent(most - 1), 1, true, at(5)), Ok(()), "{role:?}");
        let spent = Spent { most, left: 0, back_at: at(0) + HOUR };
        assert_eq!(
            check(limits(role), &sent(most), 1, true, at(5)),
            Err(Exceeded::Messages(spent)),
            "{role:?}"
        );
    }
}

#[test]
fn a_new_device_has_half_and_several_roles_the_widest() {
    let budgets = Budgets::default();
    let young = budgets.of(&[Guardian], Duration::from_hours(23));
    assert_eq!((young.per_message, young.people_a_day), (5, Some(25)));
    let both = budgets.of(&[Guardian, Teacher], KNOWN);
    assert_eq!(both, limits(Teacher));
    let used = Usage { of_hour: vec![(at(0), 900)], ..Usage::default() };
    let young = budgets.of(&[Teacher], Duration::ZERO);
    let expected = Spent { most: 500, left: 0, back_at: at(0) + HOUR };
    assert_eq!(check(young, &used, 20, false, at(5)), Err(Exceeded::Hour(expected)));
    let empty = Usage::default();
    assert_eq!(check(young, &empty, 600, true, at(5)), Err(Exceeded::Message { most: 500 }));
}

#[test]
fn defaults_are_within_what_a_school_can_choose() {
    for role in Role::ALL {
        let (own, widest) = (Limits::default_of(role), Limits::widest_of(role));
        assert!(own.per_message <= widest.per_message && own.per_message <= MOST_RECIPIENTS, "{role:?}");
        assert_eq!(own.people_a_day.is_some(), widest.people_a_day.is_some(), "{role:?}");
        assert_eq!(own.broad_an_hour.is_some(), widest.broad_an_hour.is_some(), "{role:?}");
        assert_eq!(own.unproved_an_hour.is_some(), widest.unproved_an_hour.is_some(), "{role:?}");
        assert!(own.messages_an_hour <= widest.messages_an_hour, "{role:?}");
    }
}

/// What happens, who sends, in which minutes and to how many.
type Morning = (&'static str, Role, Vec<(i64, usize)>);

/// Mornings on which a school writes more than usual: 1,100 pupils, 1,900
/// guardians, 120 of the personnel, classes of 30 with 55 guardians.
fn honest_mornings() -> Vec<Morning> {
    let classes = |count: i64, each: usize| (0..count).map(|class| (class * 3, each)).collect();
    vec![
        ("snow day", Principal, vec![(0, 1_900), (2, 1_100), (4, 120), (30, 1_900), (31, 1_100)]),
        ("snow day, told by the school life office", SchoolLife, vec![(0, 1_900), (3, 1_100)]),
        ("strike", Principal, vec![(0, 1_900), (5, 1_100), (40, 1_900)]),
        ("strike, by each teacher to the classes", Teacher, classes(8, 85)),
        ("exam results", LocalAdmin, vec![(0, 280), (1, 500), (10, 280)]),
        ("exam results, by the head", Principal, vec![(0, 780)]),
        ("safety drill", SchoolLife, vec![(0, 1_220), (20, 1_220)]),
        ("canteen", Staff, vec![(0, 1_900)]),
        ("homework forgotten in four classes", Teacher, classes(4, 30)),
        ("back after the holidays", Teacher, classes(10, 85)),
        ("an outing with reminders", Teacher, vec![(0, 85), (10, 85), (50, 85)]),
        ("a delegate of guardians to teachers", Guardian, vec![(0, 10), (5, 3)]),
        ("a pupil to the group and its teachers", Student, vec![(0, 5), (8, 9), (20, 10)]),
        ("ordinary notes to a parent at a time", Teacher, classes(20, 2)),
    ]
}

#[test]
fn of_honest_broad_messages_fewer_than_one_in_two_hundred_is_refused() {
    let (mut sent, mut refused) = (0_u32, 0_u32);
    for (what, role, messages) in honest_mornings() {
        let mut usage = Usage::default();
        for (minute, recipients) in messages {
            sent += 1;
            let outcome = check(limits(role), &usage, recipients, true, at(minute));
            if outcome.is_err() {
                refused += 1;
            }
            assert_eq!(outcome, Ok(()), "{what}");
            usage.of_hour.push((at(minute), recipients));
            usage.others_of_day.extend(std::iter::repeat_n(at(minute), recipients));
        }
    }
    assert!(refused * 200 < sent, "{refused} of {sent}");
}
