//! Settles what is kept of an answer (status, content type, body), and that a retry gets exactly these bytes.

use actix_web::body::BoxBody;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Serialize;

use super::header::REPLAYED_HEADER;

const JSON: &str = "application/json";

/// An answer that can be given again. Headers that belong to one reply alone (dates, cookies, traces) are not part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub(super) status: u16,
    pub(super) content_type: String,
    pub(super) body: Vec<u8>,
    pub(super) is_replay: bool,
}

impl Answer {
    /// 201 with the new thing as JSON.
    pub fn created(thing: &impl Serialize) -> Self {
        Self::of(StatusCode::CREATED, thing)
    }

    /// 202 with what is waited for as JSON.
    pub fn accepted(thing: &impl Serialize) -> Self {
        Self::of(StatusCode::ACCEPTED, thing)
    }

    fn of(status: StatusCode, thing: &impl Serialize) -> Self {
        Self {
            status: status.as_u16(),
            content_type: JSON.to_owned(),
            body: serde_json::to_vec(thing).unwrap_or_default(),
            is_replay: false,
        }
    }

    /// Whether it was given before.
    pub fn is_replay(&self) -> bool {
        self.is_replay
    }
}

impl Responder for Answer {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::build(status);
        response.insert_header((header::CONTENT_TYPE, self.content_type));
        if self.is_replay {
            response.insert_header((REPLAYED_HEADER, "true"));
        }
        response.body(self.body)
    }
}
