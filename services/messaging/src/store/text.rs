//! Settles how texts are recognised: the bands of their fingerprints, of sends for ten minutes, of decisions for longer.

use std::time::Duration;

use chrono::{DateTime, Utc};
use shared::pg::{Error, Row, ToSql, Transaction};
use uuid::Uuid;

use crate::domain::detection::fingerprint::Fingerprint;
use crate::domain::detection::window::{
    DECISIONS_IN_A_BAND, Decision, LOOKED_BACK, MOST_DECISIONS, MOST_RECENT, RECENT_IN_A_BAND, REFUSED_FOR,
    RELEASED_FOR, Recent,
};

/// Why a text is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Somebody sent it.
    Sent,
    /// It was refused, or recalled.
    Refused,
    /// It was released, in its own school.
    Released,
}

impl Kind {
    fn number(self) -> i16 {
        match self {
            Self::Sent => 0,
            Self::Refused => 1,
            Self::Released => 2,
        }
    }

    fn kept_for(self) -> Duration {
        match self {
            Self::Sent => LOOKED_BACK,
            Self::Refused => REFUSED_FOR,
            Self::Released => RELEASED_FOR,
        }
    }

    fn scope(self, school: Uuid) -> Uuid {
        match self {
            Self::Sent | Self::Refused => Uuid::nil(),
            Self::Released => school,
        }
    }

    /// The ids of messages that count are after this one.
    fn after(self, now: DateTime<Utc>) -> Uuid {
        first_id_of(now - self.kept_for())
    }
}

/// Before every id of this millisecond and of later ones: ids are UUIDv7, whose first 48 bits are the time.
pub fn first_id_of(moment: DateTime<Utc>) -> Uuid {
    Uuid::from_u128(u128::try_from(moment.timestamp_millis()).unwrap_or(0) << 80)
}

/// What others sent lately and what was decided, of texts that share a band with this one.
pub async fn find_alike(
    transaction: &mut Transaction,
    school: Uuid,
    fingerprint: &Fingerprint,
    now: DateTime<Utc>,
) -> Result<(Vec<Recent>, Vec<Decision>), Error> {
    let one = |kind: i16, scope: &str, after: &str, limit: usize| {
        format!(
            "(select kind, message_id, school_id from text_band
              where kind = {kind} and text_band.band = b.band and scope = {scope} and message_id > {after}
              order by message_id desc limit {limit})"
        )
    };
    let nowhere = "'00000000-0000-0000-0000-000000000000'";
    let sql = format!(
        "with near as (
             select distinct n.kind, n.message_id, n.school_id from unnest($1::int4[]) b (band) cross join lateral (
                 {} union all {} union all {}) n),
         placed as (select *, row_number() over (partition by kind order by message_id desc) as place from near)
         select p.kind, m.school_id, m.sender_id, m.audience_mark, m.fingerprint, m.is_noticed
         from placed p join message m on m.school_id = p.school_id and m.id = p.message_id
         where place <= case kind when 0 then {MOST_RECENT} else {MOST_DECISIONS} end and m.fingerprint is not null",
        one(0, nowhere, "$2", RECENT_IN_A_BAND),
        one(1, nowhere, "$3", DECISIONS_IN_A_BAND),
        one(2, "$5", "$4", DECISIONS_IN_A_BAND),
    );
    let bands = fingerprint.bands();
    let [sent, refused, released] = [Kind::Sent, Kind::Refused, Kind::Released].map(|kind| kind.after(now));
    let params: [&(dyn ToSql + Sync); 5] = [&bands.as_slice(), &sent, &refused, &released, &school];
    let rows = transaction.query(&sql, &params).await?;
    let (sent, decided): (Vec<&Row>, Vec<&Row>) =
        rows.iter().partition(|row| row.get::<_, i16>(0) == Kind::Sent.number());
    Ok((sent.into_iter().filter_map(recent).collect(), decided.into_iter().filter_map(decision).collect()))
}

fn recent(row: &Row) -> Option<Recent> {
    Some(Recent {
        school_id: row.get(1),
        sender_id: row.get(2),
        audience: row.get(3),
        fingerprint: Fingerprint::from_bytes(row.get(4))?,
        is_noticed: row.get(5),
    })
}

fn decision(row: &Row) -> Option<Decision> {
    let is_release = row.get::<_, i16>(0) == Kind::Released.number();
    Some(Decision { school_id: row.get(1), fingerprint: Fingerprint::from_bytes(row.get(4))?, is_release })
}

/// A text of somebody.
#[derive(Debug)]
pub struct Told {
    /// Who sent it.
    pub sender_id: Uuid,
    /// The message.
    pub message_id: Uuid,
    /// Of the text.
    pub fingerprint: Fingerprint,
}

/// Remembers texts of a school, of each sender the newest: whoever repeats a text takes the place of nobody else.
pub async fn insert(
    transaction: &mut Transaction,
    school_id: Uuid,
    told: &[Told],
    kind: Kind,
) -> Result<(), Error> {
    // In one order, so that two who remember texts of the same people do not wait for each other.
    let sql = "insert into text_band (kind, band, scope, sender_id, message_id, school_id)
               select distinct on (band, sender) $1, band, $2::uuid, sender, message, $3::uuid
               from unnest($4::int4[], $5::uuid[], $6::uuid[]) t (band, sender, message)
               order by band, sender, message desc
               on conflict (kind, band, scope, sender_id) do update
                 set message_id = excluded.message_id, school_id = excluded.school_id
                 where text_band.message_id < excluded.message_id";
    let rows = told.iter().flat_map(|told| {
        told.fingerprint.bands().into_iter().map(|band| (band, (told.sender_id, told.message_id)))
    });
    let (bands, (senders, messages)): (Vec<i32>, (Vec<Uuid>, Vec<Uuid>)) = rows.unzip();
    let params: [&(dyn ToSql + Sync); 6] =
        [&kind.number(), &kind.scope(school_id), &school_id, &bands, &senders, &messages];
    transaction.execute(sql, &params).await.map(|_| ())
}

/// Remembers what was decided about the texts of messages of a school: refused or recalled, or released.
pub async fn insert_decision(
    transaction: &mut Transaction,
    school_id: Uuid,
    ids: &[Uuid],
    kind: Kind,
) -> Result<(), Error> {
    let sql = "select sender_id, id, fingerprint from message
               where school_id = $1 and id = any($2) and fingerprint is not null";
    let rows = transaction.query(sql, &[&school_id, &ids]).await?;
    let told = |row: &Row| {
        let fingerprint = Fingerprint::from_bytes(row.get(2))?;
        Some(Told { sender_id: row.get(0), message_id: row.get(1), fingerprint })
    };
    let told: Vec<Told> = rows.iter().filter_map(told).collect();
    insert(transaction, school_id, &told, kind).await
}

/// Forgets that the text of a message was refused or recalled.
pub async fn delete_refusal(
    transaction: &mut Transaction,
    school_id: Uuid,
    message_id: Uuid,
) -> Result<(), Error> {
    let find = "select fingerprint from message where school_id = $1 and id = $2";
    let Some(row) = transaction.query_opt(find, &[&school_id, &message_id]).await? else { return Ok(()) };
    let Some(fingerprint) = row.get::<_, Option<&[u8]>>(0).and_then(Fingerprint::from_bytes) else {
        return Ok(());
    };
    let sql = "delete from text_band where kind = $1 and band = any($2) and scope = $3 and message_id = $4";
    let (kind, bands) = (Kind::Refused, fingerprint.bands());
    let params: [&(dyn ToSql + Sync); 4] =
        [&kind.number(), &bands.as_slice(), &kind.scope(school_id), &message_id];
    transaction.execute(sql, &params).await.map(|_| ())
}

/// Forgets up to `limit` rows of what is not looked at any more; says how many.
pub async fn delete_old(transaction: &mut Transaction, now: DateTime<Utc>, limit: i64) -> Result<u64, Error> {
    let sql = "delete from text_band where ctid = any(array(
                   select ctid from text_band
                   where message_id < $1 and (kind = 0 or (kind = 1 and message_id < $2) or (kind = 2 and message_id < $3))
                   limit $4))";
    let [sent, refused, released] = [Kind::Sent, Kind::Refused, Kind::Released].map(|kind| kind.after(now));
    transaction.execute(sql, &[&sent, &refused, &released, &limit]).await
}
