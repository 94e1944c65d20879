//! Settles `/me`: the person who asks.

use actix_web::get;
use actix_web::web::{Data, Json};
use shared::context::Context;
use shared::http::{Caller, Problem, ProblemBody};

use crate::app::Auth;
use crate::domain::person;
use crate::store::person::Profile;

/// The signed-in person, with their roles and schools.
#[utoipa::path(
    tag = "people",
    responses(
        (status = 200, body = Profile),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable")
    )
)]
#[get("/auth/v1/me")]
pub async fn me(context: Context, caller: Caller, auth: Data<Auth>) -> Result<Json<Profile>, Problem> {
    Ok(Json(person::profile(auth.database(), &context, caller.sub).await?))
}
