//! Settles how siblings learn what was revoked, and how they revoke.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Query};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::audit::Actor;
use shared::context::Context;
use shared::http::{Body, Problem};
use shared::service_token::CallingService;
use shared::session::{News, Scope};
use uuid::Uuid;

use crate::app::Auth;
use crate::domain::revocation::{Act, Target};
use crate::error::Error;

/// After which epoch.
#[derive(Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct After {
    /// 0 for all that a token can be as old as.
    #[garde(range(min = 0))]
    after: i64,
}

/// What was revoked after an epoch, one page.
pub async fn list(
    _sibling: CallingService,
    context: Context,
    auth: Data<Auth>,
    query: Query<After>,
) -> Result<Json<News>, Problem> {
    query.validate().map_err(|_| {
        let detail = "after must be an epoch: 0 or more.";
        Problem::new(actix_web::http::StatusCode::BAD_REQUEST, "malformed_query", detail)
    })?;
    let news = auth.revocations().news(&context, Some(query.after)).await;
    Ok(Json(news.map_err(Error::from)?))
}

/// Most accounts in one request; more go in several.
const MOST_ACCOUNTS: usize = 5_000;

/// What a sibling revokes: `people`, or one `scope`.
#[derive(Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct NewRevocation {
    /// All sessions of these people.
    #[serde(default)]
    #[garde(length(max = MOST_ACCOUNTS))]
    people: Vec<Uuid>,
    /// A session, an account, a membership, a role of a school, or a school.
    #[garde(skip)]
    scope: Option<Scope>,
    /// Who demanded it, where somebody outside did.
    #[garde(inner(length(chars, min = 1, max = 200), custom(shared::http::line)))]
    authority: Option<String>,
    /// Why, for the audit log.
    #[garde(length(chars, min = 1, max = 500), custom(shared::http::line))]
    reason: String,
}

/// What was revoked.
#[derive(Serialize)]
pub struct Revoked {
    /// How many.
    count: i64,
    /// The highest epoch that this gave.
    epoch: i64,
}

/// Revokes. The same again is no error: it ends what was opened meanwhile.
pub async fn insert(
    CallingService(sibling): CallingService,
    context: Context,
    auth: Data<Auth>,
    Body(new): Body<NewRevocation>,
) -> Result<HttpResponse, Problem> {
    let target = match (new.scope, new.people.is_empty()) {
        (Some(scope), true) => Target::One(scope),
        (None, false) => Target::Accounts(new.people),
        (Some(_), false) | (None, true) => return Err(Error::NoTarget.into()),
    };
    let details = json!({ "by": sibling, "reason": new.reason });
    let act = Act { target, actor: Actor::Service, authority: new.authority, details };
    let raised = auth.revocations().revoke(&context, &act).await?;
    Ok(HttpResponse::Created().json(Revoked { count: raised.count, epoch: raised.epoch }))
}
