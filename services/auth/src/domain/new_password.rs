//! Settles who may set a password: whoever holds a code that an administrator printed, or the old password and a one-time code.
//!
//! The old password alone is never enough: whoever stole it has that too.

use serde_json::json;
use shared::audit::{self, Actor, Entry, Order};
use shared::context::Context;
use shared::pg::{Transaction, Work};
use shared::session::{Claims, Membership};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::administration::{administered, is_fresh};
use super::attempts::{Origin, Outcome};
use super::breach_filter::BreachFilter;
use super::code_issue::{self, Issued};
use super::codes::{Code, Purpose};
use super::password_policy;
use super::revocation::{Act, Revocations, Target, revoke_in};
use super::sealed::SealingKey;
use super::security_event::Kind;
use super::sign_in::{Credentials, SignIn};
use super::waiting_room::Inside;
use crate::error::Error;
use crate::store;

/// Sets passwords. Cloning shares it.
#[derive(Clone)]
pub struct NewPasswords {
    /// Who people are.
    pub sign_in: SignIn,
    /// What ends the sessions of before.
    pub revocations: Revocations,
    /// Known passwords.
    pub filter: BreachFilter,
    /// What codes are stored under.
    pub code_key: SealingKey,
}

/// What opens an account, as typed.
pub struct Typed {
    /// Login.
    pub login: String,
    /// What an administrator printed.
    pub code: String,
    /// The password to set.
    pub password: Zeroizing<String>,
}

impl NewPasswords {
    /// Prints a code for somebody of a school that the caller administers; codes before it are good no more.
    pub async fn issue(
        &self,
        context: &Context,
        caller: &Claims,
        person_id: Uuid,
        purpose: Purpose,
        authority: String,
    ) -> Result<Issued, Error> {
        let schools = administered(caller)?;
        is_fresh(caller, context.clock().unix_seconds())?;
        let order = Order::new(Actor::Person(caller.sub), authority);
        code_issue::issue(
            &self.sign_in.database,
            &self.code_key,
            context,
            &order,
            (&schools, person_id),
            purpose,
        )
        .await
    }

    /// Sets a password by a code.
    pub async fn redeem(
        &self,
        context: &Context,
        inside: Inside,
        origin: Origin<'_>,
        purpose: Purpose,
        typed: Typed,
    ) -> Result<(), Error> {
        let login = typed.login.trim().to_lowercase();
        let attempts = &self.sign_in.attempts;
        let attempt = attempts.begin_code(context, &login, origin).await?;
        let outcome = self.redeem_inside(context, inside, purpose, &login, &typed).await;
        let ended = match &outcome {
            Ok(_) => Outcome::Right,
            Err(Error::CodeWrong) => Outcome::Wrong,
            Err(_) => Outcome::Open,
        };
        attempts.end(context, &attempt, ended).await?;
        let events = &self.sign_in.events;
        match &outcome {
            Ok((person_id, memberships)) => self.note_set(origin, (*person_id, memberships), purpose.name()),
            Err(Error::CodeWrong) => {
                events.note(events.now(Kind::CodeRefused, Some(purpose.name())).from(origin));
            }
            Err(_) => {}
        }
        outcome.map(drop)
    }

    fn note_set(
        &self,
        origin: Origin<'_>,
        (person_id, memberships): (Uuid, &[Membership]),
        by: &'static str,
    ) {
        let events = &self.sign_in.events;
        events.note(events.now(Kind::PasswordSet, Some(by)).from(origin).of(person_id, memberships));
    }

    async fn redeem_inside(
        &self,
        context: &Context,
        inside: Inside,
        purpose: Purpose,
        login: &str,
        typed: &Typed,
    ) -> Result<(Uuid, Vec<Membership>), Error> {
        let code = Code::parse(&typed.code).ok_or(Error::CodeWrong)?.stored(&self.code_key);
        let found = {
            let mut reader = self.sign_in.database.reader(context, Work::Login).await?;
            store::code::find(&mut reader, (&code, purpose.name()), login, context.clock().utc()).await?
        };
        let found = found.ok_or(Error::CodeWrong)?;
        let hash = self.hash(context, &typed.password, login, &found.memberships).await?;
        drop(inside);
        let mut transaction = self.sign_in.database.begin(context, Work::Login).await?;
        if !store::code::redeem(&mut transaction, &code, context.clock().utc()).await? {
            return Err(Error::CodeWrong);
        }
        self.set(context, transaction, found.person_id, &hash, purpose.name()).await?;
        Ok((found.person_id, found.memberships))
    }

    /// Sets a password by the old one and a one-time code. Nothing is unlocked by that.
    pub async fn replace(
        &self,
        context: &Context,
        inside: Inside,
        origin: Origin<'_>,
        credentials: Credentials,
        password: &Zeroizing<String>,
    ) -> Result<(), Error> {
        let login = credentials.login.trim().to_lowercase();
        let account = self.sign_in.identify_with_totp(context, inside, origin, &credentials).await?;
        let hash = self.hash(context, password, &login, &account.memberships).await?;
        let transaction = self.sign_in.database.begin(context, Work::Login).await?;
        self.set(context, transaction, account.person_id, &hash, "totp").await?;
        self.note_set(origin, (account.person_id, &account.memberships), "totp");
        Ok(())
    }

    async fn hash(
        &self,
        context: &Context,
        password: &str,
        login: &str,
        memberships: &[Membership],
    ) -> Result<String, Error> {
        let password = password_policy::normal(password);
        password_policy::check(&password, login, memberships, &self.filter)?;
        self.sign_in.hasher.make(context, password).await
    }

    /// Whoever knew the old password is signed out everywhere.
    async fn set(
        &self,
        context: &Context,
        mut transaction: Transaction,
        person_id: Uuid,
        hash: &str,
        by: &str,
    ) -> Result<(), Error> {
        let actor = Actor::Person(person_id);
        store::code::set_password(&mut transaction, person_id, hash, by != "totp").await?;
        let details = json!({ "reason": "password_set" });
        let act = Act { target: Target::Accounts(vec![person_id]), actor, authority: None, details };
        revoke_in(&mut transaction, &act).await?;
        keep(&mut transaction, actor, "password_set", person_id, json!({ "by": by })).await?;
        transaction.commit().await?;
        self.revocations.announce(context).await;
        Ok(())
    }
}

async fn keep(
    transaction: &mut Transaction,
    actor: Actor,
    act: &'static str,
    person_id: Uuid,
    details: serde_json::Value,
) -> Result<(), Error> {
    let entry = Entry { actor, act, subject: format!("account:{person_id}"), authority: None, details };
    Ok(audit::append(transaction, &entry).await?)
}
