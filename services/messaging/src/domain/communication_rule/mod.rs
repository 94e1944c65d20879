//! Settles who may write to whom: a pure function of a school's rules, of roles and of relations.
//!
//! A rule says how far messages of one role to another go. The defaults: a pupil to the own class and whoever teaches or
//! looks after it; a guardian to the teachers of the child's class and to the direction; the school's personnel to the whole
//! school; nobody across schools.

use serde::{Deserialize, Serialize};
use shared::session::Role;
use utoipa::ToSchema;

use super::audience::Part;
use super::wording::{people, people_first};

/// How far messages of one role to another go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// To nobody.
    Nobody,
    /// To people of the sender's own classes and groups; guardians: of their children's.
    OwnGroups,
    /// To everybody in the school.
    School,
}

impl Scope {
    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::OwnGroups => "own_groups",
            Self::School => "school",
        }
    }
}

/// How far messages of one role to another go in a school.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Who writes.
    pub sender: Role,
    /// To whom.
    pub recipient: Role,
    /// How far.
    pub scope: Scope,
}

impl Rule {
    /// The rule of a school that has changed nothing.
    pub fn default_of(sender: Role, recipient: Role) -> Self {
        let scope = match (sender, recipient) {
            (Role::Student, Role::Guardian)
            | (
                Role::Guardian,
                Role::Student | Role::Guardian | Role::SchoolLife | Role::Staff | Role::LocalAdmin,
            ) => Scope::Nobody,
            (
                Role::Student,
                Role::Student
                | Role::Teacher
                | Role::Principal
                | Role::SchoolLife
                | Role::Staff
                | Role::LocalAdmin,
            )
            | (Role::Guardian, Role::Teacher) => Scope::OwnGroups,
            (Role::Guardian, Role::Principal)
            | (
                Role::Teacher | Role::Principal | Role::SchoolLife | Role::Staff | Role::LocalAdmin,
                Role::Student
                | Role::Guardian
                | Role::Teacher
                | Role::Principal
                | Role::SchoolLife
                | Role::Staff
                | Role::LocalAdmin,
            ) => Scope::School,
        };
        Self { sender, recipient, scope }
    }

    /// How far a school can let it go: no pupil and no guardian writes to all pupils or all guardians of a school.
    pub fn widest(sender: Role, recipient: Role) -> Scope {
        if sender.is_staff() || recipient.is_staff() { Scope::School } else { Scope::OwnGroups }
    }
}

/// The rules of a school: the defaults, and what it has changed.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Rules {
    changed: Vec<Rule>,
}

impl Rules {
    /// With what a school has changed.
    pub fn new(changed: Vec<Rule>) -> Self {
        Self { changed }
    }

    /// How far messages of one role to another go.
    pub fn scope(&self, sender: Role, recipient: Role) -> Scope {
        let changed = self.changed.iter().find(|rule| (rule.sender, rule.recipient) == (sender, recipient));
        changed.map_or_else(|| Rule::default_of(sender, recipient), |rule| *rule).scope
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = Rule> {
        let pairs = Role::ALL.into_iter().flat_map(|sender| Role::ALL.map(|recipient| (sender, recipient)));
        pairs.map(|(sender, recipient)| Rule { sender, recipient, scope: self.scope(sender, recipient) })
    }
}

/// What the sender is to a class or group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GroupRelation {
    /// One of its pupils.
    pub is_student: bool,
    /// Guardian of one of its pupils.
    pub is_guardian: bool,
    /// One of those who teach or look after it.
    pub is_teacher: bool,
}

impl GroupRelation {
    fn is_own(self, sender: Role) -> bool {
        match sender {
            Role::Student => self.is_student,
            Role::Guardian => self.is_guardian,
            Role::Teacher | Role::Principal | Role::SchoolLife | Role::Staff | Role::LocalAdmin => {
                self.is_teacher
            }
        }
    }
}

/// What the sender is to another person.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PersonRelation {
    /// The other person's roles in the school.
    pub roles: Vec<Role>,
    /// The sender is in a group in which the other, or a child of the other, is as well.
    pub shares_group: bool,
    /// The same of a group in which a child of the sender is.
    pub shares_childs_group: bool,
}

impl PersonRelation {
    fn is_own(&self, sender: Role) -> bool {
        match sender {
            Role::Guardian => self.shares_childs_group,
            Role::Student
            | Role::Teacher
            | Role::Principal
            | Role::SchoolLife
            | Role::Staff
            | Role::LocalAdmin => self.shares_group,
        }
    }
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
    /// Nobody with the sender's role writes to people with that role.
    Closed(Role, Role),
    /// They do within their own groups, and this goes beyond.
    BeyondGroups(Role, Role),
}

impl Refusal {
    /// For the person who asks why not.
    pub fn reason(self) -> String {
        let groups = |sender| match sender {
            Role::Guardian => "their children's classes and groups",
            Role::Student
            | Role::Teacher
            | Role::Principal
            | Role::SchoolLife
            | Role::Staff
            | Role::LocalAdmin => "their own classes and groups",
        };
        match self {
            Self::OutsideSchool => "You do not belong to this school.".to_owned(),
            Self::Closed(sender, recipient) => {
                format!("{} of this school do not write to {}.", people_first(sender), people(recipient))
            }
            Self::BeyondGroups(sender, recipient) => {
                let (who, whom) = (people_first(sender), people(recipient));
                format!("{who} of this school write to {whom} of {} only.", groups(sender))
            }
        }
    }
}

/// Whether somebody with these roles in the school may write to the target. One role that may is enough.
pub fn check(rules: &Rules, sender_roles: &[Role], target: &Target) -> Result<(), Refusal> {
    let mut refusal = Refusal::OutsideSchool;
    for role in sender_roles {
        match check_role(rules, *role, target) {
            Ok(()) => return Ok(()),
            Err(reason) => refusal = reason,
        }
    }
    Err(refusal)
}

fn check_role(rules: &Rules, sender: Role, target: &Target) -> Result<(), Refusal> {
    let within = |recipient: Role, is_own: bool| match rules.scope(sender, recipient) {
        Scope::School => Ok(()),
        Scope::OwnGroups if is_own => Ok(()),
        Scope::OwnGroups => Err(Refusal::BeyondGroups(sender, recipient)),
        Scope::Nobody => Err(Refusal::Closed(sender, recipient)),
    };
    match target {
        Target::Group(relation, parts) => {
            parts.iter().try_for_each(|part| within(part.role(), relation.is_own(sender)))
        }
        Target::Role(recipient) => within(*recipient, false),
        Target::Person(relation) => {
            // Somebody with several roles is written to in the one that is open furthest.
            let recipient = relation.roles.iter().copied().max_by_key(|role| rules.scope(sender, *role));
            within(recipient.ok_or(Refusal::OutsideSchool)?, relation.is_own(sender))
        }
    }
}

#[cfg(test)]
mod tests;
