//! Settles how campaigns are begun, followed and printed over HTTP.

use actix_web::http::header;
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse, get, post, put};
use garde::Validate;
use serde::{Deserialize, Serialize};
use shared::context::Context;
use shared::http::{Authority, Body, Caller, Problem, ProblemBody};
use shared::session::Role;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{code_sheet, role_words};
use crate::app::Auth;
use crate::domain::administration::order_in_school;
use crate::domain::campaign::{self, Group, People, Progress, Request};
use crate::domain::codes::Purpose;
use crate::store::campaign::{Key, Overview};

/// What the codes are for.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CampaignPurpose {
    /// The first password; whoever has one is left out.
    Activation,
    /// Another password; the old one and the sessions are worth nothing from then on.
    Reset,
}

/// A class, as the sheet is headed.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SheetGroup {
    /// Such as `3e A`.
    #[garde(length(chars, min = 1, max = 60), custom(shared::http::line))]
    #[schema(example = "3e A")]
    heading: String,
    /// Its people.
    #[garde(length(min = 1, max = 100))]
    people: Vec<Uuid>,
}

/// Who is to get a code: `groups`, or everybody with one `role`, 40 on a sheet.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCampaign {
    /// What the codes are for.
    #[garde(skip)]
    purpose: CampaignPurpose,
    /// Classes. Whoever is in two stays in the first.
    #[serde(default)]
    #[garde(length(max = 100), dive)]
    groups: Vec<SheetGroup>,
    /// Instead of `groups`.
    #[garde(skip)]
    role: Option<Role>,
    /// Who is to be left out.
    #[serde(default)]
    #[garde(length(max = 1_000))]
    except: Vec<Uuid>,
    /// Who demanded it.
    #[garde(dive)]
    authority: Authority,
}

impl NewCampaign {
    fn request(self, key: Key) -> Result<Request, Problem> {
        let purpose = match self.purpose {
            CampaignPurpose::Activation => Purpose::Activation,
            CampaignPurpose::Reset => Purpose::Reset,
        };
        let people = match (self.role, self.groups.is_empty()) {
            (Some(role), true) => People::Role(role, role_words::heading(role)),
            (None, false) => {
                let group = |SheetGroup { heading, people }| Group { heading, people };
                People::Groups(self.groups.into_iter().map(group).collect())
            }
            (Some(_), false) | (None, true) => {
                let status = actix_web::http::StatusCode::UNPROCESSABLE_ENTITY;
                return Err(Problem::new(status, "invalid_body", "Name either groups or one role."));
            }
        };
        Ok(Request { key, purpose, people, except: self.except })
    }
}

/// Have new codes made for many people of your school: the accounts are worked off within moments, a sheet is printed at a time.
/// You choose the id, so that the same request twice is one campaign.
#[utoipa::path(
    tag = "administration",
    params(("school_id" = Uuid, Path, description = "The school"), ("campaign_id" = Uuid, Path, description = "A new id")),
    request_body = NewCampaign,
    responses(
        (status = 202, body = Progress, description = "Begun, or begun before"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed, step_up_required, foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "other_campaign: the id is another's"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body, not_of_the_school"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[put("/auth/v1/schools/{school_id}/campaigns/{campaign_id}")]
pub async fn begin(
    context: Context,
    caller: Caller,
    auth: Data<Auth>,
    path: Path<(Uuid, Uuid)>,
    Body(mut new): Body<NewCampaign>,
) -> Result<HttpResponse, Problem> {
    let (key, now_s) = (key_of(&path), context.clock().unix_seconds());
    let authority = std::mem::take(&mut new.authority).into_text();
    let order = order_in_school(&caller, key.school, now_s, authority)?;
    campaign::begin(auth.database(), &context, &order, caller.sub, new.request(key)?).await?;
    let progress = campaign::progress(auth.database(), &context, &caller, key).await?;
    Ok(HttpResponse::Accepted().json(progress))
}

/// Campaigns of a school.
#[derive(Debug, Serialize, ToSchema)]
pub struct Campaigns {
    /// The latest 50, the newest first.
    campaigns: Vec<Overview>,
}

/// The campaigns of your school, whoever began them.
#[utoipa::path(
    tag = "administration",
    params(("school_id" = Uuid, Path, description = "The school")),
    responses(
        (status = 200, body = Campaigns),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed, step_up_required"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[get("/auth/v1/schools/{school_id}/campaigns")]
pub async fn list(
    context: Context,
    caller: Caller,
    auth: Data<Auth>,
    school: Path<Uuid>,
) -> Result<Json<Campaigns>, Problem> {
    Ok(Json(Campaigns { campaigns: campaign::list(auth.database(), &context, &caller, *school).await? }))
}

/// How far a campaign of your school is.
#[utoipa::path(
    tag = "administration",
    params(("school_id" = Uuid, Path, description = "The school"), ("campaign_id" = Uuid, Path, description = "The campaign")),
    responses(
        (status = 200, body = Progress),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed, step_up_required"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found, campaign_not_found"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[get("/auth/v1/schools/{school_id}/campaigns/{campaign_id}")]
pub async fn show(
    context: Context,
    caller: Caller,
    auth: Data<Auth>,
    path: Path<(Uuid, Uuid)>,
) -> Result<Json<Progress>, Problem> {
    Ok(Json(campaign::progress(auth.database(), &context, &caller, key_of(&path)).await?))
}

/// A sheet that is to be printed.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Printing {
    /// Whether it was printed before and that went wrong: its codes are good no more.
    #[serde(default)]
    #[garde(skip)]
    again: bool,
    /// Who demanded it.
    #[garde(dive)]
    authority: Authority,
}

/// Print a sheet: a page in French, A4, with a card to cut out for each person who still needs a code. The codes are in this
/// answer and nowhere else.
#[utoipa::path(
    tag = "administration",
    params(
        ("school_id" = Uuid, Path, description = "The school"),
        ("campaign_id" = Uuid, Path, description = "The campaign"),
        ("number" = i32, Path, description = "The sheet's number")
    ),
    request_body = Printing,
    responses(
        (status = 200, body = String, content_type = "text/html", description = "The sheet"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed, step_up_required, foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found, campaign_not_found"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "sheet_not_ready: in a moment, sheet_printed: say `again`"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[post("/auth/v1/schools/{school_id}/campaigns/{campaign_id}/sheets/{number}/print")]
pub async fn print(
    context: Context,
    caller: Caller,
    auth: Data<Auth>,
    path: Path<(Uuid, Uuid, i32)>,
    request: HttpRequest,
    Body(printing): Body<Printing>,
) -> Result<HttpResponse, Problem> {
    let (school, id, number) = *path;
    let now_s = context.clock().unix_seconds();
    let order = order_in_school(&caller, school, now_s, printing.authority.into_text())?;
    let (sheet, key) = ((Key { school, id }, number), &auth.new_passwords().code_key);
    let printed = campaign::print(auth.database(), key, &context, &order, sheet, printing.again).await?;
    Ok(code_sheet::render(&printed, &address_of(&request)))
}

fn key_of(&(school, id): &(Uuid, Uuid)) -> Key {
    Key { school, id }
}

/// Where the ENT is: the origin, which the edge has checked, or what the browser calls it.
fn address_of(request: &HttpRequest) -> String {
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    text(header::ORIGIN)
        .or_else(|| text(header::HOST).map(|host| format!("https://{host}")))
        .unwrap_or_default()
}
