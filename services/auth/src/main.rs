//! Settles the `auth` binary: the service of this crate behind the common command line, the tool for its breach filter, and what operators do.

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [group, rest @ ..] if group == "breach-filter" => auth::breach_filter_command(rest),
        [group, rest @ ..] if group == "operate" => auth::operate_command(rest),
        _ => shared::service::main::<auth::Auth>(),
    }
}
