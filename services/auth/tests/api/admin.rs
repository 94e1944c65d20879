//! Settles what tests of administration stand on: a school with an administrator who has just proved who they are.

use serde_json::json;
use shared::testing::{Client, ManualClock, eventually};

use crate::app::{self, App, PASSWORD, TOTP_SECRET};

/// The school.
pub const SCHOOL: &str = "00000000-0000-0000-0000-0000000000a1";
/// A pupil with an account in use.
pub const ZOE: &str = "00000000-0000-0000-0000-000000000001";
/// Head and teacher.
pub const PAUL: &str = "00000000-0000-0000-0000-000000000002";
/// The administrator who asks.
pub const ADA: &str = "00000000-0000-0000-0000-000000000009";
/// A pupil whose account nobody has opened.
pub const TOM: &str = "00000000-0000-0000-0000-00000000000a";
/// Another administrator.
pub const EVA: &str = "00000000-0000-0000-0000-00000000000b";
/// Zoé's mother; a guardian and nothing else.
pub const ANNE: &str = "00000000-0000-0000-0000-00000000000c";
/// Somebody of another school.
pub const LOU: &str = "00000000-0000-0000-0000-00000000000d";
/// That school.
pub const OTHER_SCHOOL: &str = "00000000-0000-0000-0000-0000000000b1";

/// The current code of everybody's authenticator.
pub fn one_time_code(clock: &ManualClock) -> String {
    app::one_time_code(TOTP_SECRET, clock)
}

/// The people.
pub async fn insert(app: &App) {
    let sql = format!(
        "insert into school values ('{OTHER_SCHOOL}', '0750656F', 'Lycée Autre', 'lycee', 'Paris');
         insert into person (id, source, source_id, given_name, family_name) values
           ('{ADA}', 'test', '9', 'Ada', 'Admin'), ('{TOM}', 'test', '10', 'Tom', 'Nouveau'),
           ('{EVA}', 'test', '11', 'Eva', 'Autre'), ('{ANNE}', 'test', '12', 'Anne', 'Martin'),
           ('{LOU}', 'test', '13', 'Lou', 'Loin');
         insert into membership (school_id, person_id, role) values
           ('{SCHOOL}', '{ADA}', 'LocalAdmin'), ('{SCHOOL}', '{TOM}', 'Student'), ('{SCHOOL}', '{EVA}', 'Teacher'),
           ('{OTHER_SCHOOL}', '{EVA}', 'LocalAdmin'), ('{SCHOOL}', '{ANNE}', 'Guardian'),
           ('{OTHER_SCHOOL}', '{LOU}', 'Student');
         insert into guardianship values ('{SCHOOL}', '{ZOE}', '{ANNE}');
         insert into account (person_id, login, password_hash, totp_secret)
           select v.person_id::uuid, v.login, case when v.login <> 'tom.nouveau' then a.password_hash end, v.totp_secret
           from (values ('{ADA}', 'ada.admin', '{TOTP_SECRET}'), ('{TOM}', 'tom.nouveau', null),
                        ('{EVA}', 'eva.autre', '{TOTP_SECRET}'), ('{ANNE}', 'anne.martin', null),
                        ('{LOU}', 'lou.loin', null)) as v(person_id, login, totp_secret)
           join account a on a.login = 'zoe.martin';"
    );
    app.database.connect().await.batch_execute(&sql).await.unwrap();
}

/// A school, and its administrator's browser.
pub async fn start(clock: &ManualClock) -> (App, Client) {
    let app = App::start_at(clock).await;
    insert(&app).await;
    let admin = sign_in(&app, clock).await;
    (app, admin)
}

/// The administrator in another browser.
pub async fn sign_in(app: &App, clock: &ManualClock) -> Client {
    let browser = app.browser();
    let body = json!({ "login": "ada.admin", "password": PASSWORD, "totp_code": one_time_code(clock) });
    browser.post("/auth/v1/sessions", &body).await.expect(201);
    browser
}

/// After a jump of the clock nothing sensitive goes on until revocations are heard again.
pub async fn heard(admin: &Client) {
    let path = format!("/auth/v1/schools/{SCHOOL}/switches");
    eventually("administration is open", async || admin.get(&path).await.status != 503).await;
}

/// The path of something of the school.
pub fn of_school(rest: &str) -> String {
    format!("/auth/v1/schools/{SCHOOL}/{rest}")
}

/// The path of something of an account of the school.
pub fn of_account(person: &str, rest: &str) -> String {
    of_school(&format!("accounts/{person}{rest}"))
}

/// How many entries of the audit log name this act and were demanded by the head.
pub async fn kept(app: &App, act: &str) -> i64 {
    let sql = "select count(*) from audit_leaf
               where content::json->>'act' = $1 and content::json->>'authority' = 'Principal'";
    app.database.connect().await.query_one(sql, &[&act]).await.unwrap().get(0)
}
