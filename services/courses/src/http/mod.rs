//! Settles the whole route table of courses.

mod course;
mod home;
mod homework;

use actix_web::web;
use shared::http::Access::SignedIn;
use shared::http::Routes;
use shared::resilience::priority::Priority::Normal;
use utoipa::OpenApi;

/// Title and introduction of the API description.
#[derive(OpenApi)]
#[openapi(info(
    title = "ENT: courses",
    description = "Classes, courses and homework. Errors are RFC 9457 problems with a stable `code`. \
                   Every request that changes something needs the exact `Origin` of this ENT.",
    license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
))]
pub struct Head;

/// Routes behind the front door: what is given up last under overload, and who may call.
pub fn public(routes: &mut Routes<'_, '_>) {
    routes
        // each sees what `domain::viewer` allows
        .serve(home::show, Normal, SignedIn)
        .serve(course::open, Normal, SignedIn)
        // the teacher of the course
        .serve(homework::give, Normal, SignedIn);
}

/// Routes for siblings with a service token.
pub fn internal(routes: &mut web::ServiceConfig) {
    routes.configure(shared::feed::changes_route);
}
