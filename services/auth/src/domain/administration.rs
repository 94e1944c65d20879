//! Settles who administers a school, on whose demand, and whose accounts are out of an administrator's reach.
//!
//! A stolen session of one administrator must not become every administrator: accounts with the role `LocalAdmin` anywhere, and
//! one's own, are administered by operators on the host alone (`auth operate`).

use shared::audit::{Actor, Order};
use shared::session::{Claims, Role};
use uuid::Uuid;

use crate::error::{AdministrationError, Error};

/// The order of an administrator of `school` who has just proved who they are.
pub fn order_in_school(caller: &Claims, school: Uuid, now_s: u64, authority: String) -> Result<Order, Error> {
    may_administer(caller, school, now_s)?;
    Ok(Order::new(Actor::Person(caller.sub), authority))
}

/// Whether an order may concern an account.
pub fn may_concern(order: &Order, person_id: Uuid, is_administrator: bool) -> Result<(), Error> {
    match order.actor {
        Actor::Operator => Ok(()),
        Actor::Person(actor) if actor != person_id && !is_administrator => Ok(()),
        Actor::Person(_) | Actor::Service => Err(AdministrationError::AdministratorAccount.into()),
    }
}

/// Whether somebody administers a school and has just proved who they are.
pub fn may_administer(caller: &Claims, school: Uuid, now_s: u64) -> Result<(), Error> {
    if !caller.schools().contains(&school) {
        return Err(Error::SchoolNotFound);
    }
    if !administered(caller)?.contains(&school) {
        return Err(Error::NotAllowed);
    }
    is_fresh(caller, now_s)
}

/// The schools that somebody administers; nobody without one may go on.
pub fn administered(caller: &Claims) -> Result<Vec<Uuid>, Error> {
    let schools: Vec<Uuid> =
        caller.mem.iter().filter(|membership| administers(membership.role)).map(|one| one.school).collect();
    if schools.is_empty() { Err(Error::NotAllowed) } else { Ok(schools) }
}

/// Administration asks for a one-time code of the last quarter of an hour.
pub fn is_fresh(caller: &Claims, now_s: u64) -> Result<(), Error> {
    if caller.has_fresh_code(now_s) { Ok(()) } else { Err(Error::StepUpRequired) }
}

/// Whether a role may open other people's accounts in its school.
pub fn administers(role: Role) -> bool {
    match role {
        Role::LocalAdmin => true,
        Role::Student | Role::Guardian | Role::Teacher | Role::Principal | Role::SchoolLife | Role::Staff => {
            false
        }
    }
}

/// Whether a role is given on the host alone: whoever has it administers, or is one of the two persons who decide in a school.
pub fn is_given_by_operators(role: Role) -> bool {
    match role {
        Role::LocalAdmin | Role::Principal => true,
        Role::Student | Role::Guardian | Role::Teacher | Role::SchoolLife | Role::Staff => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_administrator_reaches_neither_themselves_nor_another_one() {
        let (ada, zoe) = (Uuid::from_u128(9), Uuid::from_u128(1));
        let order = |actor| Order::new(actor, "the head".to_owned());
        let allowed = |actor, person, is_admin| may_concern(&order(actor), person, is_admin).is_ok();
        assert!(allowed(Actor::Person(ada), zoe, false));
        assert!(!allowed(Actor::Person(ada), ada, false));
        assert!(!allowed(Actor::Person(ada), zoe, true));
        assert!(allowed(Actor::Operator, ada, true));
    }
}
