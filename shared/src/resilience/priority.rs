//! Settles what is given up first under overload: every route belongs to one of three classes.

use serde::{Deserialize, Serialize};

/// How much it costs people when a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Without it nothing else works: signing in, refreshing a session, signing out.
    Critical,
    /// What people came for: their home, reading, sending.
    Normal,
    /// What can wait: documentation, exports, addresses that do not exist.
    Deferrable,
}

impl Priority {
    /// Every class, the most important first.
    pub const ALL: [Self; 3] = [Self::Critical, Self::Normal, Self::Deferrable];

    /// The name in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Normal => "normal",
            Self::Deferrable => "deferrable",
        }
    }
}

/// One value for each class.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PerPriority<T> {
    critical: T,
    normal: T,
    deferrable: T,
}

impl<T> PerPriority<T> {
    /// In the order of [`Priority::ALL`].
    pub const fn new(critical: T, normal: T, deferrable: T) -> Self {
        Self { critical, normal, deferrable }
    }

    /// The value of a class.
    pub fn of(&self, priority: Priority) -> &T {
        match priority {
            Priority::Critical => &self.critical,
            Priority::Normal => &self.normal,
            Priority::Deferrable => &self.deferrable,
        }
    }

    /// The value of a class, to change it.
    pub fn of_mut(&mut self, priority: Priority) -> &mut T {
        match priority {
            Priority::Critical => &mut self.critical,
            Priority::Normal => &mut self.normal,
            Priority::Deferrable => &mut self.deferrable,
        }
    }
}
