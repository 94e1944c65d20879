//! Settles the `messaging` binary: the service of this crate behind the common command line.

fn main() -> std::process::ExitCode {
    shared::service::main::<messaging::Messaging>()
}
