//! Settles what is told to whoever listens: what came, what went, how much is unread, and why the telling ends.

use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use serde::Serialize;
use shared::ids;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::store::delivery::InboxMessage;
use crate::store::event::{Event, Kind};

/// One thing that is told.
#[derive(Debug, Clone)]
pub struct Told {
    /// The position up to which everything has been told with this; none where nothing new is.
    pub position: Option<i64>,
    /// What.
    pub notice: Notice,
}

/// What is told.
#[derive(Debug, Clone)]
pub enum Notice {
    /// A message came.
    New(Arc<InboxMessage>),
    /// A message came that was sent before: somebody has released it, or put it back.
    Released(Arc<InboxMessage>),
    /// A message is not there any more.
    Withdrawn(Withdrawn),
    /// How many messages are unread now.
    Unread(UnreadCount),
    /// Too much happened to be told: everything is to be read anew.
    Resync,
    /// Nothing happened, and the stream is still there.
    Alive,
    /// The stream ends.
    End(End),
}

/// A message that is not there any more.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Withdrawn {
    id: Uuid,
    thread_id: Uuid,
    school_id: Uuid,
}

/// How many messages are unread.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct UnreadCount {
    /// Messages delivered, visible, and not read.
    pub unread_count: i64,
}

/// The end of a stream.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct End {
    /// Why.
    pub reason: Ending,
}

/// Why a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The session, or a role in it, was ended: sign in.
    SessionEnded,
    /// The access token has expired: refresh the session, and listen again.
    TokenExpired,
    /// The same person has opened as many streams since as one person may have.
    Replaced,
    /// This instance stops: others go on.
    Stopping,
    /// Whoever listens does not take what is told. Not told either.
    TooSlow,
}

impl Ending {
    /// Every ending.
    pub const ALL: [Self; 5] =
        [Self::SessionEnded, Self::TokenExpired, Self::Replaced, Self::Stopping, Self::TooSlow];

    /// The name in figures.
    pub fn name(self) -> &'static str {
        match self {
            Self::SessionEnded => "session_ended",
            Self::TokenExpired => "token_expired",
            Self::Replaced => "replaced",
            Self::Stopping => "stopping",
            Self::TooSlow => "too_slow",
        }
    }

    /// After how long to come back, drawn anew for each stream, so that a thousand do not come at once. A replaced stream waits
    /// long: six open pages of one person would otherwise replace each other without end.
    pub fn retry(self) -> Duration {
        let (least, most) = match self {
            Self::SessionEnded | Self::TokenExpired => (500, 2_000),
            Self::Replaced => (60_000, 90_000),
            Self::Stopping => (500, 10_000),
            Self::TooSlow => (2_000, 10_000),
        };
        Duration::from_millis(ids::random().random_range(least..=most))
    }
}

impl Notice {
    /// What is told of an event. Nothing where it is over: a message that was sent and withdrawn since is told as withdrawn.
    pub fn of(event: Event) -> Option<Self> {
        let message = event.message?;
        match (event.kind, event.is_visible) {
            (Kind::Sent, true) => Some(Self::New(Arc::new(message))),
            (Kind::Released, true) => Some(Self::Released(Arc::new(message))),
            (Kind::Withdrawn, false) => {
                let InboxMessage { id, thread_id, school_id, .. } = message;
                Some(Self::Withdrawn(Withdrawn { id, thread_id, school_id }))
            }
            (Kind::Sent | Kind::Released, false) | (Kind::Withdrawn, true) | (Kind::Read, _) => None,
        }
    }
}
