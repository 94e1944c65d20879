//! Settles the whole route table of auth.

mod authenticators;
mod campaign;
mod code_sheet;
mod containment;
mod directory;
mod enrolments;
mod incident_acts;
mod jwks;
mod me;
mod new_password;
mod own_sessions;
mod paris_time;
mod revocations;
mod role_change;
mod role_words;
mod school_account;
mod security_events;
mod sessions;
mod step_up;
mod switch;
mod waiting_room;
mod waiting_room_page;

use actix_web::web;
use shared::http::Access::{Anybody, RefreshHandle, Sensitive, SignedIn};
use shared::http::Routes;
use shared::resilience::priority::Priority::{Critical, Normal};
use utoipa::OpenApi;

/// Title and introduction of the API description.
#[derive(OpenApi)]
#[openapi(info(
    title = "ENT: auth",
    description = "Sign-in, sessions and people. Errors are RFC 9457 problems with a stable `code`. \
                   Every request that changes something needs the exact `Origin` of this ENT.",
    license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
))]
pub struct Head;

/// Routes behind the front door: what is given up last under overload, and who may call.
pub fn public(routes: &mut Routes<'_, '_>) {
    routes
        // the waiting room decides how many
        .serve_queued(sessions::sign_in, Critical, Anybody)
        .serve(sessions::refresh, Critical, RefreshHandle)
        .serve(sessions::sign_out, Critical, RefreshHandle)
        .serve(step_up::step_up, Normal, Sensitive)
        .serve_polled(waiting_room::ask, Critical, Anybody, waiting_room::POLLS_PER_LINE)
        .serve_queued(new_password::activate, Critical, Anybody)
        .serve_queued(new_password::reset, Critical, Anybody)
        .serve(new_password::issue, Normal, Sensitive)
        .serve(authenticators::show, Normal, SignedIn)
        .serve(authenticators::offer, Normal, Sensitive)
        .serve(authenticators::confirm, Normal, Sensitive)
        .serve(authenticators::renew_recovery_codes, Normal, Sensitive)
        .serve(enrolments::offer, Normal, Anybody)
        .serve(enrolments::confirm, Normal, Anybody)
        .serve(own_sessions::list, Normal, SignedIn)
        .serve(own_sessions::end_one, Normal, SignedIn)
        .serve(own_sessions::end_all, Normal, SignedIn)
        // each sees what `domain::directory` allows
        .serve(directory::show_school, Normal, SignedIn)
        .serve(directory::list_people, Normal, SignedIn)
        .serve(directory::show_person, Normal, SignedIn)
        .serve(me::me, Normal, SignedIn)
        // administrators of the school, as `domain::administration` says
        .serve(school_account::list, Normal, Sensitive)
        .serve(school_account::show, Normal, Sensitive)
        .serve(school_account::block, Normal, Sensitive)
        .serve(school_account::unblock, Normal, Sensitive)
        .serve(role_change::change, Normal, Sensitive)
        .serve(campaign::begin, Normal, Sensitive)
        .serve(campaign::list, Normal, Sensitive)
        .serve(campaign::show, Normal, Sensitive)
        .serve(campaign::print, Normal, Sensitive)
        .serve(switch::list, Normal, Sensitive)
        .serve(switch::open, Normal, Sensitive)
        .serve(switch::end, Normal, Sensitive);
}

/// Routes for siblings.
pub fn internal(routes: &mut web::ServiceConfig) {
    routes
        // keys are public; the address is not
        .route(shared::session::JWKS_PATH, web::get().to(jwks::jwks))
        // siblings with a service token
        .route(shared::session::REVOCATIONS_PATH, web::get().to(revocations::list))
        .route(shared::session::REVOCATIONS_PATH, web::post().to(revocations::insert))
        .route("/internal/v1/incidents/{incident_id}/acts", web::get().to(incident_acts::list))
        .route("/internal/v1/security-events", web::get().to(security_events::list))
        .route("/internal/v1/accounts/{person_id}/contain", web::post().to(containment::contain))
        .configure(shared::feed::changes_route);
}
