//! Settles by tables what becomes of a message while restrictions are in force, and in which order roles send again.

use chrono::TimeDelta;

use super::*;
use Direction::{From, To};
use Mode::{Closed, Hold, Open, ReplyOnly};
use Role::{Guardian, Principal, Student, Teacher};

fn restriction(role: Role, direction: Direction, mode: Mode) -> Restriction {
    Restriction {
        id: Uuid::nil(),
        is_of_all_schools: false,
        role,
        direction,
        mode,
        needs_all_clear: false,
        reason: "a threat".to_owned(),
        authority: "Principal".to_owned(),
        opened_at: DateTime::UNIX_EPOCH,
        ends_at: DateTime::UNIX_EPOCH + TimeDelta::hours(1),
    }
}

fn letter(sender: &[Role], recipients: &[&[Role]], is_reply: bool) -> Letter {
    let recipient_roles = recipients.iter().map(|roles| roles.to_vec()).collect();
    Letter { sender_roles: sender.to_vec(), recipient_roles, is_reply }
}

fn outcome(in_force: &[Restriction], letter: &Letter) -> &'static str {
    match judge(in_force, letter) {
        Passage::Free => "free",
        Passage::Held => "held",
        Passage::Refused(_) => "refused",
    }
}

#[test]
fn what_becomes_of_a_message() {
    type Row<'a> = (&'a [(Role, Direction, Mode)], &'a [Role], &'a [&'a [Role]], bool, &'a str);
    let table: &[Row<'_>] = &[
        (&[], &[Student], &[&[Teacher]], false, "free"),
        (&[(Student, From, Closed)], &[Student], &[&[Teacher]], false, "refused"),
        (&[(Student, From, Closed)], &[Student], &[&[Teacher]], true, "refused"),
        // The school goes on writing to families and pupils while pupils are silent.
        (&[(Student, From, Closed)], &[Teacher], &[&[Guardian]], false, "free"),
        (&[(Student, From, Closed)], &[Teacher], &[&[Student]], false, "free"),
        (&[(Student, From, Closed)], &[Guardian], &[&[Teacher]], false, "free"),
        (&[(Guardian, To, Closed)], &[Teacher], &[&[Guardian]], false, "refused"),
        (&[(Guardian, To, Closed)], &[Teacher], &[&[Student], &[Guardian]], false, "refused"),
        (&[(Guardian, To, Closed)], &[Teacher], &[&[Student]], false, "free"),
        (&[(Guardian, To, Closed)], &[Guardian], &[&[Teacher]], false, "free"),
        // A role that is free is enough, on either side.
        (&[(Guardian, From, Closed)], &[Guardian, Teacher], &[&[Student]], false, "free"),
        (&[(Guardian, To, Closed)], &[Teacher], &[&[Guardian, Teacher]], false, "free"),
        (
            &[(Guardian, From, Closed), (Teacher, From, Hold)],
            &[Guardian, Teacher],
            &[&[Student]],
            false,
            "held",
        ),
        (&[(Student, From, ReplyOnly)], &[Student], &[&[Teacher]], false, "refused"),
        (&[(Student, From, ReplyOnly)], &[Student], &[&[Teacher]], true, "free"),
        (&[(Student, From, Hold)], &[Student], &[&[Teacher]], true, "held"),
        (&[(Student, From, Open)], &[Student], &[&[Teacher]], false, "free"),
        // Where several meet, the strictest decides.
        (&[(Student, From, Hold), (Student, From, ReplyOnly)], &[Student], &[&[Teacher]], false, "refused"),
        (&[(Student, From, Hold), (Student, From, ReplyOnly)], &[Student], &[&[Teacher]], true, "held"),
        (&[(Student, From, Hold), (Teacher, To, Closed)], &[Student], &[&[Teacher]], false, "refused"),
    ];
    for (in_force, sender, recipients, is_reply, expected) in table {
        let in_force: Vec<Restriction> =
            in_force.iter().map(|(role, direction, mode)| restriction(*role, *direction, *mode)).collect();
        let letter = letter(sender, recipients, *is_reply);
        assert_eq!(outcome(&in_force, &letter), *expected, "{in_force:?} {letter:?}");
    }
}

#[test]
fn the_refusal_that_ends_last_is_told_of_the_role_that_is_free_first() {
    let until = |mut restriction: Restriction, hours| {
        restriction.ends_at = DateTime::UNIX_EPOCH + TimeDelta::hours(hours);
        restriction
    };
    let in_force = [
        until(restriction(Student, From, Closed), 5),
        until(restriction(Student, From, Closed), 9),
        until(restriction(Guardian, From, Closed), 7),
    ];
    let told = |sender: &[Role]| match judge(&in_force, &letter(sender, &[&[Teacher]], false)) {
        Passage::Refused(restriction) => (restriction.ends_at - DateTime::UNIX_EPOCH).num_hours(),
        Passage::Free | Passage::Held => 0,
    };
    assert_eq!((told(&[Student]), told(&[Student, Guardian]), told(&[Teacher])), (9, 7, 0));
}

#[test]
fn nobody_sends_more_freely_than_those_before_them() {
    let closed = |role| restriction(role, From, Closed);
    let all = [closed(Principal), closed(Teacher), closed(Guardian), closed(Student)];
    assert_eq!(may_become(&all[0], Open, &all), Ok(()));
    assert_eq!(may_become(&all[1], Open, &all), Err(NotYet::EarlierStep(Principal)));
    assert_eq!(may_become(&all[3], Hold, &all), Err(NotYet::EarlierStep(Principal)));
    assert_eq!(may_become(&all[3], Open, &all[3..]), Ok(()), "only pupils were closed");
    let held = restriction(Teacher, From, Hold);
    assert_eq!(may_become(&all[3], Hold, &[held.clone(), closed(Student)]), Ok(()));
    assert_eq!(may_become(&all[3], ReplyOnly, &[held, closed(Student)]), Err(NotYet::EarlierStep(Teacher)));
    assert_eq!(may_become(&all[3], Closed, &all), Err(NotYet::NotWeaker));
    let to = restriction(Student, To, Closed);
    assert_eq!(may_become(&to, Open, &all), Ok(()), "what is sent to somebody has no order");
}
