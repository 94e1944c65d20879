//! Settles how siblings have an account contained.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path};
use garde::Validate;
use serde::{Deserialize, Serialize};
use shared::context::Context;
use shared::http::{Body, Problem};
use shared::service_token::CallingService;
use uuid::Uuid;

use crate::app::Auth;
use crate::domain::containment::{Command, contain as contain_account};

const KEY_HEADER: &str = "idempotency-key";
const LONGEST_KEY: usize = 128;

/// Why an account is to be contained.
#[derive(Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct NewContainment {
    /// For the audit log.
    #[garde(length(chars, min = 1, max = 500), custom(shared::http::line))]
    reason: String,
    /// Who demanded it, where somebody outside did.
    #[garde(inner(length(chars, min = 1, max = 200), custom(shared::http::line)))]
    authority: Option<String>,
    /// Which incident it belongs to, if any.
    #[garde(skip)]
    incident: Option<Uuid>,
}

/// What was done.
#[derive(Serialize)]
pub struct Contained {
    /// The epoch of the revocation.
    epoch: i64,
}

/// Locks an account, ends its sessions and forces a reset. The same `Idempotency-Key` again does nothing more and says the same.
pub async fn contain(
    CallingService(caller): CallingService,
    context: Context,
    auth: Data<Auth>,
    person_id: Path<Uuid>,
    request: HttpRequest,
    Body(new): Body<NewContainment>,
) -> Result<Json<Contained>, Problem> {
    let key = key_of(&request)?;
    let NewContainment { reason, authority, incident } = new;
    let command = Command { person_id: *person_id, caller, key, reason, authority, incident };
    Ok(Json(Contained { epoch: contain_account(auth.revocations(), &context, &command).await? }))
}

fn key_of(request: &HttpRequest) -> Result<String, Problem> {
    let key = request.headers().get(KEY_HEADER).and_then(|value| value.to_str().ok());
    let is_good = |key: &&str| {
        (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
    };
    key.filter(is_good).map(str::to_owned).ok_or_else(|| {
        let detail = "This command needs an Idempotency-Key of 1 to 128 visible ASCII characters.";
        Problem::new(StatusCode::BAD_REQUEST, "malformed_idempotency_key", detail)
    })
}
