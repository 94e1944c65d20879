//! Settles the whole route table of messaging.

mod home;
mod inbox;
mod message;
mod thread;

use utoipa::OpenApi;
use utoipa_actix_web::service_config::ServiceConfig;

/// Title and introduction of the API description.
#[derive(OpenApi)]
#[openapi(info(
    title = "ENT: messaging",
    description = "Threads, messages and mailboxes. Errors are RFC 9457 problems with a stable `code`. \
                   Every request that changes something needs the exact `Origin` of this ENT.",
    license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
))]
pub struct Head;

/// Routes behind the front door.
pub fn public(routes: &mut ServiceConfig<'_>) {
    routes
        // signed-in people, each their own mailbox
        .service(home::show)
        .service(inbox::list)
        .service(thread::show)
        .service(thread::mark_read)
        // signed-in people, as `domain::communication_rule` allows
        .service(message::send);
}
