//! Settles what auth is made of once its engines answer.

use std::sync::Arc;

use actix_web::web;
use refinery::Runner;
use serde_json::{Map, Value, json};
use shared::ablation::Part;
use shared::audit;
use shared::config::Invalid;
use shared::context::Context;
use shared::feed::Publisher;
use shared::http::Routes;
use shared::keys;
use shared::pg::Database;
use shared::service::{Kit, SeedPlan, Service, StartError};
use shared::session::{Follower, Keyring, RevocationView, Streams, Verifier};
use utoipa::OpenApi;

use crate::config::{Config, Passwords};
use crate::domain::attempts::Attempts;
use crate::domain::authenticators::Authenticators;
use crate::domain::breach_filter::{self, BreachFilter};
use crate::domain::device::Device;
use crate::domain::hasher::Hasher;
use crate::domain::new_password::NewPasswords;
use crate::domain::rehash::Rehash;
use crate::domain::revocation::Revocations;
use crate::domain::sealed::SealingKey;
use crate::domain::sealed_secret::SecretKeys;
use crate::domain::security_events::SecurityEvents;
use crate::domain::session::Sessions;
use crate::domain::session_copies::SessionCopies;
use crate::domain::session_tokens::SessionTokens;
use crate::domain::sign_in::SignIn;
use crate::domain::signing_keys::SigningKeys;
use crate::domain::switches::Switches;
use crate::domain::waiting_room::{Lane, WaitingRoom};
use crate::store::account::Account;
use crate::worker::campaign;
use crate::worker::sweeper::Sweeper;
use crate::worker::waiting_room::Keeper;
use crate::{http, store};

mod migrations {
    refinery::embed_migrations!("migrations");
}

/// The open service.
#[derive(Clone)]
pub struct Auth {
    sign_in: SignIn,
    new_passwords: NewPasswords,
    revocations: Revocations,
    follower: Follower,
    waiting_room: WaitingRoom,
    device_key: SealingKey,
    waiting: crate::config::WaitingRoom,
    verifier: Verifier,
    publisher: Publisher,
    audit: audit::Log,
}

impl Auth {
    pub(crate) fn audit(&self) -> &audit::Log {
        &self.audit
    }

    pub(crate) fn sign_in(&self) -> &SignIn {
        &self.sign_in
    }

    pub(crate) fn new_passwords(&self) -> &NewPasswords {
        &self.new_passwords
    }

    pub(crate) fn authenticators(&self) -> &Authenticators {
        &self.sign_in.authenticators
    }

    pub(crate) fn waiting_room(&self) -> &WaitingRoom {
        &self.waiting_room
    }

    /// Where people go when it is their turn.
    pub(crate) fn sign_in_page(&self) -> &str {
        &self.waiting.sign_in_page
    }

    /// The device of a cookie, if it is one of ours.
    pub(crate) fn open_device(&self, cookie: &str) -> Option<Device> {
        Device::open(cookie, &self.device_key)
    }

    /// A device on which somebody has signed in, as its cookie carries it.
    pub(crate) fn remember(&self, context: &Context, device: Device, account: &Account) -> String {
        let lane = Lane::of(&account.memberships);
        device.with(account.person_id, lane, context.clock().unix_seconds()).seal(&self.device_key)
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        &self.sign_in.sessions
    }

    pub(crate) fn switches(&self) -> &Switches {
        &self.sign_in.sessions.switches
    }

    pub(crate) fn revocations(&self) -> &Revocations {
        &self.revocations
    }

    pub(crate) fn database(&self) -> &Database {
        &self.sign_in.database
    }
}

impl Service for Auth {
    const NAME: &'static str = "auth";
    const DOCS_PATH: &'static str = "/auth/docs/";
    type Own = Config;

    fn migrations() -> Runner {
        migrations::migrations::runner()
    }

    fn seed_plan() -> SeedPlan {
        store::seed::PLAN
    }

    fn openapi_head() -> utoipa::openapi::OpenApi {
        http::Head::openapi()
    }

    fn public_routes(routes: &mut Routes<'_, '_>) {
        http::public(routes);
    }

    fn internal_routes(&self, routes: &mut web::ServiceConfig) {
        routes.app_data(web::Data::new(self.publisher.clone())).configure(http::internal);
    }

    async fn open(own: &Config, kit: &Kit) -> Result<Self, StartError> {
        refuse_demo_accounts(kit).await?;
        let (revocations, follower) = follow_revocations(kit).await?;
        let switches =
            Switches::new(kit.database.clone(), kit.clock.clone(), own.access_tokens.shortest_idle_s());
        switches.read().await?;
        let (files, clock) = (own.access_tokens.signing_key_files(), kit.clock.clone());
        let signing_keys = SigningKeys::open(files, kit.profile, &kit.database, clock.clone()).await?;
        let tokens = SessionTokens::open(&own.access_tokens, signing_keys, kit.profile, clock)?;
        let length = own.security_events.queue;
        let events =
            SecurityEvents::new(kit.database.clone(), kit.clock.clone(), kit.instance.clone(), length);
        let sessions = Sessions {
            events: events.clone(),
            database: kit.database.clone(),
            cluster: kit.cluster.clone(),
            clock: kit.clock.clone(),
            tokens,
            lifetimes: own.sessions,
            copies: SessionCopies::new(kit.database.clone(), kit.clock.clone()),
            revocations: revocations.clone(),
            switches,
        };
        let threads = own.sign_in.hash_threads.unwrap_or_else(cores);
        let hasher = Hasher::start(threads, own.sign_in.hash_share, own.sign_in.queue, kit.clock.clone())?;
        let keyring = Keyring::of(&sessions.tokens.jwks());
        let is_ablated = kit.breakers.ablation().removes(Part::Revocation);
        let verifier =
            Verifier::new(keyring, revocations.view().clone(), kit.clock.clone()).ablated(is_ablated);
        let publisher =
            Publisher::new(Self::NAME, kit.database.clone(), kit.cluster.clone(), kit.clock.clone());
        let secret = keys::read_secret(&own.access_tokens.refresh_key_file, kit.profile)?;
        let is_ablated = kit.breakers.ablation().removes(Part::WaitingRoom);
        let waiting_room = WaitingRoom::new(&secret, hasher.clone(), kit.clock.clone(), is_ablated);
        waiting_room.observe(kit.metrics.meter());
        let code_key = SealingKey::derive(&secret, "code");
        let attempts = Attempts::new(&secret, kit.cluster.clone(), kit.clock.clone());
        let authenticators = Authenticators {
            events: events.clone(),
            database: kit.database.clone(),
            attempts: attempts.clone(),
            revocations: revocations.clone(),
            keys: SecretKeys::open(&own.authenticators, kit.profile)?,
            code_key: code_key.clone(),
            issuer: own.authenticators.issuer.as_str().into(),
            recoveries: Arc::default(),
        };
        let rehash = Rehash::new(kit.database.clone(), hasher.clone(), kit.clock.clone());
        let sign_in = SignIn {
            events,
            rehash,
            database: kit.database.clone(),
            hasher,
            cluster: kit.cluster.clone(),
            attempts,
            authenticators,
            sessions,
            profile: kit.profile,
        };
        let new_passwords = NewPasswords {
            sign_in: sign_in.clone(),
            revocations: revocations.clone(),
            filter: known_passwords(&own.passwords)?,
            code_key,
        };
        let device_key = SealingKey::derive(&secret, "device");
        let waiting = own.waiting_room.clone();
        Ok(Self {
            sign_in,
            new_passwords,
            revocations,
            follower,
            waiting_room,
            device_key,
            waiting,
            verifier,
            publisher,
            audit: kit.audit.clone(),
        })
    }

    fn start_workers(&self, kit: &Kit) {
        kit.workers.spawn(|stop| kit.audit.clone().run(stop));
        kit.workers.spawn(|stop| self.publisher.clone().run(stop));
        for stream in 0..Streams::COUNT {
            kit.workers.spawn(|stop| self.revocations.clone().tell(stream, stop));
        }
        kit.workers.spawn(|stop| self.revocations.clone().sweep(stop));
        kit.workers.spawn(|stop| self.switches().clone().run(stop));
        let (revocations, clock) = (self.revocations.clone(), kit.clock.clone());
        kit.workers.spawn(|stop| campaign::run(revocations, clock, stop));
        kit.workers.spawn(|stop| self.sessions().copies.clone().write(stop));
        kit.workers.spawn(|stop| self.sessions().copies.clone().sweep(stop));
        let revocations = self.revocations.clone();
        self.follower.start(&kit.workers, move |context, after| revocations.clone().ask(context, after));
        kit.workers.spawn(|stop| self.sign_in.rehash.clone().run(stop));
        kit.workers.spawn(|stop| self.sign_in.events.clone().write(stop));
        let keeper = Keeper {
            room: self.waiting_room.clone(),
            cluster: kit.cluster.clone(),
            clock: kit.clock.clone(),
            instance: kit.instance.clone(),
            weights: self.waiting.weights,
            switches: self.switches().clone(),
        };
        kit.workers.spawn(|stop| keeper.run(stop));
        let sweeper = Sweeper { database: kit.database.clone(), clock: kit.clock.clone() };
        kit.workers.spawn(|stop| sweeper.run(stop));
    }

    fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    fn status(&self) -> Map<String, Value> {
        [
            ("sign_ins_waiting".to_owned(), json!(self.sign_in.hasher.waiting())),
            ("hashes".to_owned(), self.sign_in.hasher.report()),
            ("recovery_codes_used".to_owned(), json!(self.authenticators().recovered())),
            ("sign_ins_held_back".to_owned(), self.sign_in.attempts.status()),
            ("waiting_room".to_owned(), self.waiting_room.status()),
            ("security_events".to_owned(), self.sign_in.events.report()),
            ("session_copies".to_owned(), self.sessions().copies.report()),
            ("revocations".to_owned(), self.revocations.view().report()),
            ("switches".to_owned(), self.switches().report()),
        ]
        .into_iter()
        .collect()
    }
}

/// A list that is configured and cannot be read keeps the service from starting: no password is set unchecked.
fn known_passwords(passwords: &Passwords) -> Result<BreachFilter, StartError> {
    let filter = BreachFilter::built_in();
    filter.prepare()?;
    let Some(file) = &passwords.breach_filter_file else { return Ok(filter) };
    let list = breach_filter::read(file).map_err(|error| {
        Invalid::new(format!("own.passwords.breach_filter_file: {}: {error}", file.display()))
    })?;
    Ok(filter.with(list))
}

/// What was revoked is known before anybody is let in.
async fn follow_revocations(kit: &Kit) -> Result<(Revocations, Follower), StartError> {
    let view = RevocationView::new(kit.clock.clone());
    view.observe(kit.metrics.meter());
    let streams = Streams::new(kit.cluster.clone());
    let revocations = Revocations::new(kit.database.clone(), streams, view.clone(), kit.clock.clone());
    let follower = Follower::new(view, kit.cluster.clone(), kit.clock.clone());
    let ask = |context, after| revocations.clone().ask(context, after);
    follower.catch_up(&ask).await.map_err(|error| Invalid::new(format!("revocations: {error}")))?;
    Ok((revocations, follower))
}

/// A database with demo accounts, whose passwords are known to everybody, must not be opened to real people; nor one with
/// secrets of authenticators that were never encrypted.
async fn refuse_demo_accounts(kit: &Kit) -> Result<(), StartError> {
    if kit.profile.accepts_demo() {
        return Ok(());
    }
    let context = Context::background(kit.clock.clone(), std::time::Duration::from_secs(5));
    let mut reader = kit.database.read(&context).await?;
    if store::authenticator::exists_plain(&mut reader).await? {
        let message =
            "the database holds secrets of authenticators that are not encrypted: people enrol anew";
        return Err(Invalid::new(message).into());
    }
    if store::account::exists_demo(&mut reader).await? {
        let message = format!(
            "the database holds demo accounts and profile is {}: use a database of its own",
            kit.profile
        );
        return Err(Invalid::new(message).into());
    }
    Ok(())
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
