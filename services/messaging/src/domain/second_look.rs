//! Settles what detection is told of a send, inside its transaction, and what is kept of it for those that come after.

use chrono::{DateTime, Timelike, Utc};
use shared::paris;
use shared::pg::Transaction;
use shared::session::Role;
use uuid::Uuid;

use super::detection::behaviour::{Circumstances, Climate, Proof};
use super::detection::fingerprint::Fingerprint;
use super::detection::normalise::NormalText;
use super::detection::verdict::{Judgement, judge};
use super::detection::window::{Outgoing, Window, audience_mark};
use super::reach::Reach;
use super::sender::{Sender, age};
use crate::error::Error;
use crate::store;
use crate::store::usage::Habits;

/// A text as it is compared; of a new thread computed before the transaction begins.
#[derive(Debug)]
pub struct Text {
    /// In one shape.
    pub normal: NormalText,
    /// None for a short text.
    pub fingerprint: Option<Fingerprint>,
}

impl Text {
    /// Of a message, with the subject where its recipients read that for the first time.
    pub fn of(subject: Option<&str>, body: &str) -> Self {
        let normal = NormalText::of(&[subject.unwrap_or_default(), body].join("\n"));
        Self { fingerprint: Fingerprint::of(&normal), normal }
    }
}

/// What was seen.
#[derive(Debug)]
pub struct Look {
    /// What becomes of the send, and what is kept of it.
    pub judgement: Judgement,
    /// Equal for equal recipients.
    pub audience: i64,
}

/// Looks at a send.
pub async fn look(
    transaction: &mut Transaction,
    climate: Climate,
    sender: &Sender<'_>,
    (school_id, roles, reach): (Uuid, &[Role], &Reach),
    text: &Text,
) -> Result<Look, Error> {
    let now = transaction.context().clock().utc();
    let is_personnel = roles.iter().any(|role| role.is_staff());
    let place = (school_id, sender.claims.sub);
    let habits = store::usage::find_habits(transaction, place, &reach.recipients, now, !is_personnel).await?;
    let audience = audience_mark(&reach.recipients);
    let (recent, decisions) = match &text.fingerprint {
        Some(fingerprint) => store::text::find_alike(transaction, school_id, fingerprint, now).await?,
        None => (Vec::new(), Vec::new()),
    };
    let outgoing = Outgoing {
        school_id,
        sender_id: sender.claims.sub,
        audience,
        fingerprint: text.fingerprint.clone(),
        circumstances: circumstances(sender, is_personnel, reach, habits, now),
    };
    Ok(Look { judgement: judge(&outgoing, &Window { climate, recent, decisions }), audience })
}

fn circumstances(
    sender: &Sender<'_>,
    is_personnel: bool,
    reach: &Reach,
    habits: Habits,
    now: DateTime<Utc>,
) -> Circumstances {
    let has_codes = sender.claims.amr.iter().any(|method| method == "otp");
    let code_age = age(sender.claims.auth_time, now);
    Circumstances {
        is_personnel,
        device_age: sender.device_age(now),
        // A device is known to the account since its password was set with a code, at the earliest (`Claims::dev_since`).
        reset_age: None,
        proof: if has_codes { Proof::CodeAge(code_age) } else { Proof::Impossible },
        local_hour: u8::try_from(paris::local(now).hour()).unwrap_or(0),
        recipients: u32::try_from(reach.recipients.len()).unwrap_or(u32::MAX),
        widest_before: habits.widest_before,
        new_recipients: habits.new_recipients,
        reaches_personnel: reach.kinds.iter().flatten().any(|role| role.is_staff()),
    }
}
