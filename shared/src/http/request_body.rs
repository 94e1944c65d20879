//! Settles how a body arrives: within a size and a time, whole, before anything else is done for its request.
//!
//! Why: a handler that reads its own body holds its place among the concurrent requests for as long as the client likes.
//! Here a stalled client holds one connection and what it has sent, and is answered 408 when its time is over.

use std::time::Duration;

use actix_web::HttpMessage;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::http::{StatusCode, header};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use super::Problem;
use crate::attribution::Cause;

/// What a body may cost.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    /// Largest size, in bytes.
    pub bytes: usize,
    /// Longest time from the end of the head to the end of the body; the request's deadline shortens it.
    pub time: Duration,
}

/// Whether a body follows the head.
pub(super) fn is_expected(request: &ServiceRequest) -> bool {
    let headers = request.headers();
    headers.contains_key(header::TRANSFER_ENCODING)
        || headers.get(header::CONTENT_LENGTH).is_some_and(|length| length != "0")
}

/// Reads the whole body; extractors then find it in memory.
pub(super) async fn receive(
    request: &mut ServiceRequest,
    largest: usize,
    within: Duration,
) -> Result<(), Problem> {
    if !is_expected(request) {
        return Ok(());
    }
    if announced_length(request).is_some_and(|length| length > largest) {
        return Err(too_large(largest));
    }
    let received = tokio::time::timeout(within, collect(request.take_payload(), largest)).await;
    let body = received.map_err(|_| too_slow())??;
    request.set_payload(Payload::from(body));
    Ok(())
}

async fn collect(mut payload: Payload, largest: usize) -> Result<Bytes, Problem> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| cut_short())?;
        if body.len() + chunk.len() > largest {
            return Err(too_large(largest));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn announced_length(request: &ServiceRequest) -> Option<usize> {
    request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large(largest: usize) -> Problem {
    let detail = format!("The body may have at most {largest} bytes.");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
}

fn too_slow() -> Problem {
    let detail = "The body did not arrive in time: send the request again.";
    Problem::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", detail).because(Cause::ClientSlow)
}

fn cut_short() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed_body", "The body could not be read to its end.")
}
