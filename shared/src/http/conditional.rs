//! Settles how a client that has a copy of an answer is told that it still holds: an `ETag` with each answer, 304 without a body when it comes back.
//!
//! The tags are weak (RFC 9110, 8.8.1): they stand for what an answer says, not for its bytes, which another release may
//! write otherwise. `If-None-Match` compares weakly in any case (13.1.2), and nothing here is asked for in ranges, which alone would
//! need strong ones. A tag is made of the account and of the fingerprints of what is kept, so it is known before anything is
//! rendered, and never holds for the answer of another account, whatever both may read.
//!
//! `Cache-Control: private, no-cache`: a browser may keep the answer for this person and asks before each use. A stale answer has no
//! tag, because its age is part of it: it comes whole, is not kept, and says `Age` (RFC 9111, 5.1).

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{
    self, CacheControl, CacheDirective, ContentType, ETag, EntityTag, Header, IfNoneMatch,
};
use actix_web::{FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;
use uuid::Uuid;

use super::{Caller, Problem};
use crate::cache::{Fingerprint, Freshness};

/// Bytes of a page; the home of a pupil with eleven courses has about 8,000.
const USUAL_PAGE: usize = 16 * 1024;

/// For API descriptions of routes whose answers may be kept.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IfNoneMatchHeader {
    /// The `ETag` of the copy that you have: where it is as good as a new answer, that is 304 without a body.
    #[param(rename = "If-None-Match")]
    pub if_none_match: Option<String>,
}

/// What a signed-in person's browser has already.
#[derive(Debug)]
pub struct Conditional {
    account_id: Uuid,
    known: Option<IfNoneMatch>,
}

impl Conditional {
    /// The answer, rendered only where the browser has no copy that is as good.
    pub fn answer<T: Serialize>(&self, freshness: Freshness, render: impl FnOnce() -> T) -> HttpResponse {
        let fingerprint = match freshness {
            Freshness::Current(fingerprint) => fingerprint,
            Freshness::Stale(age) => {
                return json(HttpResponse::Ok().insert_header((header::AGE, age.as_secs())), &render());
            }
        };
        let tag = self.tag(fingerprint);
        let is_known = self.knows(&tag);
        let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        response.insert_header(ETag(tag));
        response.insert_header(CacheControl(vec![CacheDirective::Private, CacheDirective::NoCache]));
        if is_known { response.finish() } else { json(&mut response, &render()) }
    }

    fn tag(&self, fingerprint: Fingerprint) -> EntityTag {
        let digest = Sha256::new()
            .chain_update(env!("CARGO_PKG_VERSION"))
            .chain_update(self.account_id)
            .chain_update(fingerprint.to_bytes());
        EntityTag::new_weak(hex::encode(digest.finalize().iter().copied().take(12).collect::<Vec<u8>>()))
    }

    fn knows(&self, tag: &EntityTag) -> bool {
        match &self.known {
            Some(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(tag)),
            Some(IfNoneMatch::Any) => true,
            None => false,
        }
    }
}

/// As [`HttpResponseBuilder::json`], in room for most pages from the beginning: growing there took a tenth of an answer's time.
fn json(response: &mut HttpResponseBuilder, page: &impl Serialize) -> HttpResponse {
    let mut body = Vec::with_capacity(USUAL_PAGE);
    match serde_json::to_writer(&mut body, page) {
        Ok(()) => response.content_type(ContentType::json()).body(body),
        Err(_) => Problem::internal().response(),
    }
}

impl FromRequest for Conditional {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Caller::from_request(request, payload).into_inner();
        // A header that cannot be read says nothing: the whole answer is always right.
        let known = request.headers().contains_key(header::IF_NONE_MATCH);
        let known = known.then(|| IfNoneMatch::parse(request).ok()).flatten();
        ready(caller.map(|caller| Self { account_id: caller.sub, known }))
    }
}
