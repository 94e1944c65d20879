//! Settles how the directory is asked over HTTP: schools, their people, one person.

use actix_web::get;
use actix_web::web::{Data, Json, Path, Query};
use garde::Validate;
use serde::Deserialize;
use shared::context::Context;
use shared::http::{Caller, Problem, ProblemBody, valid};
use shared::session::Role;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::app::Auth;
use crate::domain::directory;
use crate::store::directory::{Entry, Page, SchoolEntry, Search};

/// What to look for.
#[derive(Debug, Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PeopleQuery {
    /// Part of a name; case and accents do not matter.
    #[serde(default)]
    #[garde(length(chars, max = 100))]
    q: String,
    /// Only people with this role.
    #[garde(skip)]
    role: Option<Role>,
    /// `next` of the page before.
    #[garde(skip)]
    after: Option<Uuid>,
    /// People on a page.
    #[serde(default = "default_limit")]
    #[garde(range(min = 1, max = 100))]
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: u32,
}

fn default_limit() -> u32 {
    50
}

/// A school that you belong to.
#[utoipa::path(
    tag = "directory",
    params(("school_id" = Uuid, Path, description = "The school")),
    responses(
        (status = 200, body = SchoolEntry),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable")
    )
)]
#[get("/auth/v1/schools/{school_id}")]
pub async fn show_school(
    context: Context,
    caller: Caller,
    auth: Data<Auth>,
    id: Path<Uuid>,
) -> Result<Json<SchoolEntry>, Problem> {
    Ok(Json(directory::school(auth.database(), &context, &caller, *id).await?))
}

/// The people of a school whom you may see: personnel sees everybody, families see personnel and their own.
#[utoipa::path(
    tag = "directory",
    params(("school_id" = Uuid, Path, description = "The school"), PeopleQuery),
    responses(
        (status = 200, body = Page),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_query"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable")
    )
)]
#[get("/auth/v1/schools/{school_id}/people")]
pub async fn list_people(
    context: Context,
    caller: Caller,
    auth: Data<Auth>,
    id: Path<Uuid>,
    query: Query<PeopleQuery>,
) -> Result<Json<Page>, Problem> {
    let PeopleQuery { q, role, after, limit } = valid(query.into_inner())?;
    let search = Search { text: q, role: role.map(Role::name), after, limit };
    Ok(Json(directory::search(auth.database(), &context, &caller, *id, &search).await?))
}

/// Somebody whom you may see, in the schools that both of you are in.
#[utoipa::path(
    tag = "directory",
    params(("person_id" = Uuid, Path, description = "The person")),
    responses(
        (status = 200, body = Entry),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "person_not_found"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable")
    )
)]
#[get("/auth/v1/people/{person_id}")]
pub async fn show_person(
    context: Context,
    caller: Caller,
    auth: Data<Auth>,
    id: Path<Uuid>,
) -> Result<Json<Entry>, Problem> {
    Ok(Json(directory::person(auth.database(), &context, &caller, *id).await?))
}
