//! Settles how news are told over HTTP: Server-Sent Events (WHATWG HTML, 9.2), each with the id to come back with.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Query};
use actix_web::{HttpRequest, HttpResponse, get};
use futures_util::{StreamExt, stream};
use rand::Rng;
use serde::{Deserialize, Serialize};
use shared::context::Context;
use shared::http::{Caller, Problem, ProblemBody};
use shared::ids;
use utoipa::IntoParams;

use crate::app::Messaging;
use crate::domain::event::notice::{Notice, Told};

/// After how long a client whose connection broke comes back, in milliseconds: each after another time.
const RETRY_MS: std::ops::RangeInclusive<u64> = 1_000..=5_000;

/// Where to go on.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventsQuery {
    /// The last id that was seen, where a new stream is opened for it; the header `Last-Event-ID` goes before it.
    after: Option<i64>,
}

/// What comes and goes in my mailbox, as it happens.
///
/// Events: `new_message` and `message_released` (as in the inbox), `message_withdrawn` (`id`, `thread_id`, `school_id`),
/// `unread_count` (first of all, and after everything that changes it), `resync` (too much was missed: read everything anew), `end`
/// (`reason`: `session_ended`, `token_expired`, `replaced`, `stopping`). Lines that begin with a colon say that the stream is alive.
#[utoipa::path(
    tag = "mailbox",
    params(
        EventsQuery,
        ("Last-Event-ID" = Option<i64>, Header, description = "The last id that was seen; what came since is told first")
    ),
    responses(
        (status = 200, body = String, content_type = "text/event-stream"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json",
            description = "malformed_query, malformed_last_event_id"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json",
            description = "streams_full, database_unavailable, overloaded: streams are given up before anything else")
    )
)]
#[get("/messaging/v1/events")]
pub async fn listen(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    query: Query<EventsQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let last = last_event_id(&request)?.or(query.after);
    let (first, listening) = messaging.events().listen(&context, caller.claims(), last).await?;
    let retry = Duration::from_millis(ids::random().random_range(RETRY_MS));
    let opening = stream::once(async move { retry_line(retry) + "\n" });
    let told = stream::iter(first).chain(listening).map(|told| text_of(&told));
    let body = opening.chain(told).map(|text| Ok::<_, Infallible>(Bytes::from(text)));
    Ok(HttpResponse::Ok().content_type("text/event-stream").streaming(body))
}

fn last_event_id(request: &HttpRequest) -> Result<Option<i64>, Problem> {
    let Some(value) = request.headers().get("last-event-id") else { return Ok(None) };
    let id = value.to_str().ok().and_then(|text| text.parse().ok()).filter(|id| *id >= 0);
    let detail = "Last-Event-ID must be an id of this stream.";
    let problem = || Problem::new(StatusCode::BAD_REQUEST, "malformed_last_event_id", detail);
    id.ok_or_else(problem).map(Some)
}

fn text_of(told: &Told) -> String {
    let text = match &told.notice {
        Notice::New(message) => event("new_message", &**message),
        Notice::Released(message) => event("message_released", &**message),
        Notice::Withdrawn(withdrawn) => event("message_withdrawn", withdrawn),
        Notice::Unread(count) => event("unread_count", count),
        Notice::Resync => event("resync", &serde_json::Map::new()),
        Notice::Alive => ":\n\n".to_owned(),
        Notice::End(end) => format!("{}{}", retry_line(end.reason.retry()), event("end", end)),
    };
    told.position.map(|position| format!("id: {position}\n")).unwrap_or_default() + text.as_str()
}

/// Compact JSON has no line breaks, which would end the event's data.
fn event(name: &str, data: &impl Serialize) -> String {
    format!("event: {name}\ndata: {}\n\n", serde_json::to_string(data).unwrap_or_default())
}

fn retry_line(retry: Duration) -> String {
    format!("retry: {}\n", retry.as_millis())
}
