//! Settles how the roles of a person in a school change: given to somebody of the school, taken from them everywhere at once.

use serde_json::json;
use shared::audit::Order;
use shared::context::Context;
use shared::pg::{Database, Transaction, Work};
use shared::session::{Role, Scope};

use super::administration::{administers, is_given_by_operators, may_concern};
use super::revocation::{Act, Revocations, Target, revoke_in};
use super::school_account::{Of, lock};
use crate::error::Error;
use crate::store;

/// Gives a role in the school to somebody who has one there already: whoever administers one school must not reach into
/// another by making its people their own, nor make a head of somebody whose account they can open: two persons decide in a
/// school, and one must not become both. In force with the person's next token. The same again is no error.
pub async fn grant(
    database: &Database,
    context: &Context,
    order: &Order,
    of: Of,
    role: Role,
) -> Result<(), Error> {
    if is_given_by_operators(role) {
        may_concern(order, of.person, true)?;
    }
    let mut transaction = database.begin(context, Work::Write).await?;
    lock(&mut transaction, order, of).await?;
    if store::role_change::insert(&mut transaction, of.school, of.person, role).await? {
        order.keep(&mut transaction, "role_granted", subject(of, role), json!({})).await?;
    }
    Ok(transaction.commit().await?)
}

/// Takes a role; that of an administrator on the host alone. Tokens that carry it are refused everywhere within a second, and the next ones go without it; guardianships that
/// stood on it end. The same again is no error.
pub async fn end(
    revocations: &Revocations,
    context: &Context,
    order: &Order,
    of: Of,
    role: Role,
) -> Result<(), Error> {
    let mut transaction = revocations.database().begin(context, Work::Write).await?;
    end_in(&mut transaction, order, of, role).await?;
    transaction.commit().await?;
    revocations.announce(context).await;
    Ok(())
}

/// The same in a transaction of one's own. Whoever cannot announce it leaves that to the instances: they tell within a second.
pub async fn end_in(transaction: &mut Transaction, order: &Order, of: Of, role: Role) -> Result<(), Error> {
    if administers(role) {
        may_concern(order, of.person, true)?;
    }
    let Of { school, person } = of;
    lock(transaction, order, of).await?;
    if !store::role_change::delete(transaction, school, person, role).await? {
        return Ok(());
    }
    let guardianships = store::role_change::delete_guardianships(transaction, school, person, role).await?;
    let act = Act {
        target: Target::One(Scope::Membership { school, person, role }),
        actor: order.actor,
        authority: Some(order.authority.clone()),
        details: json!({ "reason": "role_ended" }),
    };
    revoke_in(transaction, &act).await?;
    let details = json!({ "guardianships_ended": guardianships });
    Ok(order.keep(transaction, "role_ended", subject(of, role), details).await?)
}

fn subject(of: Of, role: Role) -> String {
    format!("membership:{}:{}:{}", of.school, of.person, role.name())
}
