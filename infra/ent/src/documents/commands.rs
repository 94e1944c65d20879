//! Settles that a command which a document names is one that `cargo ent` or a service has, with these options: their own parsers are
//! asked.
//!
//! In a block (`sh`, or behind `$` in `console`) a command is complete; in a sentence it may be only its beginning. Words in
//! CAPITALS, and ids that are cut short (`5d1c…`), stand for what the reader puts there.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Error, Parser};

use super::{Document, compose, markdown};
use crate::cli::{Cli, Command};

/// What an id that is cut short stands for.
const SOME_ID: &str = "00000000-0000-0000-0000-000000000000";

/// Commands that would be refused.
pub(super) fn faults(document: &Document) -> Vec<String> {
    let blocks = markdown::split(&document.text).0;
    let blocks = blocks.iter().flat_map(typed).filter_map(|line| fault(&line, false));
    let quoted = markdown::quoted(&document.text);
    let quoted = quoted.iter().filter_map(|line| fault(line, true));
    blocks.chain(quoted).collect()
}

/// What is typed in a block, each command on one line.
fn typed(fence: &markdown::Fence<'_>) -> Vec<String> {
    let is_session = fence.language == "console";
    let mut commands = Vec::new();
    let mut begun: Option<String> = None;
    for line in &fence.lines {
        let text = match (&begun, line.strip_prefix("$ ")) {
            (Some(_), _) => line,
            (None, Some(text)) if is_session => text,
            (None, _) if fence.language == "sh" => line,
            (None, _) => continue,
        };
        let command = begun.take().unwrap_or_default() + text;
        match command.strip_suffix('\\') {
            Some(beginning) => begun = Some(beginning.to_owned()),
            None => commands.push(command),
        }
    }
    commands
}

fn fault(line: &str, may_be_a_beginning: bool) -> Option<String> {
    let words = words(line);
    let words: Vec<&str> = words.iter().map(String::as_str).skip_while(|word| is_assignment(word)).collect();
    let error = match words.as_slice() {
        ["cargo", "ent", rest @ ..] => refusal_of_ent(&filled_in(rest)),
        ["docker", "compose", rest @ ..] => match compose::handed_on(&super::root(), &filled_in(rest)) {
            Ok(words) => refusal_of_ent(&words?),
            Err(fault) => return Some(format!("`{}`: {fault}", line.trim())),
        },
        [service, "operate", rest @ ..] => refusal_of_service(service, &filled_in(rest)),
        _ => None,
    }?;
    let is_placeholder = match error.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value)) => is_placeholder(value),
        Some(_) | None => false,
    };
    let is_incomplete = matches!(
        error.kind(),
        ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let is_fine = is_help || is_placeholder || (may_be_a_beginning && is_incomplete);
    (!is_fine).then(|| format!("`{}`: {error}", line.trim()))
}

/// What follows an act of `cargo ent incident` is for the service whose command it is.
fn refusal_of_ent(words: &[&str]) -> Option<Error> {
    let incident = match Cli::try_parse_from(["ent"].iter().chain(words)) {
        Ok(Cli { command: Command::Incident(incident) }) => incident,
        Ok(_) => return None,
        Err(error) => return Some(error),
    };
    let (service, command) = incident.act.command();
    let rest = incident.arguments.iter().map(String::as_str);
    refusal_of_service(service, &std::iter::once(command).chain(rest).collect::<Vec<_>>())
}

fn refusal_of_service(service: &str, words: &[&str]) -> Option<Error> {
    let commands = match service {
        "auth" => auth::operate_words(),
        "messaging" => messaging::operate_words(),
        _ => return None,
    };
    let config = if words.contains(&"--config") { [].as_slice() } else { &["--config", "FILE"] };
    commands.try_get_matches_from(["operate"].iter().chain(config).chain(words)).err()
}

/// The words, up to where the document says no more of them, with an id for each that is cut short.
fn filled_in<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let mut filled: Vec<&str> = Vec::new();
    for word in words {
        let is_value = filled.last().is_some_and(|before| before.starts_with("--"));
        match (*word, word.contains(['…', '<'])) {
            ("…", true) if !is_value => break,
            (_, true) if word.starts_with('<') => break,
            (_, true) => filled.push(SOME_ID),
            (word, false) => filled.push(word),
        }
    }
    filled
}

fn is_placeholder(word: &str) -> bool {
    word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| is_placeholder(name))
}

/// The words of one command as a shell parts them, up to a comment, a redirection or the next command.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None::<char>);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, '>' | '|' | '&' | ';') => break,
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (Some(_) | None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[test]
fn a_line_is_parted_as_a_shell_does_it() {
    let line = "A=1 cargo ent fault stop 'auth->postgres' --for \"10 s\"   # a comment";
    assert_eq!(words(line), ["A=1", "cargo", "ent", "fault", "stop", "auth->postgres", "--for", "10 s"]);
    assert_eq!(words("cargo ent status --json > file"), ["cargo", "ent", "status", "--json"]);
}

#[test]
fn a_command_that_would_be_refused_is_a_fault() {
    let faults = |text: &str| faults(&Document { path: "README.md".into(), text: text.to_owned() }).len();
    for right in [
        "```sh\ncargo ent up --detach --wait\ncargo ent totp LOGIN   # a code\n```",
        "```sh\nENT_ABLATE=cache cargo ent prove shard-loss --runs COUNT\ncargo ent help\nls --none\n```",
        "```console\n$ cargo ent fault stop redis-primary \\\n      --for 10s\ncargo ent none\n```",
        "`cargo ent evidence keys`, `cargo ent test <test>`, `cargo ent`, `cargo nextest run`",
        "```console\n$ cargo ent incident restrict --role Student --mode closed --reason R --until 2026-09-02T06:00:00Z \\\n \
         --incident 0199… --authority A\n```",
        "`docker compose up --wait`, `docker compose run --rm prove april-6`",
        "`cargo ent incident block --school … --person …`, `auth operate weigh-lanes`, `messaging operate reopen ID`",
    ] {
        assert_eq!(faults(right), 0, "{right}");
    }
    for wrong in [
        "```sh\ncargo ent start\n```",
        "```sh\ncargo ent fault\n```",
        "```sh\ncargo ent up --wait\n```",
        "```console\n$ cargo ent logs \\\n      --tail\n```",
        "`cargo ent prove march`",
        "`cargo ent status --yaml`",
        "`cargo ent incident restrict --rank Student`",
        "```sh\ncargo ent incident note 0199…\n```",
        "`messaging operate close-sign-in`",
        "`docker compose pause redis-1`",
        "```sh\ndocker compose run --rm prove april-7\n```",
    ] {
        assert_eq!(faults(wrong), 1, "{wrong}");
    }
}
