//! Settles what is found in one's own mailbox, what never is, and that searches are given up before anything else.

use serde_json::{Value, json};
use shared::session::Role;
use shared::testing::eventually;

use crate::app::{App, CLASS, OTHER_CLASS, SCHOOL, Who, to_class};
use crate::inbox::ids_of_pages;

fn letter(class: uuid::Uuid, subject: &str, body: &str) -> Value {
    let mut message = to_class(class, &["student"]);
    message["subject"] = subject.into();
    message["body"] = body.into();
    message
}

/// The subjects of what somebody finds.
pub async fn found(app: &App, who: Who, words: &str) -> Vec<String> {
    let address =
        reqwest::Url::parse_with_params("http://ent.test/messaging/v1/search", [("q", words)]).unwrap();
    let address = format!("{}?{}", address.path(), address.query().unwrap());
    let answer = app.browser(who).get(&address).await.expect(200);
    let subject = |message: &Value| message["subject"].as_str().unwrap().to_owned();
    answer.body["messages"].as_array().unwrap().iter().map(subject).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn words_are_found_without_accents_case_and_endings_in_subject_text_and_senders_name() {
    let app = App::start().await;
    app.send(
        Who::TEACHER,
        letter(CLASS, "Réunion", "Les élèves sont invités au théâtre; l'œuvre est de Molière."),
    )
    .await
    .expect(201);
    app.send(Who::TEACHER, letter(CLASS, "Devoirs", "Page 12, exercice 3.")).await.expect(201);
    let table: [(&str, &[&str]); 13] = [
        ("réunion", &["Réunion"]),
        ("REUNIONS", &["Réunion"]),
        ("élève théatres", &["Réunion"]),
        ("oeuvre moliere", &["Réunion"]),
        ("l'œuvre", &["Réunion"]),
        ("les élèves de Molière", &["Réunion"]),
        ("exercices", &["Devoirs"]),
        ("durand", &["Devoirs", "Réunion"]),
        ("Paul devoir", &["Devoirs"]),
        ("paul réunion durand", &["Réunion"]),
        ("réunion devoirs", &[]),
        ("dur", &[]),
        ("martin", &[]),
    ];
    for (words, expected) in table {
        assert_eq!(found(&app, Who::PUPIL, words).await, expected, "{words}");
    }
    assert_eq!(found(&app, Who::TEACHER, "exercice").await, ["Devoirs"], "what one sent is found as well");
    let page = app.browser(Who::PUPIL).get("/messaging/v1/search?q=exercice").await.expect(200).body;
    assert_eq!(
        (&page["messages"][0]["beginning"], &page["next"]),
        (&json!("Page 12, exercice 3."), &Value::Null)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_finds_what_is_not_in_their_mailbox_or_is_not_visible() {
    let app = App::start().await;
    app.send(Who::PRINCIPAL, letter(OTHER_CLASS, "Secret", "Le mot de passe est tartiflette."))
        .await
        .expect(201);
    assert_eq!(found(&app, Who::OTHER_PUPIL, "tartiflette").await, ["Secret"]);
    for who in [Who::PUPIL, Who::TEACHER, Who::STRANGER] {
        // Neither by the words, nor by the marks under which schools and senders are indexed.
        for words in ["tartiflette", &format!("=s{SCHOOL}"), &format!("=p{}", Who::PRINCIPAL.id())] {
            assert!(found(&app, who, words).await.is_empty(), "{} {words}", who.0);
        }
    }
    let stranger_there = Who(8, crate::app::OTHER_SCHOOL, Role::Student);
    assert!(found(&app, stranger_there, "tartiflette").await.is_empty(), "another school's mail");
    let database = app.database.connect().await;
    for (state, of_recipient, of_sender) in [("held", 0, 1), ("recalled", 0, 0), ("visible", 1, 1)] {
        let sql = format!("update message set state = '{state}'");
        database.batch_execute(&sql).await.unwrap();
        assert_eq!(found(&app, Who::OTHER_PUPIL, "tartiflette").await.len(), of_recipient, "{state}");
        assert_eq!(found(&app, Who::PRINCIPAL, "tartiflette").await.len(), of_sender, "{state}");
    }
}

/// 9,000 messages to the pupil, every thousandth of them with a rare word and every hundredth with a rarer sender; and 6,000 to
/// somebody else, all with a word that the pupil's mailbox has once, at its end.
const MUCH: &str = "
    create function numbered(n int) returns uuid language sql as
      $$ select ('018f0000-' || lpad(to_hex(n), 4, '0') || '-7000-8000-0000000000a1')::uuid $$;
    insert into thread select '00000000-0000-0000-0000-0000000000a1', numbered(n), 'Sujet', '00000000-0000-0000-0000-000000000004', now()
      from generate_series(1, 15000) n;
    insert into message (school_id, id, thread_id, sender_id, audience, recipient_count, body, sent_at)
      select school_id, id, id,
             case when n % 100 = 0 then '00000000-0000-0000-0000-000000000005'::uuid else '00000000-0000-0000-0000-000000000006' end,
             '{}', 1, 'bonjour' || case when n % 1000 = 0 then ' girafe' else '' end || case when n > 9000 or n = 1 then ' zèbre' else '' end, now()
      from generate_series(1, 15000) n join thread on id = numbered(n);
    insert into delivery (school_id, recipient_id, message_id, thread_id)
      select school_id, case when id > numbered(9000) then '00000000-0000-0000-0000-000000000002'::uuid else '00000000-0000-0000-0000-000000000001' end, id, id
      from message;
    insert into directory.person values ('00000000-0000-0000-0000-000000000005', 'Anaïs', 'Lefèvre');
    analyze;";

#[tokio::test(flavor = "multi_thread")]
async fn a_big_mailbox_is_searched_to_its_end_page_by_page() {
    let app = App::start().await;
    app.database.connect().await.batch_execute(MUCH).await.unwrap();
    let pupil = app.browser(Who::PUPIL);
    // In the newest by looking, below them by the index, and where the index names too many, by looking further with each page.
    for (words, expected) in [
        ("bonjour", 9_000),
        ("girafe", 9),
        ("lefevre", 90),
        ("lefevre+girafe", 9),
        ("zebre", 1),
        ("autruche", 0),
    ] {
        let ids = ids_of_pages(&pupil, &format!("/messaging/v1/search?q={words}"), 100, async || ()).await;
        assert_eq!(ids.len(), expected, "{words}");
        assert!(ids.is_sorted_by(|newer, older| newer > older), "{words}: newest first, each once");
    }
    let first = pupil.get("/messaging/v1/search?q=zebre").await.expect(200).body;
    assert!(first["messages"].as_array().unwrap().is_empty() && first["next"].is_string(), "{first}");
    let first = pupil.get("/messaging/v1/search?q=girafe").await.expect(200).body;
    assert_eq!((first["messages"].as_array().unwrap().len(), &first["next"]), (9, &Value::Null));
    for state in ["held", "refused", "recalled"] {
        let sql = format!("update message set state = '{state}' where body like '%girafe%'");
        app.database.connect().await.batch_execute(&sql).await.unwrap();
        let found = pupil.get("/messaging/v1/search?q=girafe").await.expect(200).body;
        assert_eq!(found["messages"], json!([]), "{state}: what the index names is not shown");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_searches_are_refused_by_name() {
    let app = App::start().await;
    let pupil = app.browser(Who::PUPIL);
    for (query, status, code) in [
        ("", 400, "malformed_query"),
        ("?q=", 422, "invalid_body"),
        ("?q=a&limit=101", 422, "invalid_body"),
        ("?q=a&sort=date", 400, "malformed_query"),
        ("?q=de+la", 422, "nothing_to_search"),
        ("?q=%26+%21+%27", 422, "nothing_to_search"),
    ] {
        pupil.get(&format!("/messaging/v1/search{query}")).await.expect_problem(status, code);
    }
    assert!(
        found(&app, Who::PUPIL, r#"'a\' | "b" & !c:*<->"#).await.is_empty(),
        "signs of queries are no signs here"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_takes_too_long_is_given_up_by_name_and_the_rest_goes_on() {
    let app = App::start_changed(crate::app::NOWHERE, |config| {
        config.postgres.deferrable_statement_ms = 200;
        config.postgres.pools.deferrable = 1;
    })
    .await;
    let blocker = app.database.connect().await;
    blocker.batch_execute("begin; lock table message_words in access exclusive mode").await.unwrap();
    let pupil = app.browser(Who::PUPIL);
    pupil.get("/messaging/v1/search?q=sortie").await.expect_problem(503, "search_unavailable");
    pupil.get("/messaging/v1/inbox").await.expect(200);
    blocker.batch_execute("rollback").await.unwrap();
    eventually("searches go on", async || pupil.get("/messaging/v1/search?q=sortie").await.status == 200)
        .await;
}
