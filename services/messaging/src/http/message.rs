//! Settles how a message is sent over HTTP.

use actix_web::post;
use actix_web::web::{Data, Json};
use garde::Validate;
use serde::Deserialize;
use shared::context::Context;
use shared::http::{Body, Caller, Problem, ProblemBody};
use shared::idempotency::{Answer, IdempotencyKeyHeader, Keyed};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::Messaging;
use crate::domain::audience::Audience;
use crate::domain::message::{self, Draft, Prospect, Sent};
use crate::domain::sender::Sender;

/// Most people that can be named one by one.
const MOST_NAMED_PEOPLE: usize = 100;

/// What a person writes.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    /// Of a new thread, and of nothing else: what goes on with a thread has its subject.
    #[garde(inner(length(chars, min = 1, max = 200), custom(shared::http::line)))]
    subject: Option<String>,
    /// A thread that you have part in, which this message goes on.
    #[garde(skip)]
    thread_id: Option<Uuid>,
    /// A message that you can see, whose text this one repeats, as a forward does: it is withdrawn with it.
    #[garde(skip)]
    quotes: Option<Uuid>,
    /// The text.
    #[garde(length(chars, min = 1, max = 20_000), custom(shared::http::prose))]
    body: String,
    /// Whom it is for.
    #[garde(custom(is_bounded))]
    audience: Audience,
}

/// Send a message to a class, a role or some people of a school.
#[utoipa::path(
    tag = "messages",
    params(IdempotencyKeyHeader),
    request_body = NewMessage,
    responses(
        (status = 201, body = Sent, description = "Stored and delivered to every recipient"),
        (status = 202, body = Sent, description = "Stored; it waits until somebody of the school has looked at it"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json",
            description = "malformed_body, malformed_idempotency_key"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json",
            description = "not_allowed (with the rule that refuses), sending_restricted (until when and why), account_contained, \
                too_many_recipients, day_budget_spent, hour_budget_spent, message_budget_spent (what is left, and when it comes back), \
                too_many_waiting, step_up_required, foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json",
            description = "group_not_found, thread_not_found, quoted_message_not_found"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "request_in_progress"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json",
            description = "invalid_body, subject_missing, subject_of_thread, no_recipients, unknown_recipient, idempotency_key_reused"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json",
            description = "database_unavailable; to more than 10 people also revocation_lag, session_degraded")
    )
)]
#[post("/messaging/v1/messages")]
pub async fn send(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    Keyed(claim, Body(new)): Keyed<Body<NewMessage>>,
) -> Result<Answer, Problem> {
    let NewMessage { subject, thread_id, quotes, body, audience } = new;
    let draft = Draft { subject, thread_id, quotes, body, audience };
    Ok(message::send(messaging.dispatch(), &context, &Sender::from(&caller), &draft, claim.as_ref()).await?)
}

/// A message that is not sent.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Intention {
    /// A thread that it would go on.
    #[garde(skip)]
    thread_id: Option<Uuid>,
    /// Whom it would be for.
    #[garde(custom(is_bounded))]
    audience: Audience,
}

/// Ask whether I may write to somebody, and why not, before I write: the judgement of a send, of which nothing is kept.
#[utoipa::path(
    tag = "messages",
    request_body = Intention,
    responses(
        (status = 200, body = Prospect),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "foreign_origin"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable")
    )
)]
#[post("/messaging/v1/messages/prospects")]
pub async fn foresee(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    Body(intended): Body<Intention>,
) -> Result<Json<Prospect>, Problem> {
    let Intention { thread_id, audience } = intended;
    let draft = Draft { subject: None, thread_id, quotes: None, body: String::new(), audience };
    Ok(Json(message::foresee(messaging.dispatch(), &context, &Sender::from(&caller), &draft).await?))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that garde calls")]
fn is_bounded(audience: &Audience, (): &()) -> garde::Result {
    let is_within = match audience {
        Audience::People { ids, .. } => (1..=MOST_NAMED_PEOPLE).contains(&ids.len()),
        Audience::Group { parts, .. } => (1..=3).contains(&parts.len()),
        Audience::Role { .. } => true,
    };
    let error = || garde::Error::new("names 1 to 100 people, or 1 to 3 parts of a group");
    if is_within { Ok(()) } else { Err(error()) }
}
