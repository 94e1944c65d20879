//! Settles that a command which a document names is one that `cargo ent` has, with these options: its own parser is asked.
//!
//! In a block (`sh`, or behind `$` in `console`) a command is complete; in a sentence it may be only its beginning. Words in
//! CAPITALS stand for what the reader puts there. What comes behind an act of `cargo ent incident` is a service's to parse.

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::{Document, markdown};
use crate::cli::Cli;

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
    let mut words = words.iter().map(String::as_str).skip_while(|word| is_assignment(word));
    if (words.next(), words.next()) != (Some("cargo"), Some("ent")) {
        return None;
    }
    let words: Vec<&str> = words.take_while(|word| !word.starts_with(['…', '<'])).collect();
    if words.is_empty() && may_be_a_beginning {
        return None;
    }
    let error = Cli::try_parse_from(std::iter::once("ent").chain(words)).err()?;
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
    ] {
        assert_eq!(faults(wrong), 1, "{wrong}");
    }
}
