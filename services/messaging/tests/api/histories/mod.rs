//! Settles by random histories, many people at once over HTTP, that what is closed, ended or withdrawn stays so, and that nothing is lost.
//!
//! In each history three pupils and a teacher of a school of its own send and read, while its head and administrator restrict,
//! withdraw, restore, secure accounts and end sessions. What must hold is checked against what each of them was answered:
//!
//! - no message of pupils is accepted after a restriction was answered, and the teacher's go on;
//! - no message of an account is accepted after the response to it was answered, and none of it is left to be seen;
//! - a session that was refused once as ended is never let in again (what it was let in for before that may end after it);
//! - what was answered before a recall began is covered by it, and what a recall in force covers is in nobody's mailbox;
//! - mailboxes hold what was acknowledged, each message once, and unread counts are those of the mailboxes.
//!
//! `ENT_HISTORIES` says how many (200 without it), `ENT_HISTORY` which one alone: a failure names its number.

mod checks;
mod people;
mod stewards;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{join, join_all};
use futures_util::stream::iter;
use rand::SeedableRng;
use rand::rngs::StdRng;
use shared::ablation::{Ablation, Part};
use shared::clock::system_clock;
use shared::context::Context;
use shared::redis::Cluster;
use shared::service::Config;
use shared::session::{Claims, News, Revocation, Role, Scope, Streams};
use shared::testing::{Client, breakers, eventually};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio_postgres::Client as Database;
use uuid::Uuid;

use crate::app::{App, Who};
use crate::stand_in::StandIn;
use people::Act;
use stewards::Measure;

/// Histories at a time.
const AT_ONCE: usize = 6;

/// What all histories share.
struct World {
    app: App,
    database: Database,
    streams: Streams,
    auth: StandIn,
    epoch: Mutex<i64>,
    /// Orders what happens: what ended at a lower number than another thing began was before it.
    moments: AtomicU64,
    /// Whose connections all browsers share: there are tens of thousands of them.
    client: Client,
}

/// A school of its own.
struct School {
    number: u64,
    id: Uuid,
    class: Uuid,
    pupils: [Who; 3],
    teacher: Who,
    head: Who,
    admin: Who,
}

/// When something was asked and when it was answered.
#[derive(Debug, Clone, Copy)]
struct Span {
    begin: u64,
    end: u64,
}

impl World {
    async fn start() -> Self {
        let auth = StandIn::start().await;
        // At night first messages wait for a second look, and these histories are about what is refused and withdrawn.
        let without_holds =
            |config: &mut Config<messaging::Config>| config.ablate = Ablation::default().without(Part::Hold);
        let app = App::start_changed(&auth.server.uri(), without_holds).await;
        let cluster = Cluster::connect(&app.config.redis, &breakers(), &Handle::current()).await.unwrap();
        let database = app.database.connect().await;
        let (streams, epoch, moments) = (Streams::new(cluster), Mutex::new(0), AtomicU64::new(0));
        let client = app.messaging.client();
        Self { app, database, streams, auth, epoch, moments, client }
    }

    /// The browser of a signed-in person.
    fn browser(&self, who: Who) -> Client {
        self.client.another().with_token(self.app.token(&[who], |_| {}))
    }

    /// The same of somebody who has just given a one-time code.
    fn proved(&self, who: Who) -> Client {
        let code = |claims: &mut Claims| claims.amr.push("otp".to_owned());
        self.client.another().with_token(self.app.token(&[who], code))
    }

    fn moment(&self) -> u64 {
        self.moments.fetch_add(1, Ordering::SeqCst)
    }

    /// What something was answered, and when.
    async fn timed<T>(&self, work: impl Future<Output = T>) -> (T, Span) {
        let begin = self.moment();
        let answer = work.await;
        (answer, Span { begin, end: self.moment() })
    }

    async fn count(&self, sql: &str, ids: &[Uuid]) -> i64 {
        self.database.query_one(sql, &[&ids]).await.unwrap().get(0)
    }

    /// Ends the sessions of an account and tells it, as auth does.
    async fn revoke(&self, person: Uuid) {
        let mut last = self.epoch.lock().await;
        let (after, epoch) = (*last, *last + 1);
        let revocation = Revocation { scope: Scope::Account { person }, epoch };
        let news = News { after, upto: epoch, published: epoch, revocations: vec![revocation] };
        self.auth.revoke(revocation);
        let context = Context::background(system_clock(), Duration::from_secs(5));
        for key in self.streams.keys() {
            eventually("auth, which asks again until Redis has the news, has told it", async || {
                let Ok(mark) = self.streams.mark(&context, key).await else { return false };
                self.streams.append(&context, key, mark, &news).await.is_ok()
            })
            .await;
        }
        *last = epoch;
    }
}

impl School {
    async fn open(world: &World, number: u64) -> Self {
        let id = |kind: u128| Uuid::from_u128(kind << 100 | u128::from(number));
        let who = |kind: u128, role| Who(kind << 100 | u128::from(number), id(1), role);
        let school = Self {
            number,
            id: id(1),
            class: id(2),
            pupils: [3, 4, 5].map(|kind| who(kind, Role::Student)),
            teacher: who(6, Role::Teacher),
            head: who(7, Role::Principal),
            admin: who(8, Role::LocalAdmin),
        };
        let people = [&school.pupils[..], &[school.teacher, school.head, school.admin]].concat();
        let (ids, roles): (Vec<Uuid>, Vec<&str>) = people.iter().map(|who| (who.id(), who.2.name())).unzip();
        let sql = "with s as (insert into directory.school values ($1, '0750655E', 'Collège')),
                        g as (insert into roster.student_group values ($1, $2, 'class', '3eA')),
                        e as (insert into roster.enrolment
                              select $1, $2, id, case role when 'Student' then 'student' else 'teacher' end
                              from unnest($3::uuid[], $4::text[]) p(id, role) where role in ('Student', 'Teacher'))
                   insert into directory.membership select $1, id, role from unnest($3::uuid[], $4::text[]) p(id, role)";
        world.database.execute(sql, &[&school.id, &school.class, &ids, &roles]).await.unwrap();
        school
    }

    /// Everybody who has a mailbox here.
    fn readers(&self) -> Vec<Who> {
        [&self.pupils[..], &[self.teacher]].concat()
    }
}

/// Everybody acts at once; then what they were answered is compared.
async fn history(world: &World, number: u64) {
    let mut dice = StdRng::seed_from_u64(number);
    let school = School::open(world, number).await;
    let senders = school.readers();
    let browsers: Vec<(Who, Client)> = senders.iter().map(|who| (*who, world.browser(*who))).collect();
    let scripts: Vec<Vec<Act>> = senders.iter().map(|_| people::script(&mut dice)).collect();
    let measures = Measure::some(&mut dice);
    let acting = join_all(
        browsers
            .iter()
            .zip(scripts)
            .map(|((who, browser), script)| people::run(world, &school, *who, browser, script)),
    );
    let (done, measured) = join(acting, stewards::run(world, &school, measures, &browsers)).await;
    checks::everything_holds(world, &school, &done.into_iter().flatten().collect::<Vec<_>>(), &measured)
        .await;
}

#[expect(clippy::disallowed_methods, reason = "how many histories is said by whoever runs them")]
fn asked_for(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_history_of_restrictions_recalls_and_revocations_lets_anything_through() {
    let world = Arc::new(World::start().await);
    let numbers = match asked_for("ENT_HISTORY") {
        Some(number) => number..number + 1,
        None => 0..asked_for("ENT_HISTORIES").unwrap_or(200),
    };
    let world = &world;
    iter(numbers).for_each_concurrent(AT_ONCE, async |number| history(world, number).await).await;
}
