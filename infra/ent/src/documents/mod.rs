//! Settles that documents lead where they say: to files and headings that exist, by commands that `cargo ent` has.

mod commands;
mod compose;
mod links;
mod markdown;
mod paths;

use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

use clap::CommandFactory;

use crate::cli::Cli;

/// A document of this repository.
struct Document {
    /// From the root.
    path: PathBuf,
    text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Everything that people are told to read.
fn documents() -> Vec<Document> {
    let root = root();
    let mut paths = vec!["README.md".into(), "loadtests/README.md".into()];
    let services = read_dir(root.join("services")).unwrap().map(|entry| entry.unwrap().path());
    paths.extend(services.map(|service| service.strip_prefix(&root).unwrap().join("README.md")));
    add_markdown_below(&root, Path::new("docs"), &mut paths);
    paths.sort();
    let read = |path: PathBuf| Document { text: read_to_string(root.join(&path)).unwrap(), path };
    paths.into_iter().map(read).collect()
}

fn add_markdown_below(root: &Path, folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in read_dir(root.join(folder)).unwrap().map(Result::unwrap) {
        let path = folder.join(entry.file_name());
        if entry.path().is_dir() {
            add_markdown_below(root, &path, paths);
        } else if path.extension().is_some_and(|ending| ending == "md") {
            paths.push(path);
        }
    }
}

/// Collects what is wrong in all documents, and fails with all of it.
fn expect_no_fault(faults_of: impl Fn(&Document) -> Vec<String>) {
    let documents = documents();
    assert!(documents.len() > 30, "the documents were not found");
    let told = |document: &Document| {
        let path = document.path.display().to_string();
        faults_of(document).into_iter().map(move |fault| format!("{path}: {fault}")).collect::<Vec<_>>()
    };
    let faults: Vec<String> = documents.iter().flat_map(told).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_that_exist() {
    let root = root();
    expect_no_fault(|document| links::faults(&root, document));
}

#[test]
fn every_command_that_a_document_names_exists_with_its_options() {
    expect_no_fault(commands::faults);
}

#[test]
fn every_file_that_a_document_names_exists() {
    let root = root();
    expect_no_fault(|document| paths::faults(&root, document));
}

/// The examples of a command's help, and of all commands below it, as a document with a block each.
fn examples(command: &clap::Command) -> String {
    let own = command.get_after_help().map(|help| format!("```sh\n{help}\n```\n"));
    own.into_iter().chain(command.get_subcommands().map(examples)).collect()
}

#[test]
fn every_example_of_the_help_is_a_command() {
    let text = examples(&Cli::command());
    assert!(text.matches("cargo ent").count() > 15, "the examples were not found");
    let faults = commands::faults(&Document { path: "help".into(), text });
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
