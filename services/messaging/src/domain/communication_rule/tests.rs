//! Settles by tables who may write to whom, by default and where a school has changed it.

use super::*;
use Part::{Guardian as Guardians, Student as Students, Teacher as Teachers};
use Refusal::{BeyondGroups, Closed, OutsideSchool};
use Role::{Guardian, Principal, SchoolLife, Student, Teacher};

fn group(is_student: bool, is_guardian: bool, parts: &[Part]) -> Target {
    Target::Group(GroupRelation { is_student, is_guardian, is_teacher: false }, parts.to_vec())
}

fn own_group(parts: &[Part]) -> Target {
    Target::Group(GroupRelation { is_teacher: true, ..GroupRelation::default() }, parts.to_vec())
}

fn person(roles: &[Role], shares_group: bool, shares_childs_group: bool) -> Target {
    Target::Person(PersonRelation { roles: roles.to_vec(), shares_group, shares_childs_group })
}

type Row<'a> = (&'a [Role], Target, Result<(), Refusal>);

fn assert_all(rules: &Rules, table: &[Row<'_>]) {
    for (roles, target, expected) in table {
        assert_eq!(check(rules, roles, target), *expected, "{roles:?} to {target:?}");
    }
}

#[test]
fn the_default_rules() {
    let (student, guardian) = (&[Student][..], &[Guardian][..]);
    let table: &[Row<'_>] = &[
        (student, group(true, false, &[Students, Teachers]), Ok(())),
        (student, group(true, false, &[Students, Guardians]), Err(Closed(Student, Guardian))),
        (student, group(false, false, &[Students]), Err(BeyondGroups(Student, Student))),
        (student, group(false, true, &[Teachers]), Err(BeyondGroups(Student, Teacher))),
        (student, Target::Role(Teacher), Err(BeyondGroups(Student, Teacher))),
        (student, Target::Role(Guardian), Err(Closed(Student, Guardian))),
        (student, person(&[Student], true, false), Ok(())),
        (student, person(&[SchoolLife], true, false), Ok(())),
        (student, person(&[SchoolLife], false, false), Err(BeyondGroups(Student, SchoolLife))),
        (student, person(&[Principal], false, false), Err(BeyondGroups(Student, Principal))),
        (student, person(&[Guardian, Teacher], true, false), Ok(())),
        (guardian, group(false, true, &[Teachers]), Ok(())),
        (guardian, group(false, true, &[Teachers, Students]), Err(Closed(Guardian, Student))),
        (guardian, group(false, true, &[Guardians]), Err(Closed(Guardian, Guardian))),
        (guardian, group(true, false, &[Teachers]), Err(BeyondGroups(Guardian, Teacher))),
        (guardian, Target::Role(Principal), Ok(())),
        (guardian, Target::Role(Guardian), Err(Closed(Guardian, Guardian))),
        (guardian, person(&[Teacher], false, true), Ok(())),
        (guardian, person(&[Teacher], true, false), Err(BeyondGroups(Guardian, Teacher))),
        (guardian, person(&[Principal], false, false), Ok(())),
        (guardian, person(&[Teacher, Principal], false, false), Ok(())),
        (guardian, person(&[Student], false, true), Err(Closed(Guardian, Student))),
        (&[], Target::Role(Principal), Err(OutsideSchool)),
        (&[Guardian, Teacher], Target::Role(Guardian), Ok(())),
        (&[Guardian, Student], group(true, false, &[Students]), Ok(())),
        (student, person(&[], true, false), Err(OutsideSchool)),
    ];
    assert_all(&Rules::default(), table);
}

#[test]
fn personnel_write_to_the_whole_school() {
    for role in Role::ALL.into_iter().filter(|role| role.is_staff()) {
        let nobody = person(&Role::ALL, false, false);
        for target in [group(false, false, &Part::ALL), Target::Role(Student), nobody] {
            assert_eq!(check(&Rules::default(), &[role], &target), Ok(()), "{role:?}");
        }
    }
}

#[test]
fn a_school_changes_the_rules() {
    let rule = |sender, recipient, scope| Rule { sender, recipient, scope };
    let rules = Rules::new(vec![
        rule(Student, Student, Scope::Nobody),
        rule(Guardian, SchoolLife, Scope::School),
        rule(Guardian, Guardian, Scope::OwnGroups),
        rule(Teacher, Guardian, Scope::OwnGroups),
    ]);
    assert_all(
        &rules,
        &[
            (&[Student], group(true, false, &[Students]), Err(Closed(Student, Student))),
            (&[Student], group(true, false, &[Teachers]), Ok(())),
            (&[Guardian], Target::Role(SchoolLife), Ok(())),
            (&[Guardian], group(false, true, &[Guardians]), Ok(())),
            (&[Guardian], person(&[Guardian], false, true), Ok(())),
            (&[Guardian], person(&[Guardian], true, false), Err(BeyondGroups(Guardian, Guardian))),
            (&[Teacher], own_group(&[Guardians, Students]), Ok(())),
            (&[Teacher], group(false, false, &[Guardians]), Err(BeyondGroups(Teacher, Guardian))),
            (&[Teacher], Target::Role(Guardian), Err(BeyondGroups(Teacher, Guardian))),
            (&[Teacher], person(&[Guardian], true, false), Ok(())),
            (&[Principal], Target::Role(Guardian), Ok(())),
        ],
    );
}

#[test]
fn no_default_is_wider_than_a_school_can_let_it_be() {
    for rule in Rules::default().all() {
        assert!(rule.scope <= Rule::widest(rule.sender, rule.recipient), "{rule:?}");
    }
    assert_eq!(Rules::default().all().count(), 49);
    for (sender, recipient) in [(Student, Student), (Student, Guardian), (Guardian, Guardian)] {
        assert_eq!(Rule::widest(sender, recipient), Scope::OwnGroups);
    }
}

#[test]
fn reasons_are_sentences() {
    let table = [
        (Closed(Student, Guardian), "Pupils of this school do not write to guardians."),
        (
            BeyondGroups(Guardian, Teacher),
            "Guardians of this school write to teachers of their children's classes and groups only.",
        ),
    ];
    for (refusal, expected) in table {
        assert_eq!(refusal.reason(), expected);
    }
}
