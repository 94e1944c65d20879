//! Settles who decides what in a school: who closes and reopens sending, who withdraws and secures, and by whose demand.
//!
//! What closes or hides needs one person; what opens or shows again needs two (`restrictions`, `recalls`), so that one stolen
//! session opens nothing. Nor does one who prints a code for the other's account: whoever decides has had the device, and the
//! password, for a day. By then its owner, whom the code has signed out, has asked why.

use shared::audit::{Actor, Order};
use shared::session::{Claims, Role};
use uuid::Uuid;

use crate::error::Error;

/// Those who close sending, reopen it and give the all-clear.
pub const GUARDING: &[Role] = &[Role::Principal, Role::LocalAdmin];

/// Those who have stolen accounts secured, as they block accounts in auth.
pub const RESPONDING: &[Role] = &[Role::LocalAdmin];

/// Those who change rules and limits.
pub const ADMINISTERING: &[Role] = &[Role::LocalAdmin];

/// Those who see held messages and decide about them.
pub const REVIEWING: &[Role] = &[Role::Principal, Role::LocalAdmin];

/// How long whoever opens or shows again has had the device, and the password where a printed code has set it, in seconds.
const KNOWN_FOR_S: u64 = 24 * 3_600;

/// Whether somebody has one of these roles in a school.
pub fn holds(caller: &Claims, school: Uuid, roles: &[Role]) -> Result<(), Error> {
    if !caller.schools().contains(&school) {
        return Err(Error::SchoolNotFound);
    }
    if caller.has_role(school, roles) { Ok(()) } else { Err(Error::NotAllowed) }
}

/// The same of somebody who has just proved who they are.
pub fn proves(caller: &Claims, school: Uuid, roles: &[Role], now_s: u64) -> Result<(), Error> {
    holds(caller, school, roles)?;
    if caller.has_fresh_code(now_s) { Ok(()) } else { Err(Error::StepUpRequired) }
}

/// The order of somebody with one of these roles, who has just proved who they are.
pub fn order_in_school(
    caller: &Claims,
    school: Uuid,
    roles: &[Role],
    now_s: u64,
    authority: String,
) -> Result<Order, Error> {
    proves(caller, school, roles, now_s)?;
    Ok(Order::new(Actor::Person(caller.sub), authority))
}

/// The order of one of the two persons who reopen, show again or withdraw for good.
pub fn order_to_decide(caller: &Claims, school: Uuid, now_s: u64, authority: String) -> Result<Order, Error> {
    let order = order_in_school(caller, school, GUARDING, now_s, authority)?;
    let is_known = now_s.saturating_sub(caller.dev_since) >= KNOWN_FOR_S;
    if is_known { Ok(order) } else { Err(Error::TooNewToDecide) }
}

/// The order of a reviewer, who decides in the school's own name: nobody else has to demand it.
pub fn order_of_reviewer(caller: &Claims, school: Uuid, now_s: u64) -> Result<Order, Error> {
    let role = REVIEWING.iter().find(|role| caller.has_role(school, &[**role]));
    let authority = role.map_or_else(String::new, |role| role.name().to_owned());
    order_in_school(caller, school, REVIEWING, now_s, authority)
}
