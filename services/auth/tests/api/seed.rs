//! Settles how a demo data set comes in: whole or not at all, once, and announced to siblings.

use std::path::Path;

use auth::Auth;
use shared::clock::system_clock;
use shared::config::Profile;
use shared::pg::Database;
use shared::service::{SeedError, Service, seed};
use shared::testing::{TestDatabase, breakers};
use tempfile::TempDir;
use tokio::runtime::Handle;

const SCHOOL: &str = "00000000-0000-0000-0000-0000000000a1";
const PERSON: &str = "00000000-0000-0000-0000-000000000001";

fn data_set(name: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let hash =
        "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LW5vYm9keS0wMQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (file, content) in [
        ("manifest.json", format!("{{\"name\":\"{name}\"}}")),
        (
            "school.csv",
            format!("id,uai,name,kind,academy\n{SCHOOL},0750655E,\"Collège, Test\",college,Paris\n"),
        ),
        ("person.csv", format!("id,source,source_id,given_name,family_name\n{PERSON},demo,1,Zoé,{name}\n")),
        ("membership.csv", format!("school_id,person_id,role\n{SCHOOL},{PERSON},Student\n")),
        ("guardianship.csv", "school_id,student_id,guardian_id\n".to_owned()),
        (
            "account.csv",
            format!("person_id,login,password_hash,totp_secret,is_demo\n{PERSON},zoe,\"{hash}\",,true\n"),
        ),
    ] {
        std::fs::write(folder.path().join(file), content).unwrap();
    }
    folder
}

async fn load(
    database: &TestDatabase,
    folder: &Path,
    profile: Profile,
    replace: bool,
) -> Result<Option<u64>, SeedError> {
    let database = Database::open(&database.config(), &breakers(), &Handle::current()).unwrap();
    seed(&database, system_clock(), profile, &Auth::seed_plan(), folder, replace).await
}

async fn count(database: &TestDatabase, sql: &str) -> i64 {
    database.connect().await.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_set_is_loaded_once_announced_and_replaced_only_when_asked() {
    let database = TestDatabase::create("auth", Auth::migrations).await;
    let (first, second) = (data_set("first"), data_set("second"));
    assert_eq!(load(&database, first.path(), Profile::Test, false).await.unwrap(), Some(4));
    assert_eq!(load(&database, first.path(), Profile::Test, false).await.unwrap(), None);
    assert_eq!(count(&database, "select count(*) from change_feed where not deleted").await, 3);
    let refused = load(&database, second.path(), Profile::Test, false).await.unwrap_err();
    assert!(matches!(refused, SeedError::Other(_)), "{refused}");
    assert_eq!(count(&database, "select count(*) from person where family_name = 'first'").await, 1);
    assert_eq!(load(&database, second.path(), Profile::Test, true).await.unwrap(), Some(4));
    assert_eq!(count(&database, "select count(*) from person where family_name = 'second'").await, 1);
    assert_eq!(count(&database, "select count(*) from change_feed where deleted").await, 3);
    for (act, before) in [("data_set_loaded", "null"), ("data_set_replaced", "first")] {
        let kept = format!(
            "select count(*) from audit_leaf where content like '%{act}%' and content like '%before%{before}%'"
        );
        assert_eq!(count(&database, &kept).await, 1, "{act}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_data_set_leaves_nothing_behind() {
    let database = TestDatabase::create("auth", Auth::migrations).await;
    let folder = data_set("broken");
    std::fs::write(folder.path().join("account.csv"), "person_id,login,password_hash\nx,y,plain\n").unwrap();
    let error = load(&database, folder.path(), Profile::Test, false).await.unwrap_err().to_string();
    assert!(error.contains("account.csv"), "{error}");
    assert_eq!(count(&database, "select count(*) from school").await, 0);
    std::fs::write(folder.path().join("school.csv"), "id); drop table school; --\n").unwrap();
    let error = load(&database, folder.path(), Profile::Test, false).await.unwrap_err().to_string();
    assert!(error.contains("must name the columns"), "{error}");
    assert_eq!(count(&database, "select count(*) from school").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn production_takes_no_demo_data() {
    let database = TestDatabase::create("auth", Auth::migrations).await;
    let refused = load(&database, data_set("any").path(), Profile::Production, true).await.unwrap_err();
    assert!(matches!(refused, SeedError::Profile(Profile::Production)));
}
