//! Settles how somebody who is signed in proves again who they are: a one-time code, whose moment the next token carries.

use shared::context::Context;
use shared::pg::Work;
use shared::session::Claims;

use super::attempts::Outcome;
use super::security_event::{self, Kind, Seen};
use super::session_tokens::Granted;
use super::sign_in::SignIn;
use crate::error::{AuthenticatorError, Error};
use crate::store;

/// Raises `auth_time` and `amr` of the caller's session. The handle must be of that session: a token alone does not do.
pub async fn step_up(
    sign_in: &SignIn,
    context: &Context,
    caller: &Claims,
    presented: &str,
    (code, seen): (&str, Seen<'_>),
) -> Result<Granted, Error> {
    let handle = sign_in.sessions.tokens.open_handle(presented)?;
    if (handle.sid, handle.sub) != (caller.sid, caller.sub) {
        return Err(Error::SessionOver);
    }
    let attempt = sign_in.attempts.begin_step_up(context, caller.sub).await?;
    let outcome = prove(sign_in, context, caller, code).await;
    let ended = match &outcome {
        Ok(()) => Outcome::Right,
        Err(Error::TotpWrong | Error::TotpUsed) => Outcome::Wrong,
        Err(_) => Outcome::Open,
    };
    sign_in.attempts.end(context, &attempt, ended).await?;
    match &outcome {
        Ok(()) => sign_in.sessions.note(Kind::SteppedUp, &handle, seen),
        Err(error) if security_event::refusal(error).is_some() => {
            sign_in.sessions.note(Kind::StepUpRefused, &handle, seen);
        }
        Err(_) => {}
    }
    outcome?;
    sign_in.sessions.raise(context, handle, seen).await
}

async fn prove(sign_in: &SignIn, context: &Context, caller: &Claims, code: &str) -> Result<(), Error> {
    let secret = {
        let mut reader = sign_in.database.reader(context, Work::Login).await?;
        store::authenticator::find_secret(&mut reader, caller.sub).await?
    };
    let secret = secret.ok_or(AuthenticatorError::NoAuthenticator)?;
    sign_in.authenticators.use_totp_code(context, caller.sub, &secret, code).await
}
