//! Settles that every test which a document names exists, and that every failure mode names one.
//!
//! A test is named `crate: module::test` in `docs/failure-modes.md`; a README names those of its own crate, an ending left out
//! as `…`. A document that names a test which was renamed promises what nobody checks any more.
#![expect(clippy::unwrap_used, reason = "a test reports a fault by panicking")]

use std::collections::BTreeMap;
use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

/// A test: its crate, the path of its file from the crate with `::`, its name.
struct Test {
    krate: String,
    file: String,
    name: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// (name, folder) of each crate.
fn crates() -> BTreeMap<String, PathBuf> {
    let mut crates = BTreeMap::from([("shared".to_owned(), root().join("shared"))]);
    for folder in ["services", "infra"] {
        for entry in read_dir(root().join(folder)).unwrap().map(Result::unwrap) {
            if entry.path().join("Cargo.toml").is_file() {
                crates.insert(entry.file_name().into_string().unwrap(), entry.path());
            }
        }
    }
    crates
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// Functions that an attribute or a macro makes a test.
fn tests() -> Vec<Test> {
    let mut tests = Vec::new();
    for (krate, folder) in crates() {
        let mut files = Vec::new();
        sources(&folder.join("src"), &mut files);
        sources(&folder.join("tests"), &mut files);
        for path in files {
            let file = path.strip_prefix(&folder).unwrap().with_extension("");
            let file = file.to_str().unwrap().replace('/', "::");
            let text = read_to_string(&path).unwrap();
            let lines: Vec<&str> = text.lines().map(str::trim).collect();
            for (number, line) in lines.iter().enumerate() {
                let before = lines.iter().take(number).rev().take_while(|line| line.starts_with(['#', '/']));
                let is_test = before.into_iter().any(|line| line.starts_with("#[") && line.contains("test"));
                let name = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
                // `proptest!` and `prop_state_machine!` take functions whose attribute stands inside.
                if let Some((name, _)) = name.filter(|_| is_test).and_then(|name| name.split_once('(')) {
                    let (krate, file) = (krate.clone(), file.clone());
                    tests.push(Test { krate, file, name: name.to_owned() });
                }
            }
        }
    }
    tests
}

/// What stands between backticks and looks like a test.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|quoted| quoted.contains("::") && quoted.split("::").all(is_name))
}

fn is_name(part: &str) -> bool {
    !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_…".contains(c))
}

/// Whether there is such a test: modules may be files, folders, or stand within a file.
fn exists(tests: &[Test], krate: &str, path: &str) -> bool {
    let (modules, name) = path.rsplit_once("::").unwrap();
    let is_named = |test: &&Test| match name.strip_suffix('…') {
        Some(beginning) => test.name.starts_with(beginning),
        None => test.name == name,
    };
    let is_there = |test: &&Test| {
        let mut parts = test.file.split("::");
        let is_part = |module: &str, part: &str| {
            part.strip_suffix("_tests").unwrap_or(part) == module || part == module
        };
        modules
            .split("::")
            .filter(|module| *module != "tests")
            .all(|module| parts.any(|part| is_part(module, part)))
    };
    tests.iter().filter(|test| test.krate == krate).filter(is_named).any(|test| is_there(&test))
}

#[test]
fn every_failure_mode_names_tests_that_exist() {
    let (tests, text) = (tests(), read_to_string(root().join("docs/failure-modes.md")).unwrap());
    let (mut missing, mut rows) = (Vec::new(), 0);
    for row in text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---")) {
        let cell = row.trim_end_matches(" |").rsplit_once(" | ").map_or("", |(_, cell)| cell);
        if cell.starts_with("proved by") {
            continue;
        }
        rows += 1;
        let mut krate = "";
        let mut count = 0;
        for (number, part) in cell.split('`').enumerate() {
            if number % 2 == 0 {
                krate = part.trim_matches([' ', ',', ';']).strip_suffix(':').unwrap_or(krate);
            } else if part.contains("::") {
                count += 1;
                if !exists(&tests, krate, part) {
                    missing.push(format!("{krate}: {part}"));
                }
            }
        }
        if count == 0 {
            missing.push(format!("a test in: {row}"));
        }
    }
    assert!(rows > 20, "the tables were not found");
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn every_test_that_a_readme_names_exists() {
    let tests = tests();
    let mut missing = Vec::new();
    for (krate, folder) in crates() {
        let text = read_to_string(folder.join("README.md")).unwrap_or_default();
        for line in text.lines() {
            // A test of the kit is named with its crate behind it.
            let of_kit = line.contains("(shared)");
            let krate = if of_kit { "shared" } else { &krate };
            let names = named(line).filter(|path| path.matches("::").count() <= 3);
            missing.extend(
                names.filter(|path| !exists(&tests, krate, path)).map(|path| format!("{krate}: {path}")),
            );
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}
