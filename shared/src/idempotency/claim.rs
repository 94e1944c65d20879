//! Settles what a key stands for: whose it is, on which route, for which request.

use actix_web::{FromRequest, HttpRequest, web};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::header;
use crate::ablation::Part;
use crate::http::{Caller, EdgePolicy, Problem};

/// Says that this request is the act named by a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub(super) account_id: Uuid,
    pub(super) route: String,
    pub(super) key: String,
    pub(super) fingerprint: [u8; 32],
}

impl Claim {
    /// The claim of `account_id` on `key` for requests to `route` that have this fingerprint.
    pub fn new(account_id: Uuid, route: &str, key: &str, fingerprint: [u8; 32]) -> Self {
        Self { account_id, route: route.to_owned(), key: key.to_owned(), fingerprint }
    }

    /// Number of the advisory lock that keeps twins apart. Two scopes that share one wait for each other, no more.
    pub(super) fn lock(&self) -> i64 {
        let digest = Sha256::new()
            .chain_update(self.account_id)
            .chain_update(&self.route)
            .chain_update([0])
            .chain_update(&self.key)
            .finalize();
        let mut number = [0; 8];
        number.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        i64::from_be_bytes(number)
    }
}

/// A key with everything but the content of its request.
pub(super) struct Scope {
    account_id: Uuid,
    route: String,
    key: String,
    target: Sha256,
}

impl Scope {
    /// `None` when the request names no key. Keys belong to an account, so the request must be a signed-in person's.
    pub(super) fn of(request: &HttpRequest) -> Result<Option<Self>, Problem> {
        let Some(key) = header::read(request.headers())?.filter(|_| !is_ablated(request)) else {
            return Ok(None);
        };
        let account_id = Caller::extract(request).into_inner()?.sub;
        let route = request.match_pattern().ok_or_else(Problem::internal)?;
        Ok(Some(Self { account_id, route, key, target: target(request) }))
    }

    /// The claim, once the content's SHA-256 is known.
    pub(super) fn claim(self, content: [u8; 32]) -> Claim {
        let fingerprint = self.target.chain_update(content).finalize().into();
        Claim { account_id: self.account_id, route: self.route, key: self.key, fingerprint }
    }
}

/// Keys are looked at and forgotten where proofs want to see what happens without them.
fn is_ablated(request: &HttpRequest) -> bool {
    let policy = request.app_data::<web::Data<EdgePolicy>>();
    policy.is_some_and(|policy| policy.ablation.removes(Part::Idempotency))
}

/// Method and target; neither can contain the zero that ends it.
fn target(request: &HttpRequest) -> Sha256 {
    Sha256::new()
        .chain_update(request.method().as_str())
        .chain_update([0])
        .chain_update(request.uri().to_string())
        .chain_update([0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_that_differ_in_anything_have_locks_of_their_own() {
        let (zoe, paul) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let locks =
            [(zoe, "/a", "k"), (paul, "/a", "k"), (zoe, "/b", "k"), (zoe, "/a", "l"), (zoe, "/ak", "")]
                .map(|(account, route, key)| Claim::new(account, route, key, [0; 32]).lock());
        for (index, lock) in locks.iter().enumerate() {
            assert!(!locks[..index].contains(lock), "{index}");
        }
    }
}
