//! Settles how old an entry of a stream can be: as old as the question before the one that brought it.

use super::stream::LATE_MS;
use super::{News, RevocationView};

/// A place in a stream, and when what follows it was first asked for. Had an entry been there then, it would have come
/// then; so it was appended later, and read from auth's database at most [`LATE_MS`] before that.
pub(super) struct Place {
    /// The last entry taken.
    pub(super) last_id: String,
    /// When the question was asked whose answer ended with it, in the view's milliseconds.
    pub(super) asked_ms: u64,
}

impl Place {
    /// Takes in the answer to a question asked at `asked_ms`. Returns whether it held any news.
    pub(super) fn take(
        &mut self,
        view: &RevocationView,
        entries: Vec<(String, Option<News>)>,
        asked_ms: u64,
    ) -> bool {
        let as_of_ms = self.asked_ms.saturating_sub(LATE_MS);
        self.asked_ms = asked_ms;
        let mut is_heard = false;
        for (id, news) in entries {
            if let Some(news) = news {
                view.learn(&news, as_of_ms);
                is_heard = true;
            }
            self.last_id = id;
        }
        is_heard
    }
}
