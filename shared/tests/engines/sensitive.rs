//! Settles that a route whose line says `Sensitive` is closed while it cannot be told which sessions were ended, and others are not.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use shared::service::Service;
use shared::session::{News, Revocation, Scope};
use shared::testing::{ManualClock, Running, TestDatabase, TestKeys};
use uuid::Uuid;

use crate::service::Smallest;

const ACT: &str = "/auth/v1/act";
const LOOK: &str = "/auth/v1/look";
const PERSON: Uuid = Uuid::from_u128(1);

fn tell(running: &Running<Smallest>, upto: i64, revocations: Vec<Revocation>) {
    let view = &running.service.revoked;
    view.learn(&News { after: 0, upto, published: upto, revocations }, view.now_ms());
}

#[tokio::test(flavor = "multi_thread")]
async fn sensitive_routes_close_by_lag_and_revoked_sessions_are_told_so() {
    let database = TestDatabase::create("shared", Smallest::migrations).await;
    let (keys, clock) = (TestKeys::generate(), ManualClock::default());
    let config = Running::<Smallest>::config(&database, &keys, &json!({ "jwks_file": keys.file("jwks") }));
    let running = Running::<Smallest>::start(config, Arc::new(clock.clone()));
    let person = running.client().with_token(keys.token_at(&clock, PERSON, &[]));
    person.get(LOOK).await.expect_problem(503, "session_keys_unavailable");

    tell(&running, 0, vec![]);
    person.get(ACT).await.expect(204);
    clock.advance(Duration::from_secs(6));
    person.get(ACT).await.expect_problem(503, "revocation_lag");
    person.get(LOOK).await.expect(204);

    tell(&running, 0, vec![]);
    person.get(ACT).await.expect(204);
    let scope = Scope::Account { person: PERSON };
    tell(&running, 1, vec![Revocation { scope, epoch: 1 }]);
    person.get(LOOK).await.expect_problem(401, "session_revoked");
    person.get(ACT).await.expect_problem(401, "session_revoked");
    clock.advance(Duration::from_mins(10));
    person.get(LOOK).await.expect_problem(401, "sign_in_required");
}
