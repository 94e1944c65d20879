//! Settles that a file which a document names in backticks exists, from the root or from the document's own folder, and has in it
//! what the document says: `shared/src/ids.rs: new_id`.

use std::fs::read_to_string;
use std::path::{Component, Path, PathBuf};

use super::{Document, markdown};

/// Endings by which a word with a slash is taken for a file of this repository.
const ENDINGS: [&str; 13] =
    ["rs", "ts", "js", "c", "sql", "md", "toml", "json", "yaml", "yml", "cfg", "html", "svg"];

/// Words before the name of an item, in Rust and TypeScript.
const ITEMS: [&str; 8] = ["fn", "struct", "enum", "trait", "type", "const", "mod", "function"];

/// Files that are named and not there, and what is not in them.
pub(super) fn faults(root: &Path, document: &Document) -> Vec<String> {
    let quoted = markdown::quoted(&document.text);
    let named = quoted.iter().map(|words| words.split_once(": ").unwrap_or((words, "")));
    let named = named.filter(|(file, _)| is_file_of_ours(root, file));
    named.flat_map(|(file, name)| faults_of(root, document, file, name)).collect()
}

fn faults_of(root: &Path, document: &Document, file: &str, name: &str) -> Vec<String> {
    let fault = |file: &String| match find(root, document, file) {
        None => Some(format!("there is no `{file}`")),
        Some(path) if !has_item(&path, name) => Some(format!("`{file}` has no `{name}`")),
        Some(_) => None,
    };
    alternatives(file).iter().filter_map(fault).collect()
}

/// Whether a source has an item of this name; of `Type::function`, the function.
fn has_item(source: &Path, name: &str) -> bool {
    let Some(item) = name.rsplit("::").next().filter(|item| !item.is_empty()) else { return true };
    let text = read_to_string(source).unwrap_or_default();
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    words.windows(2).any(|pair| matches!(pair, [kind, word] if ITEMS.contains(kind) && *word == item))
}

/// Whether it is meant as a file or folder here: it begins with a folder of the root, or ends like a source file. Patterns
/// (`<name>`, `*`, `…`), addresses, and what an installation keeps in `.ent/` are none.
fn is_file_of_ours(root: &Path, word: &str) -> bool {
    if word.starts_with('/')
        || word.starts_with(".ent/")
        || word.contains(['<', '*', '…', ' ', ':', '$', '?', '='])
    {
        return false;
    }
    let Some((folder, _)) = word.split_once('/') else { return false };
    let ending = Path::new(word).extension().and_then(|ending| ending.to_str());
    root.join(folder).is_dir() || ending.is_some_and(|ending| ENDINGS.contains(&ending))
}

/// `a/{b,c}.rs` names two files.
fn alternatives(word: &str) -> Vec<String> {
    let Some((before, rest)) = word.split_once('{') else { return vec![word.to_owned()] };
    let Some((names, after)) = rest.split_once('}') else { return vec![word.to_owned()] };
    names.split(',').map(|name| format!("{before}{name}{after}")).collect()
}

fn find(root: &Path, document: &Document, file: &str) -> Option<PathBuf> {
    let own_folder = document.path.parent().unwrap_or(Path::new(""));
    let is_inside = !Path::new(file).components().any(|part| part == Component::ParentDir);
    let places = [root.join(file), root.join(own_folder).join(file)];
    places.into_iter().find(|path| is_inside && is_there(path))
}

/// A decision may be named by its number alone.
fn is_there(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_number = name.len() == 4 && name.bytes().all(|byte| byte.is_ascii_digit());
    let begins = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with(&format!("{name}-")))
    };
    let siblings = || path.parent().and_then(|folder| folder.read_dir().ok());
    path.exists() || (is_number && siblings().is_some_and(|mut siblings| siblings.any(begins)))
}

#[test]
fn a_file_that_is_not_there_is_a_fault() {
    let root = super::root();
    let faults =
        |path: &str, text: &str| faults(&root, &Document { path: path.into(), text: text.to_owned() }).len();
    let right = "`shared/src/pg/mod.rs` `docs/decisions/0055` `services/{auth,courses}/README.md` `/auth/v1/me` \
                 `.ent/logs/ent.log` `infra/bench/src/<name>.rs` `and/or` `GET /courses/v1/home` `https://localhost:8443`";
    assert_eq!(faults("docs/testing.md", right), 0);
    assert_eq!(faults("services/auth/README.md", "`src/config.rs`"), 0);
    assert_eq!(faults("docs/testing.md", "`src/config.rs`"), 1);
    assert_eq!(
        faults("docs/testing.md", "`services/{auth,none}/README.md` `docs/decisions/9999` `shared/none`"),
        3
    );
    assert_eq!(faults("docs/testing.md", "`../secret/file.md`"), 1);
    assert_eq!(faults("docs/testing.md", "`shared/src/ids.rs: new_id` `shared/src/clock.rs: Clock::utc`"), 0);
    assert_eq!(faults("docs/testing.md", "`shared/src/ids.rs: old_id` `shared/src/none.rs: new_id`"), 2);
}
