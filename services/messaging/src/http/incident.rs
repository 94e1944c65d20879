//! Settles how the people in charge of a school open, follow and close an incident of it over HTTP. Those of several schools, and evidence: `messaging operate`.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use shared::audit::Order;
use shared::context::Context;
use shared::http::{Authority, Body, Caller, Demanded, Problem, ProblemBody};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::Messaging;
use crate::domain::administration::{GUARDING, holds, order_in_school};
use crate::domain::incident::{Incident, Kind, NewIncident, Note, Remaining};
use crate::domain::incidents::{MOST_ACCOUNTS, Whose};
use crate::domain::timeline::Timeline;
use crate::domain::timeline_page::Page;

/// An incident that is opened in a school.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSchoolIncident {
    /// What happened.
    #[garde(skip)]
    kind: Kind,
    /// In a few words, without names of people.
    #[garde(length(chars, min = 1, max = 200), custom(shared::http::line))]
    #[schema(example = "Menaces par messagerie")]
    title: String,
    /// Whose accounts, as far as it is known: people of the school.
    #[serde(default)]
    #[garde(length(max = MOST_ACCOUNTS))]
    accounts: Vec<Uuid>,
    /// Since when.
    #[garde(skip)]
    starts_at: DateTime<Utc>,
    /// Who demanded it.
    #[garde(dive)]
    authority: Authority,
}

/// Something to be written down.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNote {
    /// The text.
    #[garde(length(chars, min = 1, max = 4_000))]
    text: String,
    /// Who demanded it.
    #[garde(dive)]
    authority: Authority,
}

/// More accounts of an incident.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoreAccounts {
    /// Whose: people of the school.
    #[garde(length(min = 1, max = MOST_ACCOUNTS))]
    accounts: Vec<Uuid>,
    /// Who demanded it.
    #[garde(dive)]
    authority: Authority,
}

/// Incidents of a school.
#[derive(Serialize, ToSchema)]
pub struct SchoolIncidents {
    /// The last opened first, at most 100.
    incidents: Vec<Incident>,
}

/// An incident with its notes.
#[derive(Serialize, ToSchema)]
pub struct IncidentView {
    /// The incident.
    #[serde(flatten)]
    incident: Incident,
    /// What people wrote down.
    notes: Vec<Note>,
}

/// Open an incident in a school of yours.
#[utoipa::path(
    tag = "incidents",
    params(("school_id" = Uuid, Path, description = "The school")),
    request_body = NewSchoolIncident,
    responses(
        (status = 201, body = Incident),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed, step_up_required, foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body, account_not_of_school"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[post("/messaging/v1/schools/{school_id}/incidents")]
pub async fn open(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    school: Path<Uuid>,
    Body(new): Body<NewSchoolIncident>,
) -> Result<HttpResponse, Problem> {
    let NewSchoolIncident { kind, title, accounts, starts_at, authority } = new;
    let order = order(&context, &caller, *school, authority)?;
    let (school_ids, networks) = (vec![*school], vec![]);
    let new = NewIncident { kind, title, school_ids, accounts, networks, starts_at };
    Ok(HttpResponse::Created().json(messaging.incidents().open(&context, &order, &new).await?))
}

/// The incidents of a school of yours. Those that concern other schools as well are the operators'.
#[utoipa::path(
    tag = "incidents",
    params(("school_id" = Uuid, Path, description = "The school")),
    responses(
        (status = 200, body = SchoolIncidents),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable")
    )
)]
#[get("/messaging/v1/schools/{school_id}/incidents")]
pub async fn list(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    school: Path<Uuid>,
) -> Result<Json<SchoolIncidents>, Problem> {
    holds(&caller, *school, GUARDING)?;
    let incidents = messaging.incidents().list(&context, Whose::School(*school)).await?;
    Ok(Json(SchoolIncidents { incidents }))
}

/// An incident of a school of yours, with its notes.
#[utoipa::path(
    tag = "incidents",
    params(("school_id" = Uuid, Path, description = "The school"), ("id" = Uuid, Path, description = "The incident")),
    responses(
        (status = 200, body = IncidentView),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found, incident_not_found"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable")
    )
)]
#[get("/messaging/v1/schools/{school_id}/incidents/{id}")]
pub async fn show(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    path: Path<(Uuid, Uuid)>,
) -> Result<Json<IncidentView>, Problem> {
    let (school, id) = *path;
    holds(&caller, school, GUARDING)?;
    let (incident, notes) = messaging.incidents().find(&context, Whose::School(school), id).await?;
    Ok(Json(IncidentView { incident, notes }))
}

/// Write something down in an incident of a school of yours.
#[utoipa::path(
    tag = "incidents",
    params(("school_id" = Uuid, Path, description = "The school"), ("id" = Uuid, Path, description = "The incident")),
    request_body = NewNote,
    responses(
        (status = 201, body = Note),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed, step_up_required, foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found, incident_not_found"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "incident_closed"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[post("/messaging/v1/schools/{school_id}/incidents/{id}/notes")]
pub async fn write_down(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    path: Path<(Uuid, Uuid)>,
    Body(new): Body<NewNote>,
) -> Result<HttpResponse, Problem> {
    let (school, id) = *path;
    let order = order(&context, &caller, school, new.authority)?;
    let note = messaging.incidents().note(&context, &order, (Whose::School(school), id), new.text).await?;
    Ok(HttpResponse::Created().json(note))
}

/// Name more accounts in an incident of a school of yours: its timeline has their sign-ins and what they sent.
#[utoipa::path(
    tag = "incidents",
    params(("school_id" = Uuid, Path, description = "The school"), ("id" = Uuid, Path, description = "The incident")),
    request_body = MoreAccounts,
    responses(
        (status = 204, description = "Named"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed, step_up_required, foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found, incident_not_found"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "incident_closed"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body, account_not_of_school"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[post("/messaging/v1/schools/{school_id}/incidents/{id}/accounts")]
pub async fn name_accounts(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    path: Path<(Uuid, Uuid)>,
    Body(new): Body<MoreAccounts>,
) -> Result<HttpResponse, Problem> {
    let (school, id) = *path;
    let order = order(&context, &caller, school, new.authority)?;
    let place = (Whose::School(school), id);
    messaging.incidents().name_accounts(&context, &order, place, &new.accounts).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The timeline of an incident of a school of yours: what was done, the sign-ins of its accounts, what they sent. Reading it is kept.
#[utoipa::path(
    tag = "incidents",
    params(("school_id" = Uuid, Path, description = "The school"), ("id" = Uuid, Path, description = "The incident")),
    request_body = Demanded,
    responses(
        (status = 200, body = Timeline),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed, step_up_required, foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found, incident_not_found"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[post("/messaging/v1/schools/{school_id}/incidents/{id}/timeline")]
pub async fn show_timeline(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    path: Path<(Uuid, Uuid)>,
    Body(demanded): Body<Demanded>,
) -> Result<Json<Timeline>, Problem> {
    Ok(Json(read_timeline(&context, &caller, &messaging, *path, demanded).await?))
}

/// The same as a page to print.
#[utoipa::path(
    tag = "incidents",
    params(("school_id" = Uuid, Path, description = "The school"), ("id" = Uuid, Path, description = "The incident")),
    request_body = Demanded,
    responses(
        (status = 200, body = String, content_type = "text/html"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed, step_up_required, foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found, incident_not_found"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[post("/messaging/v1/schools/{school_id}/incidents/{id}/timeline-page")]
pub async fn print_timeline(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    path: Path<(Uuid, Uuid)>,
    Body(demanded): Body<Demanded>,
) -> Result<HttpResponse, Problem> {
    let timeline = read_timeline(&context, &caller, &messaging, *path, demanded).await?;
    let Timeline { incident, made_at, moments, gaps, missing, .. } = &timeline;
    let page = Page { incident, made_at: *made_at, moments, gaps, missing };
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    let mut response = HttpResponse::Ok();
    response.insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")));
    Ok(response.insert_header((CONTENT_TYPE, html)).body(page.render()))
}

/// Close an incident of a school of yours. It ends and deletes nothing, and says what stays in force.
#[utoipa::path(
    tag = "incidents",
    params(("school_id" = Uuid, Path, description = "The school"), ("id" = Uuid, Path, description = "The incident")),
    request_body = Demanded,
    responses(
        (status = 200, body = Remaining),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed, step_up_required, foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found, incident_not_found"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "incident_closed"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[post("/messaging/v1/schools/{school_id}/incidents/{id}/close")]
pub async fn close(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    path: Path<(Uuid, Uuid)>,
    Body(demanded): Body<Demanded>,
) -> Result<Json<Remaining>, Problem> {
    let (school, id) = *path;
    let order = order(&context, &caller, school, demanded.authority)?;
    Ok(Json(messaging.incidents().close(&context, &order, (Whose::School(school), id)).await?))
}

async fn read_timeline(
    context: &Context,
    caller: &Caller,
    messaging: &Messaging,
    (school, id): (Uuid, Uuid),
    demanded: Demanded,
) -> Result<Timeline, Problem> {
    let order = order(context, caller, school, demanded.authority)?;
    let whose = Whose::School(school);
    messaging.incidents().keep_reading(context, &order, (whose, id)).await?;
    Ok(messaging.timelines().show(context, whose, id).await?)
}

fn order(context: &Context, caller: &Caller, school: Uuid, authority: Authority) -> Result<Order, Problem> {
    let now_s = context.clock().unix_seconds();
    Ok(order_in_school(caller, school, GUARDING, now_s, authority.into_text())?)
}
