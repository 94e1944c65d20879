//! Settles the arithmetic of the log's tree: hashes, subtrees, proofs and their checks, as RFC 6962 (2.1) and RFC 9162 (2.1) write them.
//!
//! Only hashes of complete subtrees are ever stored: they never change. A subtree that is not complete is folded from
//! them when it is asked for, so a proof needs a logarithm of stored hashes and nothing is kept in memory.

use std::ops::Range;

use sha2::{Digest, Sha256};

/// SHA-256.
pub type Hash = [u8; 32];

/// A complete subtree: 2^level leaves, the first of them at `number` * 2^level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Node {
    /// Height; leaves are at 0.
    pub level: u32,
    /// Place within its level.
    pub number: u64,
}

/// Hash of a leaf's content.
pub fn leaf_hash(content: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(content).finalize().into()
}

/// Hash of two subtrees next to each other.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The root of a tree without leaves.
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// The complete subtrees that make up these leaves, largest first; `leaves.start` is where such a subtree can begin.
pub fn complete_nodes(leaves: Range<u64>) -> Vec<Node> {
    let (mut nodes, mut start) = (Vec::new(), leaves.start);
    while start < leaves.end {
        let level = (leaves.end - start).ilog2();
        nodes.push(Node { level, number: start >> level });
        start += 1 << level;
    }
    nodes
}

/// The hash of subtrees that lie next to each other, largest first. `None` when there are none.
pub fn fold(hashes: &[Hash]) -> Option<Hash> {
    hashes.iter().rev().copied().reduce(|right, left| node_hash(&left, &right))
}

/// What appending a leaf to a tree of `size` completes: the leaf itself, and each subtree whose last leaf it is.
/// `frontier` holds the complete subtrees of the tree, largest first, and is brought up to date.
pub fn append(frontier: &mut Vec<Hash>, size: u64, leaf: Hash) -> Vec<(Node, Hash)> {
    let mut completed = vec![(Node { level: 0, number: size }, leaf)];
    let mut hash = leaf;
    for level in 1..=size.trailing_ones() {
        let Some(left) = frontier.pop() else { break };
        hash = node_hash(&left, &hash);
        completed.push((Node { level, number: size >> level }, hash));
    }
    frontier.push(hash);
    completed
}

/// The subtrees whose hashes prove that the leaf at `index` is in a tree of `size`, from the leaf up (RFC 6962, 2.1.1).
pub fn inclusion_path(index: u64, size: u64) -> Vec<Range<u64>> {
    let (mut path, mut tree) = (Vec::new(), 0..size);
    while tree.end - tree.start > 1 {
        let split = tree.start + largest_power_below(tree.end - tree.start);
        if index < split {
            path.push(split..tree.end);
            tree.end = split;
        } else {
            path.push(tree.start..split);
            tree.start = split;
        }
    }
    path.reverse();
    path
}

/// The subtrees whose hashes prove that a tree of `old` leaves is the beginning of one of `new` leaves (RFC 6962, 2.1.2).
pub fn consistency_path(old: u64, new: u64) -> Vec<Range<u64>> {
    if old == 0 || old >= new {
        return Vec::new();
    }
    let (mut path, mut tree, mut is_whole) = (Vec::new(), 0..new, true);
    while tree.end != old {
        let split = tree.start + largest_power_below(tree.end - tree.start);
        if old <= split {
            path.push(split..tree.end);
            tree.end = split;
        } else {
            path.push(tree.start..split);
            tree.start = split;
            is_whole = false;
        }
    }
    if !is_whole {
        path.push(tree);
    }
    path.reverse();
    path
}

fn largest_power_below(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

/// Whether the leaf is at `index` of the tree (RFC 9162, 2.1.3.2).
pub fn is_included(leaf: Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut place, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if place & 1 == 1 || place == last {
            hash = node_hash(sibling, &hash);
            // A last node without a sibling is its parent's own hash: go up to where it has one.
            let up = if place & 1 == 1 { 0 } else { place.trailing_zeros().min(63) };
            (place, last) = (place >> up, last >> up);
        } else {
            hash = node_hash(&hash, sibling);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    last == 0 && hash == *root
}

/// A tree as a checkpoint describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tree {
    /// Number of leaves.
    pub size: u64,
    /// Root hash.
    pub root: Hash,
}

/// Whether `old` is the beginning of `new` (RFC 9162, 2.1.4.2).
pub fn is_consistent(old: &Tree, new: &Tree, proof: &[Hash]) -> bool {
    if old.size == 0 || old.size >= new.size {
        let is_same = old.size == new.size && old.root == new.root;
        return proof.is_empty() && (is_same || (old.size == 0 && old.root == empty_root()));
    }
    let mut rest = proof.iter();
    let first = if old.size.is_power_of_two() { Some(old.root) } else { rest.next().copied() };
    let Some(first) = first else { return false };
    let up = (old.size - 1).trailing_ones();
    let (mut place, mut last) = ((old.size - 1) >> up, (new.size - 1) >> up);
    let (mut old_root, mut new_root) = (first, first);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if place & 1 == 1 || place == last {
            old_root = node_hash(sibling, &old_root);
            new_root = node_hash(sibling, &new_root);
            let up = if place & 1 == 1 { 0 } else { place.trailing_zeros().min(63) };
            (place, last) = (place >> up, last >> up);
        } else {
            new_root = node_hash(&new_root, sibling);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    last == 0 && old_root == old.root && new_root == new.root
}
