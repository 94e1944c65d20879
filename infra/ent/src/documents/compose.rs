//! Settles that a `docker compose` command which a document names is about services that the file has, and what it hands to `ent`.

use std::fs::read_to_string;
use std::path::Path;

/// Options whose value is a word of its own.
const WITH_VALUE: [&str; 19] = [
    "-f",
    "--file",
    "-p",
    "--project-name",
    "--profile",
    "-s",
    "--signal",
    "-t",
    "--timeout",
    "--wait-timeout",
    "-n",
    "--tail",
    "--since",
    "-e",
    "--env",
    "-u",
    "--user",
    "--entrypoint",
    "--name",
];

/// What follows the name of a service is for that one, and for these it is a command of `ent`, behind these words.
const HANDED_ON: [(&str, &[&str]); 2] = [("ent", &[]), ("prove", &["prove"])];

/// What a command asks of `ent`, or the name of a service that is not there. `words` are those after `docker compose`.
pub(super) fn handed_on<'a>(root: &Path, words: &[&'a str]) -> Result<Option<Vec<&'a str>>, String> {
    let mut words = without_options(words).into_iter();
    let verb = words.next();
    let is_one = matches!(verb, Some("run" | "exec"));
    let services = services(root);
    let named: Vec<&str> = words.collect();
    let about = if is_one { named.get(..1).unwrap_or_default() } else { named.as_slice() };
    // `cp` names a service before the colon, and paths.
    let about = about.iter().filter_map(|word| match (verb, word.split_once(':')) {
        (Some("cp"), Some((service, _))) => Some(service),
        (Some("cp"), None) => None,
        (Some(_) | None, _) => Some(*word),
    });
    if let Some(unknown) = about.into_iter().find(|name| !services.iter().any(|service| service == *name)) {
        return Err(format!("there is no service {unknown}"));
    }
    let [service, rest @ ..] = named.as_slice() else { return Ok(None) };
    let ours = HANDED_ON.iter().find(|(name, _)| name == service && verb == Some("run"));
    Ok(ours.map(|(_, before)| [*before, rest].concat()))
}

/// Options of `docker compose` and of its command; those of what runs in the container come after its service and are kept.
fn without_options<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let (mut kept, mut words) = (Vec::new(), words.iter());
    while let Some(word) = words.next() {
        let is_handed_on = kept.len() > 1 && matches!(kept.first(), Some(&("run" | "exec")));
        if is_handed_on || !word.starts_with('-') {
            kept.push(*word);
        } else if WITH_VALUE.contains(word) {
            words.next();
        } else if *word == "--scale" {
            // `courses=3` is about a service too.
            kept.extend(words.next().and_then(|pair| pair.split_once('=')).map(|(service, _)| service));
        }
    }
    kept
}

/// The names below `services:`.
fn services(root: &Path) -> Vec<String> {
    let text = read_to_string(root.join("infra/compose.yaml")).unwrap();
    let lines = text.lines().skip_while(|line| *line != "services:").skip(1);
    let lines = lines.take_while(|line| line.is_empty() || line.starts_with([' ', '#']));
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'));
    names.filter(|name| !name.starts_with([' ', '#'])).map(str::to_owned).collect()
}

#[test]
fn services_have_to_be_there_and_ent_gets_what_follows() {
    let root = super::root();
    let asked = |line: &str| {
        handed_on(&root, &line.split(' ').collect::<Vec<_>>()).map(|words| words.map(|words| words.join(" ")))
    };
    for line in [
        "up --wait",
        "up --scale courses=3",
        "kill -s SIGKILL valkey-1",
        "logs --tail 5 auth",
        "exec auth ls -l",
        "down --volumes",
    ] {
        assert_eq!(asked(line), Ok(None), "{line}");
    }
    assert_eq!(asked("run --rm prove april-6 --json"), Ok(Some("prove april-6 --json".to_owned())));
    assert_eq!(asked("--profile load run --rm ent incident list"), Ok(Some("incident list".to_owned())));
    for line in ["pause redis-1", "up --scale course=3", "run --rm proof april-6"] {
        assert!(asked(line).is_err(), "{line}");
    }
}
