//! Settles the whole route table of auth.

mod jwks;
mod me;
mod sessions;

use actix_web::web;
use utoipa::OpenApi;
use utoipa_actix_web::service_config::ServiceConfig;

/// Title and introduction of the API description.
#[derive(OpenApi)]
#[openapi(info(
    title = "ENT: auth",
    description = "Sign-in, sessions and people. Errors are RFC 9457 problems with a stable `code`. \
                   Every request that changes something needs the exact `Origin` of this ENT.",
    license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
))]
pub struct Head;

/// Routes behind the front door.
pub fn public(routes: &mut ServiceConfig<'_>) {
    routes
        // anybody
        .service(sessions::sign_in)
        // whoever holds a refresh handle
        .service(sessions::refresh)
        .service(sessions::sign_out)
        // signed-in people
        .service(me::me);
}

/// Routes for siblings.
pub fn internal(routes: &mut web::ServiceConfig) {
    routes
        // keys are public; the address is not
        .route(shared::session::JWKS_PATH, web::get().to(jwks::jwks))
        // siblings with a service token
        .configure(shared::feed::changes_route);
}
