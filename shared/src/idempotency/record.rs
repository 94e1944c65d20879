//! Settles how a key is taken and given its answer inside the transaction of the act, and how its twin waits.

use std::time::Duration;

use rand::Rng;

use super::{Answer, Claim, Error, KEPT_FOR, LARGEST_ANSWER, LONGEST_WAIT};
use crate::ids;
use crate::pg::{self, ToSql, Transaction};

/// What is left of a twin's deadline when it gives up waiting, so that its 409 still arrives.
const ANSWER_MARGIN: Duration = Duration::from_millis(100);
const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Whose turn it is.
#[derive(Debug)]
pub enum Begin {
    /// The act has not happened: do it, then [`finish`] in the same transaction.
    First(Token),
    /// The act has happened, and this was its answer.
    Replay(Answer),
}

/// The duty to store the answer of an act that has begun.
#[derive(Debug)]
#[must_use = "an act without a stored answer cannot be retried"]
pub struct Token(Option<Claim>);

/// The first statement of an act. Without a claim there is nothing to guard: it is always the first.
pub async fn begin(transaction: &mut Transaction, claim: Option<&Claim>) -> Result<Begin, Error> {
    let Some(claim) = claim else { return Ok(Begin::First(Token(None))) };
    let limit =
        transaction.context().remaining_up_to(LONGEST_WAIT + ANSWER_MARGIN).map_err(pg::Error::from)?;
    let limit = limit.saturating_sub(ANSWER_MARGIN);
    let clock = transaction.context().clock().clone();
    let (start, mut paused) = (clock.now(), Duration::ZERO);
    loop {
        if insert(transaction, claim).await? {
            return Ok(Begin::First(Token(Some(claim.clone()))));
        }
        if let Some(answer) = find(transaction, claim).await? {
            return Ok(Begin::Replay(answer));
        }
        // Statements take time too, and a clock that a test holds still takes none.
        let waited = paused.max(clock.now().saturating_duration_since(start));
        let pause = pause_after(waited);
        if waited + pause > limit {
            return Err(Error::InProgress);
        }
        tokio::time::sleep(pause).await;
        paused += pause;
    }
}

/// The last statement of an act before its commit. Hands the answer on.
pub async fn finish(transaction: &mut Transaction, token: Token, answer: Answer) -> Result<Answer, Error> {
    let Some(claim) = token.0 else { return Ok(answer) };
    if answer.body.len() > LARGEST_ANSWER {
        return Err(Error::TooLarge(answer.body.len()));
    }
    let sql = "update idempotency_key set status = $4, content_type = $5, body = $6
               where account_id = $1 and route = $2 and key = $3 and status is null";
    let status = i16::try_from(answer.status).map_err(|_| Error::Unfinished)?;
    let params: [&(dyn ToSql + Sync); 6] =
        [&claim.account_id, &claim.route, &claim.key, &status, &answer.content_type, &answer.body];
    if transaction.execute(sql, &params).await? == 1 { Ok(answer) } else { Err(Error::Unfinished) }
}

/// Takes the key, or an expired one over. False when a twin is at work, or was.
async fn insert(transaction: &mut Transaction, claim: &Claim) -> Result<bool, pg::Error> {
    let sql = "insert into idempotency_key (account_id, route, key, fingerprint, expires_at)
               select $1::uuid, $2::text, $3::text, $4::bytea, $5::timestamptz where pg_try_advisory_xact_lock($6)
               on conflict (account_id, route, key) do update
                 set fingerprint = excluded.fingerprint, expires_at = excluded.expires_at,
                     status = null, content_type = null, body = null
                 where idempotency_key.expires_at <= $7";
    let now = transaction.context().clock().utc();
    let (fingerprint, expires_at, lock) = (claim.fingerprint.as_slice(), now + KEPT_FOR, claim.lock());
    let params: [&(dyn ToSql + Sync); 7] =
        [&claim.account_id, &claim.route, &claim.key, &fingerprint, &expires_at, &lock, &now];
    Ok(transaction.execute(sql, &params).await? == 1)
}

/// The answer of a twin that has committed.
async fn find(transaction: &mut Transaction, claim: &Claim) -> Result<Option<Answer>, Error> {
    let sql = "select fingerprint, status, content_type, body from idempotency_key
               where account_id = $1 and route = $2 and key = $3 and expires_at > $4";
    let now = transaction.context().clock().utc();
    let params: [&(dyn ToSql + Sync); 4] = [&claim.account_id, &claim.route, &claim.key, &now];
    let Some(row) = transaction.query_opt(sql, &params).await? else { return Ok(None) };
    if row.get::<_, Vec<u8>>(0) != claim.fingerprint {
        return Err(Error::Reused);
    }
    let status = row.get::<_, Option<i16>>(1).and_then(|status| u16::try_from(status).ok());
    let (content_type, body) = (row.get::<_, Option<String>>(2), row.get::<_, Option<Vec<u8>>>(3));
    match (status, content_type, body) {
        (Some(status), Some(content_type), Some(body)) => {
            Ok(Some(Answer { status, content_type, body, is_replay: true }))
        }
        _ => Err(Error::Unfinished),
    }
}

/// Grows with the wait, with jitter, so that several twins do not ask as one.
fn pause_after(waited: Duration) -> Duration {
    let pause = waited.clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
    pause.mul_f64(ids::random().random_range(0.5..1.0))
}
