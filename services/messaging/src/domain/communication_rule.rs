//! Settles who may write to whom, as a pure function of roles and relations.
//!
//! The defaults: a pupil to the own class and its teachers; a guardian to the teachers of the child's class and to
//! the direction; the school's personnel to the whole school; nobody across schools.

use shared::session::Role;

use super::audience::Part;

/// What the sender is to a class or group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GroupRelation {
    /// One of its pupils.
    pub is_student: bool,
    /// Guardian of one of its pupils.
    pub is_guardian: bool,
}

/// What the sender is to another person.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PersonRelation {
    /// The other person's roles in the school.
    pub roles: Vec<Role>,
    /// Both are in one group, the sender as a pupil.
    pub shares_group: bool,
    /// The other person teaches a group of the sender's child.
    pub teaches_child: bool,
}

/// What is being written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Some parts of a group.
    Group(GroupRelation, Vec<Part>),
    /// Everybody with a role.
    Role(Role),
    /// One person.
    Person(PersonRelation),
}

/// Why the answer is no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The sender has no role in that school.
    OutsideSchool,
    /// The sender has nothing to do with that group.
    ForeignGroup,
    /// The sender may write to the group, but not to all of those parts.
    ClosedPart,
    /// The sender may not write to everybody with that role.
    ClosedRole,
    /// The sender may not write to that person.
    ClosedPerson,
}

impl Refusal {
    /// For the person who asks why not.
    pub fn reason(self) -> &'static str {
        match self {
            Self::OutsideSchool => "You do not belong to this school.",
            Self::ForeignGroup => {
                "You may write to your own classes and groups, or to those of your children."
            }
            Self::ClosedPart => {
                "Pupils write to pupils and teachers of their class; guardians write to the teachers of their child's class."
            }
            Self::ClosedRole => "Only the school's personnel may write to everybody with this role.",
            Self::ClosedPerson => {
                "Pupils write to their class and its teachers; guardians to their child's teachers and to the direction."
            }
        }
    }
}

/// Whether somebody with these roles in the school may write to the target. One role that may is enough.
pub fn check(sender_roles: &[Role], target: &Target) -> Result<(), Refusal> {
    let mut refusal = Refusal::OutsideSchool;
    for role in sender_roles {
        match check_role(*role, target) {
            Ok(()) => return Ok(()),
            Err(reason) => refusal = reason,
        }
    }
    Err(refusal)
}

fn check_role(sender: Role, target: &Target) -> Result<(), Refusal> {
    match sender {
        Role::Student => check_student(target),
        Role::Guardian => check_guardian(target),
        Role::Teacher | Role::Principal | Role::SchoolLife | Role::Staff | Role::LocalAdmin => Ok(()),
    }
}

fn check_student(target: &Target) -> Result<(), Refusal> {
    match target {
        Target::Group(relation, _) if !relation.is_student => Err(Refusal::ForeignGroup),
        Target::Group(_, parts) => unless(parts.contains(&Part::Guardian), Refusal::ClosedPart),
        Target::Role(_) => Err(Refusal::ClosedRole),
        Target::Person(relation) => unless(!relation.shares_group, Refusal::ClosedPerson),
    }
}

fn check_guardian(target: &Target) -> Result<(), Refusal> {
    match target {
        Target::Group(relation, _) if !relation.is_guardian => Err(Refusal::ForeignGroup),
        Target::Group(_, parts) => {
            unless(parts.iter().any(|part| *part != Part::Teacher), Refusal::ClosedPart)
        }
        Target::Role(role) => unless(*role != Role::Principal, Refusal::ClosedRole),
        Target::Person(relation) => {
            let is_direction = relation.roles.contains(&Role::Principal);
            unless(!is_direction && !relation.teaches_child, Refusal::ClosedPerson)
        }
    }
}

fn unless(is_refused: bool, refusal: Refusal) -> Result<(), Refusal> {
    if is_refused { Err(refusal) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Part::{Guardian as Guardians, Student as Students, Teacher as Teachers};

    fn group(is_student: bool, is_guardian: bool, parts: &[Part]) -> Target {
        Target::Group(GroupRelation { is_student, is_guardian }, parts.to_vec())
    }

    fn person(roles: &[Role], shares_group: bool, teaches_child: bool) -> Target {
        Target::Person(PersonRelation { roles: roles.to_vec(), shares_group, teaches_child })
    }

    #[test]
    fn the_default_rules() {
        use Refusal::{ClosedPart, ClosedPerson, ClosedRole, ForeignGroup, OutsideSchool};
        let (student, guardian) = (&[Role::Student][..], &[Role::Guardian][..]);
        let table: &[(&[Role], Target, Result<(), Refusal>)] = &[
            (student, group(true, false, &[Students, Teachers]), Ok(())),
            (student, group(true, false, &[Students, Guardians]), Err(ClosedPart)),
            (student, group(false, false, &[Students]), Err(ForeignGroup)),
            (student, group(false, true, &[Teachers]), Err(ForeignGroup)),
            (student, Target::Role(Role::Teacher), Err(ClosedRole)),
            (student, person(&[Role::Student], true, false), Ok(())),
            (student, person(&[Role::Principal], false, false), Err(ClosedPerson)),
            (guardian, group(false, true, &[Teachers]), Ok(())),
            (guardian, group(false, true, &[Teachers, Students]), Err(ClosedPart)),
            (guardian, group(false, true, &[Guardians]), Err(ClosedPart)),
            (guardian, group(true, false, &[Teachers]), Err(ForeignGroup)),
            (guardian, Target::Role(Role::Principal), Ok(())),
            (guardian, Target::Role(Role::Guardian), Err(ClosedRole)),
            (guardian, person(&[Role::Teacher], false, true), Ok(())),
            (guardian, person(&[Role::Teacher], false, false), Err(ClosedPerson)),
            (guardian, person(&[Role::Principal], false, false), Ok(())),
            (guardian, person(&[Role::Student], false, false), Err(ClosedPerson)),
            (&[], Target::Role(Role::Principal), Err(OutsideSchool)),
            (&[Role::Guardian, Role::Teacher], Target::Role(Role::Guardian), Ok(())),
            (&[Role::Guardian, Role::Student], group(true, false, &[Students]), Ok(())),
        ];
        for (roles, target, expected) in table {
            assert_eq!(check(roles, target), *expected, "{roles:?} to {target:?}");
        }
    }

    #[test]
    fn personnel_write_to_the_whole_school() {
        for role in Role::ALL.into_iter().filter(|role| role.is_staff()) {
            for target in
                [group(false, false, &Part::ALL), Target::Role(Role::Student), person(&[], false, false)]
            {
                assert_eq!(check(&[role], &target), Ok(()), "{role:?}");
            }
        }
    }
}
