//! Settles which messages have the whole text of a withdrawn one in them, further down its thread, and how long that is looked for.
//!
//! Whoever writes many long messages into a thread must not make its recall last longer than a recall may: what is named, and what
//! names it as quoted, is hidden however long the rest takes, and texts are compared until so much of them was.

use std::collections::BTreeSet;

use shared::pg::Transaction;
use uuid::Uuid;

use super::recall::Selector;
use crate::error::Error;
use crate::store;
use crate::store::recall::Text;

/// Bytes of texts that are read at a time: of threads in which others have answered, the latest.
pub const MOST_READ: i64 = 8 << 20;
/// Bytes of texts that one recall compares: 1,600 pairs of the longest messages, 60,000 of usual ones.
const MOST_COMPARED: usize = 64 << 20;
/// How often texts are read: what repeats a text repeats what is in it, so a forward alone leads to texts that were not read.
const MOST_ROUNDS: u32 = 4;
/// Shortest text, in characters, that is looked for in the rest of its thread: "merci" in two messages is no quotation.
const QUOTABLE: usize = 20;

/// What is left to compare for one recall.
pub struct Repeats {
    rounds: u32,
    bytes: usize,
    compared: BTreeSet<Uuid>,
}

impl Repeats {
    /// Before the first round.
    pub fn new() -> Self {
        Self { rounds: MOST_ROUNDS, bytes: MOST_COMPARED, compared: BTreeSet::new() }
    }

    /// What a selection concerns as well: pairs of a school and a message.
    pub async fn of_selection(
        &mut self,
        transaction: &mut Transaction,
        (selector, alike): (&Selector, &[Uuid]),
        school: Option<Uuid>,
    ) -> Result<Vec<Uuid>, Error> {
        let mut repeating = Vec::new();
        while self.begins_round() {
            let selection = (selector, alike, repeating.as_slice());
            let compared = self.compared();
            let texts = store::recall::list_texts(transaction, selection, school, &compared).await?;
            let found = self.find(&texts).await;
            if found.is_empty() {
                break;
            }
            repeating.extend(found);
        }
        Ok(repeating)
    }

    /// What repeats something that a recall covers, and is not covered: pairs of a school and a message.
    pub async fn of_recall(
        &mut self,
        transaction: &mut Transaction,
        recall: Uuid,
    ) -> Result<Vec<Uuid>, Error> {
        if !self.begins_round() {
            return Ok(Vec::new());
        }
        let texts = store::recall::list_repeating(transaction, recall, &self.compared()).await?;
        Ok(self.find(&texts).await)
    }

    fn begins_round(&mut self) -> bool {
        let begins = self.rounds > 0 && self.bytes > 0;
        self.rounds = self.rounds.saturating_sub(1);
        begins
    }

    fn compared(&self) -> Vec<Uuid> {
        self.compared.iter().copied().collect()
    }

    /// Others go on between two texts: this may take as long as [`MOST_COMPARED`].
    async fn find(&mut self, texts: &[Text]) -> Vec<Uuid> {
        let mut repeating = Vec::new();
        for thread in texts.chunk_by(|one, other| one.thread_id == other.thread_id) {
            let (mut originals, mut old) = (Vec::new(), BTreeSet::new());
            for text in thread {
                let plain = plain(&text.body);
                if text.is_chosen {
                    if plain.chars().nth(QUOTABLE - 1).is_some() && !self.compared.contains(&text.id) {
                        originals.push(plain);
                    }
                    old.insert(text.id);
                } else if self.repeats_any(&originals, &plain) {
                    // Whatever repeats this one repeats the original as well, so that it is compared with nothing.
                    old.insert(text.id);
                    repeating.extend([text.school_id, text.id]);
                }
                tokio::task::yield_now().await;
            }
            self.compared.extend(old);
        }
        repeating
    }

    fn repeats_any(&mut self, originals: &[String], text: &str) -> bool {
        originals.iter().any(|original| {
            let bytes = original.len() + text.len();
            let has_time = self.bytes >= bytes;
            self.bytes = self.bytes.saturating_sub(bytes);
            has_time && text.contains(original)
        })
    }
}

/// A text without what differs between a message and its quotation.
fn plain(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| c.is_whitespace() || c == '>').filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}
