//! Settles that an instance from before a migration can go on beside newer ones: its statements, as they were, still work.

use uuid::Uuid;

use crate::app::{App, CLASS, SCHOOL, Who, to_class};

/// What an instance from before V9 keeps of a text.
const KEEP_TEXT: &str = "insert into text_band (kind, band, scope, message_id, school_id)
    select $1, band, $2, $3, $4 from unnest($5::int4[]) band on conflict do nothing";
/// And to whom it remembers that somebody has written.
const REMEMBER: &str = "insert into contact (school_id, sender_id, recipient_id, last_at)
    select $1, $2, recipient, now() from unnest($3::uuid[]) recipient
    on conflict (school_id, sender_id, recipient_id) do update set last_at = excluded.last_at";

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_from_before_texts_had_a_sender_keeps_them_as_its_senders() {
    let app = App::start().await;
    let sent = app.send(Who::TEACHER, to_class(CLASS, &["student"])).await.expect(201).body;
    let message: Uuid = sent["id"].as_str().unwrap().parse().unwrap();
    let database = app.database.connect().await;
    let bands = [2_000_000_001_i32, 2_000_000_002];
    for message in [message, Uuid::from_u128(7)] {
        let kept = database
            .execute(KEEP_TEXT, &[&0_i16, &Uuid::nil(), &message, &SCHOOL, &bands.as_slice()])
            .await
            .unwrap();
        assert_eq!(kept, 2);
    }
    let sql = "select sender_id, message_id from text_band where band = 2000000001 order by message_id";
    let senders: Vec<(Uuid, Uuid)> =
        database.query(sql, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect();
    let unknown = Uuid::from_u128(7);
    assert_eq!(senders, [(unknown, unknown), (Who::TEACHER.id(), message)]);
    let people = [Who::PUPIL.id(), Uuid::from_u128(8)];
    let known = database.execute(REMEMBER, &[&SCHOOL, &Who::TEACHER.id(), &people.as_slice()]).await.unwrap();
    assert_eq!(known, 2);
}
