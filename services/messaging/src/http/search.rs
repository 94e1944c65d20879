//! Settles how one's own mailbox is searched over HTTP.

use actix_web::get;
use actix_web::web::{Data, Json, Query};
use garde::Validate;
use serde::Deserialize;
use shared::context::Context;
use shared::http::{Caller, Problem, ProblemBody, valid};
use utoipa::IntoParams;
use uuid::Uuid;

use super::page::default_limit;
use crate::app::Messaging;
use crate::domain::page::Wanted;
use crate::domain::search::{self, SearchPage};

/// What to look for.
#[derive(Debug, Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SearchQuery {
    /// Words, of which the first ten count. Case, accents and endings do not matter; a sender's name has to be whole.
    #[garde(length(chars, min = 1, max = 200), custom(shared::http::line))]
    q: String,
    /// `next` of the page before.
    #[garde(skip)]
    after: Option<Uuid>,
    /// Messages on a page.
    #[serde(default = "default_limit")]
    #[garde(range(min = 1, max = 100))]
    #[param(minimum = 1, maximum = 100, default = 25)]
    limit: u32,
}

/// Messages that I received or sent with all of these words in subject, text or sender's name, newest first.
#[utoipa::path(
    tag = "mailbox",
    params(SearchQuery),
    responses(
        (status = 200, body = SearchPage),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_query"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json",
            description = "invalid_body, nothing_to_search (every text has these words)"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json",
            description = "search_unavailable, overloaded: searches are given up before anything else")
    )
)]
#[get("/messaging/v1/search")]
pub async fn find(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    query: Query<SearchQuery>,
) -> Result<Json<SearchPage>, Problem> {
    let SearchQuery { q, after, limit } = valid(query.into_inner())?;
    let wanted = Wanted { after, limit };
    Ok(Json(search::search(messaging.database(), &context, &caller, &q, &wanted).await?))
}
