//! Settles how single entries of the log prove themselves: each with its path to one signed checkpoint.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::format::{decode, encode};
use super::merkle::{is_included, leaf_hash};
use super::{Checkpoint, Error, Log, export};
use crate::pg::{Reader, Row};

/// Entries proven at a time.
const PAGE: usize = 500;

/// Entries of one log, and what proves them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Which log.
    pub origin: String,
    /// Base64 of the key that signs its checkpoints.
    pub public_key: String,
    /// A signed note.
    pub checkpoint: String,
    /// In the order of their positions.
    pub entries: Vec<ProvenEntry>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenEntry {
    /// Place in the log, from 1.
    pub position: u64,
    /// Canonical JSON.
    pub content: String,
    /// Base64 of the hashes from the leaf to the checkpoint's root.
    pub inclusion: Vec<String>,
}

impl Proof {
    /// The checkpoint, if every entry is in its tree and it was signed by the key that the proof names.
    pub fn check(&self) -> Result<(Checkpoint, VerifyingKey), &'static str> {
        let key = STANDARD.decode(&self.public_key).ok().and_then(|bytes| bytes.try_into().ok());
        let key = key.and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok()).ok_or("names no public key")?;
        let checkpoint = Checkpoint::open(&self.checkpoint, &key);
        let checkpoint = checkpoint.filter(|checkpoint| checkpoint.origin == self.origin);
        let checkpoint = checkpoint.ok_or("has no checkpoint of this log signed by its key")?;
        if !self.entries.iter().all(|entry| entry.is_in(&checkpoint)) {
            return Err("has an entry that is not what was checkpointed");
        }
        Ok((checkpoint, key))
    }
}

impl ProvenEntry {
    fn is_in(&self, checkpoint: &Checkpoint) -> bool {
        let tree = &checkpoint.tree;
        let hash = leaf_hash(self.content.as_bytes());
        match (decode(&self.inclusion), self.position.checked_sub(1)) {
            (Some(proof), Some(index)) => is_included(hash, index, tree.size, &proof, &tree.root),
            (Some(_) | None, Some(_) | None) => false,
        }
    }
}

/// Proves these entries by the latest checkpoint, if there is one. Those that it does not cover yet are left out.
pub async fn prove(log: &Log, entries: &[Named]) -> Result<Option<Proof>, Error> {
    let checkpoints = log.checkpoints()?;
    let Some((checkpoint, note)) = checkpoints.latest_note().await? else { return Ok(None) };
    let covered = checkpoint.tree.size;
    let is_covered = |position: u64| position <= covered;
    let positioned = entries.iter().filter_map(|entry| Some((entry.position?, entry.content.clone())));
    let entries: Vec<(u64, String)> = positioned.filter(|(position, _)| is_covered(*position)).collect();
    let mut proven = Vec::with_capacity(entries.len());
    for page in entries.chunks(PAGE) {
        let paths = export::prove(log, page, covered).await?;
        proven.extend(page.iter().zip(paths).map(|((position, content), path)| ProvenEntry {
            position: *position,
            content: content.clone(),
            inclusion: encode(&path),
        }));
    }
    let public_key = STANDARD.encode(checkpoints.public_key().as_bytes());
    Ok(Some(Proof { origin: log.origin().to_owned(), public_key, checkpoint: note, entries: proven }))
}

/// An entry that names an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Its place in the log; none in the first moments.
    pub position: Option<u64>,
    /// Canonical JSON.
    pub content: String,
}

/// Entries whose details name this incident, in the order of the log; those without a place come last.
///
/// Reads the index `audit_leaf_of_incident`, which a service has whose commands name incidents.
pub async fn find_of_incident(reader: &mut Reader, incident: Uuid) -> Result<Vec<Named>, Error> {
    let sql = "select position, content from audit_leaf
               where content::jsonb #>> '{details,incident}' = $1 order by position nulls last, id";
    let rows = reader.query(sql, &[&incident.to_string()]).await?;
    let named = |row: &Row| Named {
        position: row.get::<_, Option<i64>>(0).map(i64::unsigned_abs),
        content: row.get(1),
    };
    Ok(rows.iter().map(named).collect())
}
