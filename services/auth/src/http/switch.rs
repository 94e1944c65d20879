//! Settles how administrators open, list and end the switches of their school over HTTP. Those of all schools: `auth operate`.

use actix_web::web::{Data, Json, Path};
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use shared::context::Context;
use shared::http::{Authority, Body, Caller, Demanded, Problem, ProblemBody};
use shared::session::Role;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::Auth;
use crate::domain::administration::order_in_school;
use crate::domain::switch::{self, Effect, NewSwitch, Switch};

/// What a switch of a school does, to whom.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum SchoolEffect {
    /// Nobody signs in whose only roles are closed. Never for administrators.
    SignInClosed {
        /// The role.
        role: Role,
    },
    /// Sessions end that were not refreshed for so long.
    IdleLimit {
        /// Seconds; at least twice the life of an access token.
        #[schema(example = 1_200)]
        idle_s: u64,
        /// Of this role only.
        role: Option<Role>,
    },
}

/// A switch of the school.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSchoolSwitch {
    /// What it does.
    #[garde(skip)]
    effect: SchoolEffect,
    /// When it begins; at once when absent.
    #[garde(skip)]
    starts_at: Option<DateTime<Utc>>,
    /// When it ends by itself, a week after its beginning at the latest.
    #[garde(skip)]
    ends_at: DateTime<Utc>,
    /// Who demanded it.
    #[garde(dive)]
    authority: Authority,
}

/// A switch that is not over.
#[derive(Serialize, ToSchema)]
pub struct OpenSwitch {
    id: Uuid,
    /// `sign_in_closed`, `idle_limit` or `lane_weights`.
    kind: &'static str,
    /// Whether it holds in all schools, and only operators end it.
    is_of_all_schools: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idle_s: Option<u64>,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    authority: String,
}

/// The switches that concern a school.
#[derive(Serialize, ToSchema)]
pub struct OpenSwitches {
    /// In the order of their beginnings.
    switches: Vec<OpenSwitch>,
}

/// The switches that concern a school that you administer and are not over.
#[utoipa::path(
    tag = "administration",
    params(("school_id" = Uuid, Path, description = "The school")),
    responses(
        (status = 200, body = OpenSwitches),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed, step_up_required"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[get("/auth/v1/schools/{school_id}/switches")]
pub async fn list(
    context: Context,
    caller: Caller,
    auth: Data<Auth>,
    school: Path<Uuid>,
) -> Result<Json<OpenSwitches>, Problem> {
    let switches = switch::list(auth.database(), &context, &caller, *school).await?;
    Ok(Json(OpenSwitches { switches: switches.into_iter().map(OpenSwitch::from).collect() }))
}

/// Open a switch of a school that you administer: in force everywhere within two seconds, and over by itself.
#[utoipa::path(
    tag = "administration",
    params(("school_id" = Uuid, Path, description = "The school")),
    request_body = NewSchoolSwitch,
    responses(
        (status = 201, body = OpenSwitch),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed, step_up_required, foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "too_many_switches"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[post("/auth/v1/schools/{school_id}/switches")]
pub async fn open(
    context: Context,
    caller: Caller,
    auth: Data<Auth>,
    school: Path<Uuid>,
    Body(new): Body<NewSchoolSwitch>,
) -> Result<HttpResponse, Problem> {
    let now_s = context.clock().unix_seconds();
    let order = order_in_school(&caller, *school, now_s, new.authority.into_text())?;
    let (effect, starts_at, ends_at) = (new.effect.into(), new.starts_at, new.ends_at);
    let new = NewSwitch { effect, school: Some(*school), starts_at, ends_at };
    let opened = auth.switches().open(&context, &order, new).await?;
    Ok(HttpResponse::Created().json(OpenSwitch::from(opened)))
}

/// End a switch of a school that you administer before its time.
#[utoipa::path(
    tag = "administration",
    params(("school_id" = Uuid, Path, description = "The school"), ("switch_id" = Uuid, Path, description = "The switch")),
    request_body = Demanded,
    responses(
        (status = 204, description = "Over, everywhere within two seconds"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed, step_up_required, foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found, switch_not_found"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[post("/auth/v1/schools/{school_id}/switches/{switch_id}/end")]
pub async fn end(
    context: Context,
    caller: Caller,
    auth: Data<Auth>,
    path: Path<(Uuid, Uuid)>,
    Body(demanded): Body<Demanded>,
) -> Result<HttpResponse, Problem> {
    let (school, id) = *path;
    let now_s = context.clock().unix_seconds();
    let order = order_in_school(&caller, school, now_s, demanded.authority.into_text())?
        .in_incident(demanded.incident);
    auth.switches().end(&context, &order, Some(school), id).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl From<SchoolEffect> for Effect {
    fn from(effect: SchoolEffect) -> Self {
        match effect {
            SchoolEffect::SignInClosed { role } => Self::SignInClosed(role),
            SchoolEffect::IdleLimit { idle_s, role } => Self::IdleLimit(idle_s, role),
        }
    }
}

impl From<Switch> for OpenSwitch {
    fn from(switch: Switch) -> Self {
        let idle_s = match switch.effect {
            Effect::IdleLimit(idle_s, _) => Some(idle_s),
            Effect::SignInClosed(_) | Effect::LaneWeights(_) => None,
        };
        Self {
            id: switch.id,
            kind: switch.effect.name(),
            is_of_all_schools: switch.school.is_none(),
            role: switch.effect.role(),
            idle_s,
            starts_at: switch.starts_at,
            ends_at: switch.ends_at,
            authority: switch.authority,
        }
    }
}
