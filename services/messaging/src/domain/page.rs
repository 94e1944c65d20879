//! Settles how every list of messages is cut into pages: newest first by id, bounded, each message once while others arrive.
//!
//! Ids are in the order of sending, so what arrives meanwhile stands before the first page and moves nothing. A page says what
//! to ask for next; without that it is the last. It may hold fewer than were asked for, where much was withdrawn.

use uuid::Uuid;

/// The part of a list that is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// `next` of the page before.
    pub after: Option<Uuid>,
    /// Most messages on the page.
    pub limit: u32,
}

impl Wanted {
    /// Where the page begins. Every id sorts before `Uuid::max()`, so the first page is one like any other.
    pub fn after(&self) -> Uuid {
        self.after.unwrap_or(Uuid::max())
    }

    /// How many to look for: one more than the page holds tells whether there is more.
    pub fn sought(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// Takes what is too much off a page, and says what to ask for next.
    pub fn cut<T>(&self, messages: &mut Vec<T>, id: impl Fn(&T) -> Uuid) -> Option<Uuid> {
        let most = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_more = messages.len() > most;
        messages.truncate(most);
        messages.last().filter(|_| has_more).map(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_too_many_says_that_there_is_more() {
        let wanted = Wanted { after: None, limit: 2 };
        let ids = |numbers: &[u128]| numbers.iter().copied().map(Uuid::from_u128).collect::<Vec<_>>();
        for (found, left, next) in [
            (&[9_u128, 8, 7] as &[u128], &[9_u128, 8] as &[u128], Some(8)),
            (&[9, 8], &[9, 8], None),
            (&[], &[], None),
        ] {
            let mut page = ids(found);
            assert_eq!(wanted.cut(&mut page, |id| *id), next.map(Uuid::from_u128));
            assert_eq!(page, ids(left));
        }
        assert_eq!(wanted.after(), Uuid::max());
    }
}
