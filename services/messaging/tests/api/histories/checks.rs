//! Settles what must hold at the end of every history, by what everybody was answered.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use shared::session::Role;
use uuid::Uuid;

use super::people::{Done, Outcome, settled};
use super::stewards::{Effect, Measured, SENT};
use super::{School, World};
use crate::app::Who;

/// Compares answers with each other and with what is to be seen now.
pub async fn everything_holds(world: &World, school: &School, done: &[Done], measured: &[Measured]) {
    let number = school.number;
    acknowledged_is_there_once(world, school, done).await;
    for one in measured {
        match &one.effect {
            Effect::Restricted(sent) => {
                let pupils: Vec<Uuid> = school.pupils.iter().map(|who| who.id()).collect();
                assert_eq!(world.count(SENT, &pupils).await, *sent, "{number}: sent after the restriction");
                nothing_accepted_after(number, done, one, &pupils);
            }
            Effect::Responded(who, recall, sent) => {
                assert_eq!(world.count(SENT, &[who.id()]).await, *sent, "{number}: sent after the response");
                nothing_accepted_after(number, done, one, &[who.id()]);
                covers_what_was_answered(world, school, done, one, &[who.id()], *recall).await;
            }
            Effect::Recalled(senders, recall) => {
                covers_what_was_answered(world, school, done, one, senders, *recall).await;
            }
            Effect::Revoked(who) => {
                nothing_accepted_after(number, done, one, &[who.id()]);
                let browser = world.browser(*who);
                let answer = settled(async || browser.get("/messaging/v1/home").await).await;
                assert_eq!(answer.code(), "session_revoked", "{number}: an ended session acts again");
            }
            Effect::Restored | Effect::Nothing => {}
        }
    }
    let teacher = done.iter().filter(|one| one.who.2 == Role::Teacher);
    for one in teacher {
        assert!(!matches!(one.outcome, Outcome::Refused(_)), "{number}: the school's own goes on: {one:?}");
    }
    mailboxes_are_exact(world, school, done, measured).await;
}

async fn acknowledged_is_there_once(world: &World, school: &School, done: &[Done]) {
    let sql = "select id from message where school_id = $1";
    let rows = world.database.query(sql, &[&school.id]).await.unwrap();
    let kept: BTreeSet<Uuid> = rows.iter().map(|row| row.get(0)).collect();
    let answered: Vec<Uuid> = sent(done).map(|(id, ..)| id).collect();
    assert_eq!(kept, answered.iter().copied().collect(), "{}: lost, or kept unasked", school.number);
    assert_eq!(kept.len(), answered.len(), "{}: doubled", school.number);
}

fn sent(done: &[Done]) -> impl Iterator<Item = (Uuid, &[Uuid], &Done)> {
    done.iter().filter_map(|one| match &one.outcome {
        Outcome::Sent { id, to } => Some((*id, to.as_slice(), one)),
        Outcome::Looked | Outcome::Refused(_) => None,
    })
}

/// What was begun after a measure was answered is refused.
fn nothing_accepted_after(number: u64, done: &[Done], measure: &Measured, senders: &[Uuid]) {
    let mut theirs = sent(done).filter(|(.., one)| senders.contains(&one.who.id()));
    let late = theirs.find(|(.., one)| one.span.begin > measure.span.end);
    assert!(late.is_none(), "{number}: accepted after {measure:?}: {late:?}");
}

/// What was answered before a recall began is covered by it.
async fn covers_what_was_answered(
    world: &World,
    school: &School,
    done: &[Done],
    measure: &Measured,
    senders: &[Uuid],
    recall: Option<Uuid>,
) {
    let sql = "select message_id from recall_message where school_id = $1 and recall_id = $2";
    let rows = world.database.query(sql, &[&school.id, &recall.unwrap_or_default()]).await.unwrap();
    let covered: BTreeSet<Uuid> = rows.iter().map(|row| row.get(0)).collect();
    for (id, _, one) in sent(done).filter(|(.., one)| senders.contains(&one.who.id())) {
        let is_before = one.span.end < measure.span.begin;
        assert!(!is_before || covered.contains(&id), "{}: {measure:?} missed {one:?}", school.number);
    }
    // A response lets nothing of the account through, whatever was under way.
    if let Effect::Responded(who, ..) = &measure.effect {
        let all = sent(done).filter(|(.., one)| one.who.0 == who.0);
        assert!(all.map(|(id, ..)| id).all(|id| covered.contains(&id)), "{}: {measure:?}", school.number);
    }
}

/// Mailboxes hold what was acknowledged and is not withdrawn, each once, and counts are theirs.
async fn mailboxes_are_exact(world: &World, school: &School, done: &[Done], measured: &[Measured]) {
    let sql = "select c.message_id from recall_message c join recall r on r.school_id = c.school_id and r.id = c.recall_id
               where c.school_id = $1 and r.state <> 'restored'";
    let rows = world.database.query(sql, &[&school.id]).await.unwrap();
    let withdrawn: BTreeSet<Uuid> = rows.iter().map(|row| row.get(0)).collect();
    let mut expected = BTreeMap::<Uuid, Vec<Uuid>>::new();
    for (id, to, _) in sent(done).filter(|(id, ..)| !withdrawn.contains(id)) {
        for person in to {
            expected.entry(*person).or_default().push(id);
        }
    }
    let is_revoked = |who: &Who| {
        measured.iter().any(|one| matches!(&one.effect, Effect::Revoked(revoked) if revoked.0 == who.0))
    };
    for who in school.readers().into_iter().filter(|who| !is_revoked(who)) {
        let browser = world.browser(who);
        let inbox =
            settled(async || browser.get("/messaging/v1/inbox?limit=100").await).await.expect(200).body;
        let messages = inbox["messages"].as_array().unwrap();
        let mut seen: Vec<Uuid> = messages.iter().map(|one| id_of(&one["id"])).collect();
        let mut expected = expected.remove(&who.id()).unwrap_or_default();
        seen.sort_unstable();
        expected.sort_unstable();
        assert_eq!(seen, expected, "{}: the mailbox of {}", school.number, who.0);
        let unread = i64::try_from(messages.iter().filter(|one| one["read"] == false).count()).unwrap();
        let home = settled(async || browser.get("/messaging/v1/home").await).await.expect(200).body;
        assert_eq!(home["unread_count"], unread, "{}: the unread count of {}", school.number, who.0);
    }
}

fn id_of(value: &Value) -> Uuid {
    value.as_str().unwrap().parse().unwrap()
}
