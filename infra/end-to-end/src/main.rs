//! Settles which service this process is: tests that need several services as processes start this program once for each.

use std::process::ExitCode;

#[expect(
    clippy::disallowed_methods,
    reason = "which service it is, no service can be told by its configuration"
)]
#[expect(clippy::print_stderr, reason = "the answer to whoever starts it by hand")]
fn main() -> ExitCode {
    match std::env::var("SERVICE").as_deref() {
        Ok("auth") => shared::service::main::<auth::Auth>(),
        Ok("courses") => shared::service::main::<courses::Courses>(),
        Ok("messaging") => shared::service::main::<messaging::Messaging>(),
        Ok(_) | Err(_) => {
            eprintln!("SERVICE: set it to auth, courses or messaging");
            ExitCode::from(2)
        }
    }
}
