//! Settles whether a session goes on by what can be found of it, where it cannot be rotated: its record, or its durable copy.

use chrono::{DateTime, TimeDelta, Utc};

use super::refresh_handle::RefreshHandle;
use crate::store::session::{GRACE_MS, Record};
use crate::store::session_copy::SessionCopy;

/// What was found of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// Its generation, or that it was ended.
    pub record: Record,
    /// Whether it was not refreshed for longer than it may.
    pub is_idle: bool,
}

impl Evidence {
    /// What a record says. A handle newer than the record tells nothing of when it was given, and is not taken for idle.
    pub fn of_record(record: Record, handle: &RefreshHandle, idle_s: u64, now_ms: i64) -> Self {
        let is_idle = match record {
            Record::Current { generation, since_ms } if generation == handle.generation => {
                let idle_ms = i64::try_from(idle_s).unwrap_or(i64::MAX / 1_000) * 1_000;
                since_ms.max(proved_ms(handle)) + idle_ms <= now_ms
            }
            Record::Current { .. } | Record::Ended => false,
        };
        Self { record, is_idle }
    }

    /// What a durable copy says.
    pub fn of_copy(copy: &SessionCopy, idle_s: u64, now: DateTime<Utc>) -> Self {
        let record = if copy.is_ended {
            Record::Ended
        } else {
            Record::Current {
                generation: u32::try_from(copy.generation).unwrap_or(0),
                since_ms: copy.refreshed_at.timestamp_millis(),
            }
        };
        let idle = TimeDelta::seconds(i64::try_from(idle_s).unwrap_or(i64::MAX / 1_000));
        Self { record, is_idle: copy.refreshed_at + idle <= now }
    }
}

/// When the person proved who they are, in Unix milliseconds: a session is at least as fresh as that.
pub fn proved_ms(handle: &RefreshHandle) -> i64 {
    i64::try_from(handle.auth_time).unwrap_or(i64::MAX / 1_000) * 1_000
}

/// Whether the session of `handle` goes on: neither ended nor idle, and the handle is the current one, or one that its
/// record has not heard of yet, or the one before within its grace.
pub fn stands(handle: &RefreshHandle, evidence: Evidence, now_ms: i64) -> bool {
    match evidence.record {
        Record::Ended => false,
        Record::Current { generation, since_ms } => {
            let is_current = handle.generation >= generation
                || (handle.generation + 1 == generation && now_ms - since_ms <= GRACE_MS);
            is_current && !evidence.is_idle
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::refresh_handle::Method;
    use uuid::Uuid;

    fn handle(generation: u32) -> RefreshHandle {
        RefreshHandle {
            sid: Uuid::nil(),
            generation,
            sub: Uuid::nil(),
            epoch: 0,
            auth_time: 0,
            device_since: 0,
            absolute_end: 0,
            method: Method::Password,
            memberships: vec![],
        }
    }

    #[test]
    fn the_current_handle_a_newer_one_and_the_last_one_within_its_grace_stand() {
        let found = |record| Evidence { record, is_idle: false };
        let current = Record::Current { generation: 5, since_ms: 1_000 };
        for (generation, now_ms, expected) in
            [(5, 900_000, true), (6, 900_000, true), (4, 61_000, true), (4, 61_001, false), (3, 1_000, false)]
        {
            assert_eq!(
                stands(&handle(generation), found(current), now_ms),
                expected,
                "{generation} at {now_ms}"
            );
        }
        assert!(!stands(&handle(5), Evidence { record: current, is_idle: true }, 1_000));
        assert!(!stands(&handle(5), found(Record::Ended), 1_000));
    }

    #[test]
    fn a_record_is_idle_by_its_last_change_or_the_last_proof_and_never_for_a_newer_handle() {
        let is_idle = |generation, auth_time, now_ms| {
            let handle = RefreshHandle { auth_time, ..handle(generation) };
            let record = Record::Current { generation: 5, since_ms: 10_000 };
            Evidence::of_record(record, &handle, 60, now_ms).is_idle
        };
        assert!(!is_idle(5, 0, 69_999));
        assert!(is_idle(5, 0, 70_000));
        assert!(!is_idle(5, 20, 70_000));
        assert!(!is_idle(6, 0, 900_000));
    }
}
