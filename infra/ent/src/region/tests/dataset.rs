//! Settles how tests read a generated data set back: rows by column name, and audiences resolved from the written tables.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::NaiveDate;
use serde_json::Value;

use crate::region::{Scale, Summary, generate_for};

/// A row by column name.
pub(super) type Row = BTreeMap<String, String>;

/// A membership: school, person, role.
type Membership = (String, String, String);

/// A generated data set in a folder of its own, which goes with it.
pub(super) struct Dataset {
    folder: PathBuf,
    pub(super) summary: Summary,
    tables: Tables,
}

/// The tables that audiences are resolved from, read when first asked for.
#[derive(Default)]
struct Tables {
    memberships: OnceLock<BTreeSet<Membership>>,
    enrolments: OnceLock<Vec<Row>>,
    guardianships: OnceLock<Vec<Row>>,
}

impl Dataset {
    pub(super) fn of(scale: Scale, seed: u64) -> Self {
        static SO_FAR: AtomicU32 = AtomicU32::new(0);
        let number = SO_FAR.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("ent-region-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let day = NaiveDate::from_ymd_opt(2026, 4, 7).unwrap();
        let summary = generate_for(day, scale, seed, &folder, &folder.join("accounts.csv")).unwrap();
        Self { folder, summary, tables: Tables::default() }
    }

    pub(super) fn accounts_path(&self) -> PathBuf {
        self.folder.join("accounts.csv")
    }

    pub(super) fn accounts(&self) -> Vec<Row> {
        read(&self.accounts_path())
    }

    pub(super) fn rows(&self, service: &str, table: &str) -> Vec<Row> {
        read(&self.folder.join(service).join(format!("{table}.csv")))
    }

    pub(super) fn by_id(&self, service: &str, table: &str) -> BTreeMap<String, Row> {
        self.rows(service, table).into_iter().map(|row| (row["id"].clone(), row)).collect()
    }

    /// Every file's bytes by its path within the folder.
    pub(super) fn bytes(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let folders = ["auth", "courses", "messaging"].map(|service| self.folder.join(service));
        let listed = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
        let paths = listed.map(|entry| entry.unwrap().path()).chain([self.accounts_path()]);
        paths
            .map(|path| (path.strip_prefix(&self.folder).unwrap().to_owned(), fs::read(&path).unwrap()))
            .collect()
    }

    pub(super) fn memberships(&self) -> &BTreeSet<Membership> {
        let load = || {
            let rows = self.rows("auth", "membership");
            rows.into_iter()
                .map(|row| (row["school_id"].clone(), row["person_id"].clone(), row["role"].clone()))
                .collect()
        };
        self.tables.memberships.get_or_init(load)
    }

    fn enrolments(&self) -> &[Row] {
        self.tables.enrolments.get_or_init(|| self.rows("courses", "enrolment"))
    }

    fn guardianships(&self) -> &[Row] {
        self.tables.guardianships.get_or_init(|| self.rows("auth", "guardianship"))
    }

    fn enrolled(&self, group: &str, part: &str) -> BTreeSet<String> {
        let rows = self.enrolments().iter().filter(|row| row["group_id"] == group && row["part"] == part);
        rows.map(|row| row["person_id"].clone()).collect()
    }

    fn having(&self, school: &str, roles: &[&str]) -> BTreeSet<String> {
        let rows =
            self.memberships().iter().filter(|(s, _, role)| s == school && roles.contains(&role.as_str()));
        rows.map(|(_, person, _)| person.clone()).collect()
    }

    /// Everybody whom the audience of `message` names.
    pub(super) fn resolve(&self, message: &Row) -> BTreeSet<String> {
        let audience: Value = serde_json::from_str(&message["audience"]).unwrap();
        let text = |key: &str| audience[key].as_str().unwrap().to_owned();
        assert_eq!(text("school_id"), message["school_id"]);
        let list = |key: &str| -> Vec<String> { serde_json::from_value(audience[key].clone()).unwrap() };
        match text("kind").as_str() {
            "people" => list("ids").into_iter().collect(),
            "role" => self.having(&text("school_id"), &[&text("role")]),
            "group" => {
                let part = |part: String| match part.as_str() {
                    "guardian" => self.guardians_of(&self.enrolled(&text("id"), "student")),
                    _ => self.enrolled(&text("id"), &part),
                };
                list("parts").into_iter().flat_map(part).collect()
            }
            other => panic!("no such audience: {other}"),
        }
    }

    fn guardians_of(&self, pupils: &BTreeSet<String>) -> BTreeSet<String> {
        let rows = self.guardianships().iter().filter(|row| pupils.contains(&row["student_id"]));
        rows.map(|row| row["guardian_id"].clone()).collect()
    }

    /// Whom a pupil may write to: those of the own groups, and the school's staff.
    pub(super) fn class_and_staff(&self, pupil: &str) -> BTreeSet<String> {
        let groups = self.groups_of(&BTreeSet::from([pupil.to_owned()]));
        let mut people: BTreeSet<String> = groups
            .iter()
            .flat_map(|(_, group)| ["student", "teacher"].map(|part| self.enrolled(group, part)))
            .flatten()
            .collect();
        let schools: BTreeSet<&String> = groups.iter().map(|(school, _)| school).collect();
        for school in schools {
            people.extend(self.having(school, &["Staff", "SchoolLife", "Principal", "LocalAdmin"]));
        }
        people
    }

    /// Whom a guardian may write to: the teachers of the children's groups, and the direction of their schools.
    pub(super) fn teachers_and_direction(&self, guardian: &str) -> BTreeSet<String> {
        let rows = self.guardianships().iter().filter(|row| row["guardian_id"] == guardian);
        let children = rows.map(|row| row["student_id"].clone()).collect();
        let groups = self.groups_of(&children);
        let teachers = groups.iter().flat_map(|(_, group)| self.enrolled(group, "teacher"));
        let direction = groups.iter().flat_map(|(school, _)| self.having(school, &["Principal"]));
        teachers.chain(direction).collect()
    }

    /// The groups (school, id) in which `pupils` are enrolled.
    fn groups_of(&self, pupils: &BTreeSet<String>) -> BTreeSet<(String, String)> {
        let rows = self.enrolments().iter().filter(|row| pupils.contains(&row["person_id"]));
        rows.map(|row| (row["school_id"].clone(), row["group_id"].clone())).collect()
    }
}

impl Drop for Dataset {
    fn drop(&mut self) {
        // A folder that stays behind in the temporary directory fails no test.
        fs::remove_dir_all(&self.folder).ok();
    }
}

/// How many rows have each value of `column`.
pub(super) fn count_by(rows: &[Row], column: &str) -> BTreeMap<String, usize> {
    rows.iter().fold(BTreeMap::new(), |mut counts, row| {
        *counts.entry(row[column].clone()).or_default() += 1;
        counts
    })
}

fn read(path: &PathBuf) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}
