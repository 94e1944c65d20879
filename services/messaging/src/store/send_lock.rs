//! Settles how sends keep apart from whoever closes sending: advisory locks of a school, of all schools and of an account.
//!
//! PostgreSQL gives a lock to those who wait for it in the order in which they asked. So a closing waits for the sends that
//! began before it, holds back those that come after it, and when it has committed, none commits that has not seen it.
//! A statement sees what was committed when it began: what is judged under a lock is read by a later statement than this one.

use shared::pg::{Error, Transaction};
use uuid::Uuid;

/// "send" and "acct" in ASCII: numbers of locks are shared with everything else in the database.
const SENDING: i32 = 0x7365_6e64;
const ACCOUNT: i32 = 0x6163_6374;

/// Sends of a school go on beside each other, those of one account after each other, until the transaction ends.
pub async fn share(transaction: &mut Transaction, school_id: Uuid, sender_id: Uuid) -> Result<(), Error> {
    // Always in this order, and nobody who holds an account's lock waits for another: there is no circle to wait in.
    let sql = "select pg_advisory_xact_lock_shared($1, hashtext('')),
                      pg_advisory_xact_lock_shared($1, hashtext($2::uuid::text)),
                      pg_advisory_xact_lock($3, hashtext($4::uuid::text))";
    transaction.query(sql, &[&SENDING, &school_id, &ACCOUNT, &sender_id]).await.map(|_| ())
}

/// Waits for the sends under way of some accounts, and holds back their next ones until the transaction ends.
pub async fn hold_accounts(transaction: &mut Transaction, people: &[Uuid]) -> Result<(), Error> {
    // In one order, so that two who hold some of the same accounts do not wait for each other.
    let sql = "select pg_advisory_xact_lock($1, key)
               from (select distinct hashtext(id::text) as key from unnest($2::uuid[]) id order by 1 offset 0) keys";
    transaction.query(sql, &[&ACCOUNT, &people]).await.map(|_| ())
}

/// Waits for the sends under way in a school, or in all schools, and holds back the next ones until the transaction ends.
pub async fn close(transaction: &mut Transaction, school_id: Option<Uuid>) -> Result<(), Error> {
    let sql = "select pg_advisory_xact_lock($1, hashtext(coalesce($2::uuid::text, '')))";
    transaction.query(sql, &[&SENDING, &school_id]).await.map(|_| ())
}
