//! Settles that the tree is RFC 6962's: roots and proofs equal those of another implementation, and no other proof passes.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;

use super::merkle::{self, Hash, Tree};

/// A tree as the log keeps it: the frontier while it grows, and every complete subtree.
struct Grown {
    leaves: Vec<Hash>,
    stored: std::collections::HashMap<merkle::Node, Hash>,
    frontier: Vec<Hash>,
}

fn content(index: u64, seed: u64) -> Vec<u8> {
    format!("{seed}:{index}").into_bytes()
}

impl Grown {
    fn new(size: u64, seed: u64) -> Self {
        let (mut stored, mut frontier, mut leaves) = (std::collections::HashMap::new(), vec![], vec![]);
        for index in 0..size {
            let leaf = merkle::leaf_hash(&content(index, seed));
            stored.extend(merkle::append(&mut frontier, index, leaf));
            leaves.push(leaf);
        }
        Self { leaves, stored, frontier }
    }

    fn hash(&self, range: std::ops::Range<u64>) -> Hash {
        let hashes: Vec<Hash> = merkle::complete_nodes(range).iter().map(|node| self.stored[node]).collect();
        merkle::fold(&hashes).unwrap()
    }

    fn tree(&self, size: u64) -> Tree {
        Tree { size, root: if size == 0 { merkle::empty_root() } else { self.hash(0..size) } }
    }

    fn proof(&self, path: Vec<std::ops::Range<u64>>) -> Vec<Hash> {
        path.into_iter().map(|range| self.hash(range)).collect()
    }
}

fn oracle(size: u64, seed: u64) -> MemoryBackedTree<Sha256, Vec<u8>> {
    let mut tree = MemoryBackedTree::new();
    (0..size).for_each(|index| tree.push(content(index, seed)));
    tree
}

/// Every proof that differs from a good one in one place.
fn spoiled(proof: &[Hash]) -> Vec<Vec<Hash>> {
    let mut all = vec![[proof, &[[0; 32]]].concat()];
    for place in 0..proof.len() {
        let (mut changed, mut shorter) = (proof.to_vec(), proof.to_vec());
        changed[place][31] ^= 1;
        shorter.remove(place);
        all.extend([changed, shorter]);
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn roots_and_inclusion_proofs_are_the_oracles(size in 1..300_u64, place in any::<prop::sample::Index>(), seed: u64) {
        let (ours, theirs) = (Grown::new(size, seed), oracle(size, seed));
        let tree = ours.tree(size);
        prop_assert_eq!(tree.root.to_vec(), theirs.root().as_bytes().to_vec());
        prop_assert_eq!(merkle::fold(&ours.frontier), Some(tree.root));
        let index = place.index(usize::try_from(size).unwrap());
        let (leaf, at) = (ours.leaves[index], index as u64);
        let proof = ours.proof(merkle::inclusion_path(at, size));
        prop_assert_eq!(proof.concat(), theirs.prove_inclusion(index).as_bytes().to_vec());
        prop_assert!(merkle::is_included(leaf, at, size, &proof, &tree.root));
        for bad in spoiled(&proof) {
            prop_assert!(!merkle::is_included(leaf, at, size, &bad, &tree.root));
        }
        prop_assert!(!merkle::is_included([9; 32], at, size, &proof, &tree.root));
        prop_assert!(!merkle::is_included(leaf, size, size, &proof, &tree.root));
        if at + 1 < size {
            prop_assert!(!merkle::is_included(leaf, at + 1, size, &proof, &tree.root));
        }
    }

    #[test]
    fn consistency_proofs_are_the_oracles(new in 2..300_u64, place in any::<prop::sample::Index>(), seed: u64) {
        let old = 1 + place.index(usize::try_from(new - 1).unwrap()) as u64;
        let (ours, theirs) = (Grown::new(new, seed), oracle(new, seed));
        let (before, after) = (ours.tree(old), ours.tree(new));
        let proof = ours.proof(merkle::consistency_path(old, new));
        let additions = usize::try_from(new - old).unwrap();
        prop_assert_eq!(proof.concat(), theirs.prove_consistency(additions).as_bytes().to_vec());
        prop_assert!(merkle::is_consistent(&before, &after, &proof));
        for bad in spoiled(&proof) {
            prop_assert!(!merkle::is_consistent(&before, &after, &bad));
        }
        let rewritten = Grown::new(old, seed.wrapping_add(1)).tree(old);
        prop_assert!(!merkle::is_consistent(&rewritten, &after, &proof));
        prop_assert!(!merkle::is_consistent(&after, &before, &proof));
    }
}

#[test]
fn a_tree_continues_itself_and_the_empty_one() {
    let grown = Grown::new(5, 0);
    let (empty, tree) = (grown.tree(0), grown.tree(5));
    assert!(merkle::is_consistent(&tree, &tree, &[]) && merkle::is_consistent(&empty, &tree, &[]));
    assert!(!merkle::is_consistent(&tree, &Tree { root: [0; 32], ..tree }, &[]));
    assert!(!merkle::is_consistent(&Tree { root: [0; 32], ..empty }, &tree, &[]));
}
