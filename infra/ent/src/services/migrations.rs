//! Settles what a migration may do: expand what there is, so that instances from before it go on beside those of after it.
//!
//! Rolling upgrades migrate first (`rolling`), and older instances then use the newer database until the last of them is replaced. A
//! migration that takes something away, or asks for something that older instances do not give, breaks them.

use crate::layout::Layout;

/// Migrations that were not of this kind, and why nobody is hurt by them.
const KNOWN: [(&str, &str); 2] = [
    // Older than the first rolling upgrade.
    ("auth", "V3__revocations.sql"),
    // V11 gives what older instances do not.
    ("messaging", "V9__what_sends_are_judged_by.sql"),
];

/// What a statement does that an older instance may not survive.
fn breaks(statement: &str) -> Option<&'static str> {
    let words = statement.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let has = |part: &str| words.contains(part);
    let adds_required = has("add column") && has("not null") && !has("default") && !has("generated");
    [
        (has("drop column") || has("drop table"), "takes something away that older instances use"),
        (has("rename "), "older instances use the old name"),
        (adds_required || has("set not null"), "older instances give no value"),
        (has("add primary key"), "older instances do not know the new key"),
        (has("alter column") && has(" type "), "older instances read the old type"),
    ]
    .into_iter()
    .find_map(|(is_so, why)| is_so.then_some(why))
}

/// Statements of a migration, without its comments. Bodies of functions are in parts, which is enough here.
fn statements(text: &str) -> Vec<String> {
    let code: Vec<&str> = text.lines().filter_map(|line| line.split("--").next()).collect();
    code.join("\n").split(';').map(str::to_owned).collect()
}

fn found(layout: &Layout) -> Vec<String> {
    let mut found = Vec::new();
    for service in super::SERVICES {
        let folder = layout.root.join("services").join(service).join("migrations");
        for entry in std::fs::read_dir(&folder).expect("a folder of migrations") {
            let path = entry.expect("a migration").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).expect("a migration");
            if KNOWN.contains(&(service, name.as_str())) {
                continue;
            }
            let breaking =
                statements(&text).into_iter().filter_map(|statement| Some((breaks(&statement)?, statement)));
            found.extend(
                breaking.map(|(why, statement)| format!("{service}/{name}: {why}: {}", statement.trim())),
            );
        }
    }
    found
}

#[test]
fn migrations_leave_older_instances_what_they_use() {
    let layout = Layout::find().unwrap();
    assert_eq!(found(&layout), Vec::<String>::new());
}

#[test]
fn each_number_is_given_once_and_none_is_left_out() {
    let layout = Layout::find().unwrap();
    for service in super::SERVICES {
        let folder = layout.root.join("services").join(service).join("migrations");
        let names = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
        let number = |name: std::ffi::OsString| -> usize {
            let name = name.into_string().unwrap();
            name.strip_prefix('V').unwrap().split_once("__").unwrap().0.parse().unwrap()
        };
        let mut numbers: Vec<usize> = names.map(number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>(), "{service}");
    }
}

#[test]
fn what_older_instances_do_not_survive_is_noticed() {
    for breaking in [
        "alter table message add column urgency text not null",
        "alter table message\n  DROP COLUMN body",
        "alter table message rename column body to text",
        "alter table message alter column body set not null",
        "drop table contact",
    ] {
        assert!(breaks(breaking).is_some(), "{breaking}");
    }
    for expanding in [
        "alter table message add column urgency text not null default 'none'",
        "alter table message add column urgency text",
        "create table urgency (id uuid not null)",
        "drop index message_latest",
    ] {
        assert_eq!(breaks(expanding), None, "{expanding}");
    }
}
