//! Settles the `messaging` binary: the service of this crate behind the common command line, and what operators do.

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [group, rest @ ..] if group == "operate" => messaging::operate_command(rest),
        _ => shared::service::main::<messaging::Messaging>(),
    }
}
