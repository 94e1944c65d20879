//! Settles the `courses` binary: the service of this crate behind the common command line.

fn main() -> std::process::ExitCode {
    shared::service::main::<courses::Courses>()
}
