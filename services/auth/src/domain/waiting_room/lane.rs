//! Settles the lanes of the waiting room: what a device was last used for, as a signed cookie says, and never what somebody types.

use serde::Deserialize;
use shared::session::{Membership, Role};

/// A lane. Its discriminant is its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Lane {
    /// A device of the school's personnel.
    Staff,
    /// A device of a pupil.
    Student,
    /// A device of a family.
    Guardian,
    /// A device that nobody has signed in on: new ones, and every attacker's.
    Unknown,
}

impl Lane {
    /// Every lane, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Staff, Self::Student, Self::Guardian, Self::Unknown];

    /// The name in answers and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Staff => "staff",
            Self::Student => "student",
            Self::Guardian => "guardian",
            Self::Unknown => "unknown",
        }
    }

    /// Its number among the lanes.
    pub fn number(self) -> usize {
        usize::from(self as u8)
    }

    /// The lane of that number.
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|lane| *lane as u8 == byte)
    }

    /// The lane of somebody with these roles; personnel first, since a teacher may be a parent too.
    pub fn of(memberships: &[Membership]) -> Self {
        let has = |is: fn(Role) -> bool| memberships.iter().any(|membership| is(membership.role));
        if has(Role::is_staff) {
            Self::Staff
        } else if has(|role| role == Role::Student) {
            Self::Student
        } else if has(|role| role == Role::Guardian) {
            Self::Guardian
        } else {
            Self::Unknown
        }
    }
}

/// How the lanes share what can be served; what one does not need goes to the others.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, garde::Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Weights {
    /// Devices of personnel: without them there is no lesson.
    #[garde(range(min = 0.1, max = 100.0))]
    pub staff: f64,
    /// Devices of pupils.
    #[garde(range(min = 0.1, max = 100.0))]
    pub student: f64,
    /// Devices of families.
    #[garde(range(min = 0.1, max = 100.0))]
    pub guardian: f64,
    /// New devices; enough that nobody starves behind an attack.
    #[garde(range(min = 0.1, max = 100.0))]
    pub unknown: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self { staff: 3.0, student: 3.0, guardian: 2.0, unknown: 2.0 }
    }
}

impl Weights {
    /// In the order of [`Lane::ALL`].
    pub fn by_lane(&self) -> [f64; 4] {
        [self.staff, self.student, self.guardian, self.unknown]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_what_its_byte_says() {
        for lane in Lane::ALL {
            assert_eq!(Lane::from_byte(lane as u8), Some(lane));
            assert_eq!(Lane::ALL[lane.number()], lane);
        }
        assert_eq!(Lane::from_byte(4), None);
    }
}
