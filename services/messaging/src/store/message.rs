//! Settles how a message is stored: one body, whatever the number of its recipients.

use chrono::{DateTime, Utc};
use shared::pg::{Error, ToSql, Transaction};
use uuid::Uuid;

use crate::domain::audience::Audience;

/// A row to be.
pub struct NewMessage {
    /// The school.
    pub school_id: Uuid,
    /// The message.
    pub id: Uuid,
    /// Its thread.
    pub thread_id: Uuid,
    /// The sender.
    pub sender_id: Uuid,
    /// How many deliveries it has.
    pub recipient_count: i32,
    /// The text.
    pub body: String,
    /// When it was sent.
    pub sent_at: DateTime<Utc>,
}

/// Stores a message.
pub async fn insert(
    transaction: &mut Transaction,
    new: &NewMessage,
    audience: &Audience,
) -> Result<(), Error> {
    let sql = "insert into message
                 (school_id, id, thread_id, sender_id, audience, recipient_count, body, sent_at)
               values ($1, $2, $3, $4, $5, $6, $7, $8)";
    let audience = serde_json::to_value(audience).unwrap_or_default();
    let params: [&(dyn ToSql + Sync); 8] = [
        &new.school_id,
        &new.id,
        &new.thread_id,
        &new.sender_id,
        &audience,
        &new.recipient_count,
        &new.body,
        &new.sent_at,
    ];
    transaction.execute(sql, &params).await.map(|_| ())
}
