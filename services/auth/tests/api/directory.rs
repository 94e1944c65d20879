//! Settles who sees whom in the directory: by role, by school, by family.

use serde_json::Value;
use shared::session::Role;
use shared::testing::Client;
use uuid::Uuid;

use crate::app::App;

const SCHOOL: u128 = 0xa1;
const OTHER_SCHOOL: u128 = 0xb1;
const PUPIL: u128 = 1;
const TEACHER: u128 = 2;
const GUARDIAN: u128 = 4;
const OTHER_GUARDIAN: u128 = 5;

async fn start() -> App {
    let app = App::start().await;
    let sql = "insert into school values
                 ('00000000-0000-0000-0000-0000000000b1', '0750656F', 'Lycée Autre', 'lycee', 'Paris');
               insert into person (id, source, source_id, given_name, family_name) values
                 ('00000000-0000-0000-0000-000000000004', 'test', '4', 'Anne', 'Martin'),
                 ('00000000-0000-0000-0000-000000000005', 'test', '5', 'Éric', 'Garçon'),
                 ('00000000-0000-0000-0000-000000000006', 'test', '6', 'Lou', 'Garçon');
               insert into membership (school_id, person_id, role) values
                 ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-000000000004', 'Guardian'),
                 ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-000000000005', 'Guardian'),
                 ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-000000000006', 'Student'),
                 ('00000000-0000-0000-0000-0000000000b1', '00000000-0000-0000-0000-000000000002', 'Teacher');
               insert into guardianship values
                 ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000004'),
                 ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-000000000006', '00000000-0000-0000-0000-000000000005');";
    app.database.connect().await.batch_execute(sql).await.unwrap();
    app
}

fn as_somebody(app: &App, person: u128, role: Role) -> Client {
    app.browser().with_token(app.keys.token(Uuid::from_u128(person), &[(Uuid::from_u128(SCHOOL), role)]))
}

fn people_of(school: u128) -> String {
    format!("/auth/v1/schools/{}/people", Uuid::from_u128(school))
}

async fn names(browser: &Client, query: &str) -> Vec<String> {
    let page = browser.get(&format!("{}{query}", people_of(SCHOOL))).await.expect(200).body;
    let people = page.pointer("/people").and_then(Value::as_array).unwrap();
    people
        .iter()
        .map(|person| person.pointer("/given_name").and_then(Value::as_str).unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn personnel_sees_everybody_and_families_see_personnel_and_their_own() {
    let app = start().await;
    let everybody = ["Paul", "Lou", "Éric", "Anne", "Zoé"];
    let mut seen = names(&as_somebody(&app, TEACHER, Role::Teacher), "").await;
    seen.sort();
    let mut expected = everybody.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(seen, expected);
    assert_eq!(names(&as_somebody(&app, PUPIL, Role::Student), "").await, ["Paul", "Anne", "Zoé"]);
    assert_eq!(names(&as_somebody(&app, GUARDIAN, Role::Guardian), "").await, ["Paul", "Anne", "Zoé"]);
    assert_eq!(names(&as_somebody(&app, OTHER_GUARDIAN, Role::Guardian), "").await, ["Paul", "Lou", "Éric"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_found_without_accents_by_role_and_page_by_page() {
    let app = start().await;
    let teacher = as_somebody(&app, TEACHER, Role::Teacher);
    assert_eq!(names(&teacher, "?q=garcon").await, ["Lou", "Éric"]);
    assert_eq!(names(&teacher, "?q=ERIC%20gar").await, ["Éric"]);
    assert_eq!(names(&teacher, "?q=%25").await, Vec::<String>::new());
    assert_eq!(names(&teacher, "?role=Student&limit=1").await, ["Lou"]);
    let mut after = String::new();
    let mut all = 0;
    loop {
        let page = teacher.get(&format!("{}?limit=2{after}", people_of(SCHOOL))).await.expect(200).body;
        all += page.pointer("/people").and_then(Value::as_array).unwrap().len();
        match page.pointer("/next").and_then(Value::as_str) {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(all, 5);
    teacher.get(&format!("{}?limit=0", people_of(SCHOOL))).await.expect_problem(422, "invalid_body");
    teacher.get(&format!("{}?role=King", people_of(SCHOOL))).await.expect_problem(400, "malformed_query");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_seen_with_their_family_by_those_who_may_and_not_found_by_others() {
    let app = start().await;
    let path = |person: u128| format!("/auth/v1/people/{}", Uuid::from_u128(person));
    let seen = as_somebody(&app, TEACHER, Role::Teacher).get(&path(PUPIL)).await.expect(200).body;
    assert_eq!(seen.pointer("/schools/0/family/0/relation"), Some(&Value::from("guardian")));
    let child = as_somebody(&app, GUARDIAN, Role::Guardian).get(&path(PUPIL)).await.expect(200).body;
    assert_eq!(child.pointer("/schools/0/family/0/given_name"), Some(&Value::from("Anne")));
    let stranger = as_somebody(&app, OTHER_GUARDIAN, Role::Guardian);
    stranger.get(&path(PUPIL)).await.expect_problem(404, "person_not_found");
    // The teacher is in another school as well, and whoever is not there does not learn of it.
    let teacher = as_somebody(&app, PUPIL, Role::Student).get(&path(TEACHER)).await.expect(200).body;
    assert_eq!(teacher.pointer("/schools").and_then(Value::as_array).map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_school_and_no_school_are_the_same() {
    let app = start().await;
    let teacher = as_somebody(&app, TEACHER, Role::Principal);
    for school in [OTHER_SCHOOL, 0xffff] {
        teacher.get(&people_of(school)).await.expect_problem(404, "school_not_found");
        let path = format!("/auth/v1/schools/{}", Uuid::from_u128(school));
        teacher.get(&path).await.expect_problem(404, "school_not_found");
    }
    let own = teacher.get(&format!("/auth/v1/schools/{}", Uuid::from_u128(SCHOOL))).await.expect(200);
    assert_eq!(own.body.pointer("/uai"), Some(&Value::from("0750655E")));
}
