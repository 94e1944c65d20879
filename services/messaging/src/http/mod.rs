//! Settles the whole route table of messaging.

mod account_response;
mod communication_rule;
mod event;
mod held_message;
mod home;
mod inbox;
mod incident;
mod message;
mod page;
mod recall;
mod restriction;
mod search;
mod send_limit;
mod sent;
mod thread;

use shared::http::Access::{Sensitive, SignedIn};
use shared::http::Routes;
use shared::resilience::priority::Priority::{Critical, Deferrable, Normal};
use utoipa::OpenApi;

/// Title and introduction of the API description.
#[derive(OpenApi)]
#[openapi(info(
    title = "ENT: messaging",
    description = "Threads, messages and mailboxes. Errors are RFC 9457 problems with a stable `code`. \
                   Every request that changes something needs the exact `Origin` of this ENT.",
    license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
))]
pub struct Head;

/// Routes behind the front door: what is given up last under overload, and who may call.
pub fn public(routes: &mut Routes<'_, '_>) {
    routes
        // each their own mailbox
        .serve(home::show, Normal, SignedIn)
        .serve(inbox::list, Normal, SignedIn)
        .serve(thread::show, Normal, SignedIn)
        .serve(thread::mark_read, Normal, SignedIn)
        .serve(sent::list, Normal, SignedIn)
        .serve(search::find, Deferrable, SignedIn)
        .serve(event::listen, Deferrable, SignedIn)
        // as `domain::communication_rule` allows
        .serve(message::send, Normal, SignedIn)
        .serve(message::foresee, Normal, SignedIn)
        // those in charge of the school, as `domain::administration` says; what stops a flood is given up last
        .serve(restriction::list, Critical, SignedIn)
        .serve(restriction::restrict, Critical, Sensitive)
        .serve(restriction::reopen, Normal, Sensitive)
        .serve(restriction::give_all_clear, Normal, Sensitive)
        .serve(recall::preview, Critical, Sensitive)
        .serve(recall::quarantine, Critical, Sensitive)
        .serve(recall::list, Normal, SignedIn)
        .serve(recall::list_readers, Normal, Sensitive)
        .serve(recall::restore, Normal, Sensitive)
        .serve(recall::make_final, Normal, Sensitive)
        // administrators of the school
        .serve(account_response::respond, Critical, Sensitive)
        .serve(account_response::list, Critical, SignedIn)
        .serve(account_response::show, Critical, SignedIn)
        // those who may review in the school, and the senders
        .serve(held_message::list, Normal, Sensitive)
        .serve(held_message::decide, Normal, Sensitive)
        .serve(held_message::release, Normal, Sensitive)
        // everybody of the school reads them, its administrators change them
        .serve(communication_rule::list, Normal, SignedIn)
        .serve(communication_rule::change, Normal, Sensitive)
        .serve(send_limit::list, Normal, SignedIn)
        .serve(send_limit::change, Normal, Sensitive)
        // those in charge of the school
        .serve(incident::open, Normal, Sensitive)
        .serve(incident::list, Normal, SignedIn)
        .serve(incident::show, Normal, SignedIn)
        .serve(incident::write_down, Normal, Sensitive)
        .serve(incident::name_accounts, Normal, Sensitive)
        .serve(incident::show_timeline, Normal, Sensitive)
        .serve(incident::print_timeline, Normal, Sensitive)
        .serve(incident::close, Normal, Sensitive);
}
