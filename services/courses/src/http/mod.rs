//! Settles the whole route table of courses.

mod course;
mod home;
mod homework;

use actix_web::web;
use utoipa::OpenApi;
use utoipa_actix_web::service_config::ServiceConfig;

/// Title and introduction of the API description.
#[derive(OpenApi)]
#[openapi(info(
    title = "ENT: courses",
    description = "Classes, courses and homework. Errors are RFC 9457 problems with a stable `code`. \
                   Every request that changes something needs the exact `Origin` of this ENT.",
    license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
))]
pub struct Head;

/// Routes behind the front door.
pub fn public(routes: &mut ServiceConfig<'_>) {
    routes
        // signed-in people; each sees what `domain::viewer` allows
        .service(home::show)
        .service(course::open)
        // the teacher of the course
        .service(homework::give);
}

/// Routes for siblings with a service token.
pub fn internal(routes: &mut web::ServiceConfig) {
    routes.configure(shared::feed::changes_route);
}
