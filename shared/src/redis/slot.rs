//! Settles which hash slot a key belongs to, and who owns which slots, as the cluster itself says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crc16::{State, XMODEM};
use redis::{RedisWrite, ToRedisArgs, ToSingleRedisArg};

/// Slots of a Redis Cluster.
pub(super) const SLOTS: u16 = 16_384;

/// A full key name and its slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    name: String,
    slot: u16,
}

impl Key {
    pub(super) fn new(name: String) -> Self {
        let slot = slot_of(&name);
        Self { name, slot }
    }

    /// The hash slot, 0 to 16383.
    pub fn slot(&self) -> u16 {
        self.slot
    }

    /// The full name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl ToRedisArgs for Key {
    fn write_redis_args<W: ?Sized + RedisWrite>(&self, out: &mut W) {
        self.name.write_redis_args(out);
    }
}

impl ToSingleRedisArg for Key {}

/// CRC16/XMODEM of the hash tag, or of the whole name (Redis Cluster specification, "Key distribution model").
fn slot_of(name: &str) -> u16 {
    let tag = name.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    let hashed = tag.filter(|tag| !tag.is_empty()).unwrap_or(name);
    State::<XMODEM>::calculate(hashed.as_bytes()) % SLOTS
}

/// Who owns which slots, at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ownership {
    /// First slot of a range -> (last slot, address of the owner).
    ranges: BTreeMap<u16, (u16, Arc<str>)>,
    /// Highest configuration epoch among the owners: a view with a lower one is older.
    epoch: u64,
    /// Owners that most primaries hold for failed, until somebody else owns their slots.
    failed: BTreeSet<Arc<str>>,
}

impl Ownership {
    /// Reads the answer to `CLUSTER NODES`. Owners that the answering node holds for failed keep their slots until
    /// somebody else owns them. `None` when no slot has an owner.
    pub(super) fn parse(cluster_nodes: &str) -> Option<Self> {
        let mut ownership = Self::default();
        for line in cluster_nodes.lines() {
            let mut fields = line.split(' ');
            let (_, address, flags) = (fields.next()?, fields.next()?, fields.next()?);
            let has = |wanted| flags.split(',').any(|flag| flag == wanted);
            if !has("master") {
                continue;
            }
            let address: Arc<str> = address.split(['@', ',']).next()?.into();
            let (_, _, _, epoch, _) =
                (fields.next()?, fields.next()?, fields.next()?, fields.next()?, fields.next()?);
            let ranges: Vec<(u16, u16)> = fields.filter_map(range).collect();
            if !ranges.is_empty() {
                ownership.epoch = ownership.epoch.max(epoch.parse().ok()?);
            }
            if has("fail") {
                ownership.failed.insert(address.clone());
            }
            ownership.ranges.extend(ranges.into_iter().map(|(first, last)| (first, (last, address.clone()))));
        }
        (!ownership.ranges.is_empty()).then_some(ownership)
    }

    /// Address of the owner of a slot.
    pub(super) fn owner(&self, slot: u16) -> Option<&Arc<str>> {
        let (_, (last, address)) = self.ranges.range(..=slot).next_back()?;
        (slot <= *last).then_some(address)
    }

    /// Every owner once.
    pub(super) fn owners(&self) -> Vec<Arc<str>> {
        let mut owners: Vec<Arc<str>> = self.ranges.values().map(|(_, address)| address.clone()).collect();
        owners.sort_unstable();
        owners.dedup();
        owners
    }

    /// Slots whose owner has not failed and `answers`.
    pub(super) fn served(&self, answers: impl Fn(&str) -> bool) -> u16 {
        let is_serving = |owner: &Arc<str>| !self.failed.contains(owner) && answers(owner);
        let served = self.ranges.iter().filter(|(_, (_, owner))| is_serving(owner));
        served.map(|(first, (last, _))| last.saturating_sub(*first) + 1).sum()
    }

    /// Whether the same nodes own the same slots, failed or not.
    pub(super) fn has_the_same_owners_as(&self, other: &Self) -> bool {
        (&self.ranges, self.epoch) == (&other.ranges, other.epoch)
    }

    /// Whether this view may replace `other`: a node that was cut off tells of an older epoch.
    pub(super) fn is_at_least_as_new_as(&self, other: &Self) -> bool {
        self.epoch >= other.epoch
    }
}

/// `0-5460` or `7`; `[7->-…]` and `[7-<-…]` are migrations under way, which redirections take care of.
fn range(field: &str) -> Option<(u16, u16)> {
    let (first, last) = field.split_once('-').unwrap_or((field, field));
    Some((first.parse().ok()?, last.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        // `CLUSTER KEYSLOT` of Redis 7.0 answers these.
        for (name, slot) in
            [("123456789", 12739), ("foo", 12182), ("{user1000}.following", 3443), ("a{}b", 13694)]
        {
            assert_eq!(slot_of(name), slot, "{name}");
        }
        assert_eq!(slot_of("x:s:{abc}"), slot_of("abc"));
    }

    const NODES: &str = "\
id1 127.0.0.1:7001@17001,host1 myself,master - 0 1 1 connected 0-5460 [93->-id2]
id2 127.0.0.1:7002@17002 master - 0 1 9 connected 5461-10922 16383
id3 127.0.0.1:7003@17003 master,fail - 0 1 3 disconnected 10923-16382
id4 127.0.0.1:7004@17004 slave id1 0 1 1 connected
id5 127.0.0.1:7005@17005 master - 0 1 12 connected";

    #[test]
    fn owners_are_read_as_the_cluster_tells_them() {
        let ownership = Ownership::parse(NODES).unwrap();
        for (slot, owner) in [(0, "7001"), (5460, "7001"), (5461, "7002"), (16382, "7003"), (16383, "7002")] {
            assert!(ownership.owner(slot).unwrap().ends_with(owner), "{slot}");
        }
        assert_eq!(ownership.owners().len(), 3, "a primary without slots owns nothing");
        assert_eq!(ownership.epoch, 9, "and its epoch says nothing about ownership");
        assert_eq!(Ownership::parse("id4 127.0.0.1:7004@17004 slave id1 0 1 1 connected"), None);
        assert_eq!(Ownership::parse("rubbish"), None);
    }

    #[test]
    fn slots_are_served_by_owners_that_have_not_failed_and_answer() {
        let ownership = Ownership::parse(NODES).unwrap();
        assert_eq!(ownership.served(|_| true), 5_461 + 5_463, "and 5,460 are not");
        assert_eq!(ownership.served(|address| address.ends_with("7001")), 5_461);
        let suspected = NODES.replace("master,fail", "master,fail?");
        assert_eq!(
            Ownership::parse(&suspected).unwrap().served(|_| true),
            SLOTS,
            "one node's word is not enough"
        );
        assert!(!Ownership::parse(&suspected).unwrap().eq(&ownership));
        assert!(Ownership::parse(&suspected).unwrap().has_the_same_owners_as(&ownership));
    }

    #[test]
    fn a_gap_has_no_owner() {
        let ownership = Ownership::parse("id1 h:1@2 master - 0 1 1 connected 5-9").unwrap();
        assert_eq!((ownership.owner(4), ownership.owner(10)), (None, None));
        assert!(ownership.owner(7).is_some());
    }
}
