//! Settles what every generated region must hold: the same bytes from the same seed, real proportions, mail within the rules.

mod dataset;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::os::unix::fs::PermissionsExt;

use self::dataset::{Dataset, Row, count_by};
use super::Scale;

#[test]
fn the_same_seed_and_day_give_the_same_bytes_and_another_seed_gives_others() {
    let (first, again, other) =
        (Dataset::of(Scale::Small, 7), Dataset::of(Scale::Small, 7), Dataset::of(Scale::Small, 8));
    assert_eq!(first.bytes(), again.bytes());
    assert_ne!(first.bytes(), other.bytes());
}

#[test]
fn a_region_has_120_schools_and_100_000_accounts_in_published_proportions() {
    let region = Dataset::of(Scale::Region, 1);
    let rows = |table: &str| region.summary.counts.iter().find(|count| count.table == table).unwrap().rows;
    assert_eq!((rows("school"), rows("person"), rows("account")), (120, 100_000, 100_000));
    assert!(rows("delivery") < 600_000, "{} deliveries", rows("delivery"));
    let roles = count_by(&region.accounts(), "role");
    assert_eq!((roles["Student"], roles["Guardian"]), (34_000, 60_000));
    assert_eq!(roles["Principal"], 360);
    assert!(roles["Teacher"] > 3_600, "{roles:?}");
}

#[test]
fn a_small_region_has_two_schools_and_1_500_people() {
    let small = Dataset::of(Scale::Small, 1);
    assert_eq!(count_by(&small.rows("auth", "school"), "kind").len(), 2);
    let roles = count_by(&small.accounts(), "role");
    assert_eq!((roles["Student"], roles["Guardian"]), (510, 900));
    assert_eq!(roles.values().sum::<usize>(), 1_500);
    assert!(roles["LocalAdmin"] >= 2 && roles["SchoolLife"] >= 2 && roles["Staff"] >= 2, "{roles:?}");
}

#[test]
fn logins_are_unique_plain_and_short_and_only_staff_have_a_second_factor() {
    let region = Dataset::of(Scale::Region, 1);
    let accounts = region.accounts();
    let mut logins = BTreeSet::new();
    for account in &accounts {
        let login = &account["login"];
        assert!(login.len() <= 40 && login.is_ascii() && *login == login.to_lowercase(), "{login}");
        assert!(logins.insert(login), "{login} is given twice");
        let is_staff = !matches!(account["role"].as_str(), "Student" | "Guardian");
        assert_eq!(account["totp_secret"].len(), if is_staff { 32 } else { 0 }, "{login}");
        assert!(account["password"].len() >= 12);
    }
    assert!(
        accounts.iter().any(|account| account["role"] == "Teacher" && account["school_uais"].contains(';'))
    );
}

#[test]
fn the_accounts_file_is_private_and_opens_with_one_account_per_role() {
    let small = Dataset::of(Scale::Small, 1);
    let mode = small.accounts_path().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let roles: Vec<String> = small.accounts().iter().take(6).map(|row| row["role"].clone()).collect();
    assert_eq!(roles, ["Student", "Guardian", "Teacher", "Principal", "LocalAdmin", "SchoolLife"]);
    let first: Vec<&str> = small.summary.demo_accounts.iter().map(|account| account.role).collect();
    assert_eq!(first, roles);
}

#[test]
fn every_pupil_has_one_class_of_25_to_30_and_every_course_an_enrolled_teacher() {
    let small = Dataset::of(Scale::Small, 1);
    let groups = small.by_id("courses", "student_group");
    let enrolments = small.rows("courses", "enrolment");
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    let mut classes_of: BTreeMap<&str, usize> = BTreeMap::new();
    let mut enrolled: BTreeMap<&str, &str> = BTreeMap::new();
    for row in enrolments.iter().filter(|row| row["part"] == "student") {
        if groups[&row["group_id"]]["kind"] == "class" {
            *sizes.entry(&row["group_id"]).or_default() += 1;
            *classes_of.entry(&row["person_id"]).or_default() += 1;
            enrolled.insert(&row["person_id"], &row["group_id"]);
        }
    }
    assert!(sizes.values().all(|size| (25..=30).contains(size)), "{sizes:?}");
    assert_eq!(classes_of.len(), 510);
    assert!(classes_of.values().all(|classes| *classes == 1));
    let named: BTreeMap<String, String> =
        small.accounts().into_iter().map(|row| (row["login"].clone(), row["class_name"].clone())).collect();
    for account in small.rows("auth", "account") {
        let class = enrolled.get(account["person_id"].as_str()).map_or("", |class| &groups[*class]["name"]);
        assert_eq!(named[&account["login"]], class, "{account:?}");
    }
    let taught: BTreeSet<(&str, &str)> = enrolments
        .iter()
        .filter(|row| row["part"] == "teacher")
        .map(|row| (row["group_id"].as_str(), row["person_id"].as_str()))
        .collect();
    for course in small.rows("courses", "course") {
        assert!(taught.contains(&(course["group_id"].as_str(), course["teacher_id"].as_str())), "{course:?}");
    }
}

#[test]
fn everybody_enrolled_or_answering_for_a_pupil_has_the_role_in_that_school() {
    let small = Dataset::of(Scale::Small, 3);
    let member = |row: &Row, person: &str, role: &str| {
        let key = (row["school_id"].clone(), row[person].clone(), role.to_owned());
        assert!(small.memberships().contains(&key), "{row:?} without {role}");
    };
    for row in small.rows("courses", "enrolment") {
        member(&row, "person_id", if row["part"] == "student" { "Student" } else { "Teacher" });
    }
    for row in small.rows("auth", "guardianship") {
        member(&row, "student_id", "Student");
        member(&row, "guardian_id", "Guardian");
    }
}

#[test]
fn ids_of_messages_sort_as_they_were_sent_and_nothing_happens_after_the_day_begins() {
    let small = Dataset::of(Scale::Small, 1);
    let mut messages = small.rows("messaging", "message");
    messages.sort_by(|a, b| a["id"].cmp(&b["id"]));
    assert!(messages.is_sorted_by(|a, b| a["sent_at"] <= b["sent_at"]));
    let midnight = format!("{}T00:00:00.000Z", small.summary.generated_for);
    assert!(messages.iter().all(|message| message["sent_at"] < midnight));
    for row in small.rows("messaging", "delivery") {
        assert!(row["read_at"] < midnight, "{row:?}");
    }
    for row in small.rows("courses", "homework") {
        assert!(row["given_at"] < midnight && row["given_at"][..10] < row["due_on"][..], "{row:?}");
    }
}

#[test]
fn deliveries_are_what_the_audience_resolves_to_without_the_sender() {
    let small = Dataset::of(Scale::Small, 1);
    let mut delivered: HashMap<String, BTreeSet<String>> = HashMap::new();
    let mut unread: HashMap<String, u32> = HashMap::new();
    for row in small.rows("messaging", "delivery") {
        *unread.entry(row["recipient_id"].clone()).or_default() += u32::from(row["read_at"].is_empty());
        delivered.entry(row["message_id"].clone()).or_default().insert(row["recipient_id"].clone());
    }
    assert!(unread.values().all(|unread| *unread <= 8));
    for message in small.rows("messaging", "message") {
        let mut expected = small.resolve(&message);
        expected.remove(&message["sender_id"]);
        let recipients = &delivered[&message["id"]];
        assert_eq!(*recipients, expected, "{message:?}");
        assert_eq!(message["recipient_count"], recipients.len().to_string());
    }
}

#[test]
fn every_message_keeps_the_communication_rules() {
    let small = Dataset::of(Scale::Small, 1);
    let roles: HashMap<_, _> =
        small.memberships().iter().map(|(s, p, role)| ((s.clone(), p.clone()), role)).collect();
    for message in small.rows("messaging", "message") {
        let (school, sender) = (&message["school_id"], &message["sender_id"]);
        let role = |person: &String| roles[&(school.clone(), person.clone())].as_str();
        let reachable = match role(sender) {
            "Student" => small.class_and_staff(sender),
            "Guardian" => small.teachers_and_direction(sender),
            _ => continue, // staff may write to the whole school, and everybody here has a membership in it
        };
        for recipient in small.resolve(&message) {
            assert!(reachable.contains(&recipient), "{} to {}", role(sender), role(&recipient));
        }
    }
}
