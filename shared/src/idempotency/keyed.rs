//! Settles how a handler takes a body together with the key of its act: the fingerprint is made of the bytes as they pass by.

use std::cell::RefCell;
use std::future::{Future, ready};
use std::pin::Pin;
use std::rc::Rc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::TryStreamExt;
use sha2::{Digest, Sha256};

use super::Claim;
use super::claim::Scope;
use crate::http::Problem;

/// A body, read by its own extractor with that one's limits and refusals, and the claim of the request that brought it.
#[derive(Debug)]
pub struct Keyed<B>(pub Option<Claim>, pub B);

impl<B: FromRequest<Error = Problem> + 'static> FromRequest for Keyed<B> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        match Scope::of(request) {
            Err(refusal) => Box::pin(ready(Err(refusal))),
            Ok(None) => {
                let reading = B::from_request(request, payload);
                Box::pin(async move { Ok(Self(None, reading.await?)) })
            }
            Ok(Some(scope)) => {
                let (hasher, mut passing) = hashing(payload.take());
                let reading = B::from_request(request, &mut passing);
                Box::pin(async move {
                    let body = reading.await?;
                    let content = hasher.take().finalize().into();
                    Ok(Self(Some(scope.claim(content)), body))
                })
            }
        }
    }
}

/// The same payload, and what its bytes add up to once it has been read.
fn hashing(payload: Payload) -> (Rc<RefCell<Sha256>>, Payload) {
    let hasher = Rc::new(RefCell::new(Sha256::new()));
    let passing = hasher.clone();
    let stream = payload.inspect_ok(move |bytes| passing.borrow_mut().update(bytes));
    (hasher, Payload::Stream { payload: Box::pin(stream) })
}
