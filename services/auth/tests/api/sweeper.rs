//! Settles that rows are deleted when they have ended, and no sooner.

use std::sync::Arc;

use auth::Auth;
use serde_json::json;
use shared::clock::Clock;
use shared::testing::{ManualClock, Running, eventually};

use crate::app::{App, config};

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_is_deleted_in_batches_and_the_rest_stays() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    let now = clock.utc().to_rfc3339();
    let sql = format!(
        "insert into account_code (code_hash, person_id, purpose, created_at, expires_at, used_at)
           select lpad(n::text, 22, '0'), '00000000-0000-0000-0000-000000000001', 'reset', '{now}',
                  '{now}'::timestamptz + interval '1 day' * (case when n <= 2500 then -1 else 1 end),
                  case when n = 2501 then '{now}'::timestamptz - interval '1 minute' end
           from generate_series(1, 2503) n;
         insert into authenticator_enrolment (person_id, secret, expires_at) values
           ('00000000-0000-0000-0000-000000000001', 's1.ended', '{now}'::timestamptz - interval '1 minute'),
           ('00000000-0000-0000-0000-000000000002', 's1.open', '{now}'::timestamptz + interval '1 minute');
         insert into containment (caller, key, person_id, epoch, contained_at)
           select 'messaging', n::text, '00000000-0000-0000-0000-000000000001', 1, '{now}'::timestamptz - interval '1 day' * n
           from generate_series(1, 40) n;
         insert into switch (id, kind, role, starts_at, ends_at, authority)
           select gen_random_uuid(), 'sign_in_closed', 'Staff', '{now}'::timestamptz - interval '1 day' * (n + 1),
                  '{now}'::timestamptz - interval '1 day' * n, 'Principal'
           from generate_series(390, 410) n;
         insert into campaign (school_id, id, purpose, fingerprint, created_by, authority, created_at)
           select school, school, 'reset', '', school, 'Principal', '{now}'::timestamptz - interval '1 day' * n
           from generate_series(390, 410) n, lateral (select lpad(n::text, 32, '0')::uuid as school) named;
         insert into campaign_sheet (school_id, campaign_id, number, heading) select school_id, id, 1, '3e A' from campaign;
         insert into campaign_member (school_id, campaign_id, person_id, sheet, state)
           select school_id, id, lpad(n::text, 32, '0')::uuid, 1, 'ready' from campaign, generate_series(1, 150) n;
         insert into security_event (id, at, last_at, count, kind, school_ids)
           select gen_random_uuid(), at, at, 1, 'signed_in', '{{}}'
           from generate_series(356, 375) n, lateral (select '{now}'::timestamptz - interval '1 day' * n as at) dated;
         insert into security_event_loss (id, instance, from_at, until_at, count)
           select id, 'auth-1', at, at, 1 from security_event;
         insert into security_event_writer (id, instance, started_at, written_at, ended_at)
           select id, 'auth-1', at, at, at from security_event;"
    );
    let database = app.database.connect().await;
    database.batch_execute(&sql).await.unwrap();
    // Every instance sweeps when it starts.
    let beside = Running::<Auth>::start(config(&app.database, &app.keys, json!({})), Arc::new(clock.clone()));
    let left = async || {
        let sql =
            "select (select count(*) from account_code), (select count(*) from authenticator_enrolment),
                          (select count(*) from containment), (select count(*) from switch),
                          (select count(*) from campaign), (select count(*) from campaign_sheet),
                          (select count(*) from campaign_member), (select count(*) from security_event),
                          (select count(*) from security_event_loss),
                          (select count(*) from security_event_writer where instance = 'auth-1')";
        let row = database.query_one(sql, &[]).await.unwrap();
        std::array::from_fn(|column| row.get::<_, i64>(column))
    };
    let expected = [2, 1, 31, 11, 11, 11, 11 * 150, 11, 11, 11];
    eventually("what has ended is gone", async || left().await == expected).await;
    drop(beside);
}
