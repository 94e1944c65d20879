//! Settles `auth breach-filter build LIST FILE`: an operator's list of known passwords becomes the file that auth reads.

use std::path::Path;
use std::process::ExitCode;

use crate::domain::breach_filter::build;

/// Exit codes as elsewhere: 0 done, 1 failed, 2 wrong usage.
const EX_USAGE: u8 = 2;

/// Makes the file, and says how many passwords are in it.
#[expect(clippy::print_stderr, clippy::print_stdout, reason = "the command line's own answer")]
pub fn breach_filter_command(arguments: &[String]) -> ExitCode {
    let [command, list, file] = arguments else { return usage() };
    if command != "build" {
        return usage();
    }
    match build(Path::new(list), Path::new(file)) {
        Ok(count) => {
            println!("{count} passwords");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("auth: breach-filter: {error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "the command line's own answer")]
fn usage() -> ExitCode {
    eprintln!(
        "auth breach-filter build LIST FILE: LIST has a SHA-1 in hex on each line, FILE must not exist"
    );
    ExitCode::from(EX_USAGE)
}
