//! Settles how the tree lies in the database: one row per complete subtree, written once, read by level and number.

use std::collections::HashMap;
use std::ops::Range;

use super::Error;
use super::merkle::{self, Hash, Node, Tree};
use crate::pg::{Error as PgError, Reader, Row, Transaction};

const FIND_SIZE: &str = "select coalesce(max(number) + 1, 0) from audit_node where level = 0";
const FIND_NODES: &str = "select n.level, n.number, n.hash from audit_node n
    join unnest($1::smallint[], $2::bigint[]) as wanted (level, number)
      on n.level = wanted.level and n.number = wanted.number";

/// Number of leaves in the tree.
pub(super) async fn size(reader: &mut Reader) -> Result<u64, PgError> {
    Ok(reader.query_one(FIND_SIZE, &[]).await?.get::<_, i64>(0).unsigned_abs())
}

/// The size, and the complete subtrees of the whole tree, largest first.
pub(super) async fn frontier(transaction: &mut Transaction) -> Result<(u64, Vec<Hash>), Error> {
    let size = transaction.query_one(FIND_SIZE, &[]).await?.get::<_, i64>(0).unsigned_abs();
    let wanted = merkle::complete_nodes(0..size);
    let (levels, numbers) = columns(&wanted);
    let found = by_node(&transaction.query(FIND_NODES, &[&levels, &numbers]).await?);
    Ok((size, pick(&found, &wanted)?))
}

/// Stores hashes of subtrees that have become complete.
pub(super) async fn insert(transaction: &mut Transaction, completed: &[(Node, Hash)]) -> Result<(), PgError> {
    let nodes: Vec<Node> = completed.iter().map(|(node, _)| *node).collect();
    let (levels, numbers) = columns(&nodes);
    let hashes: Vec<&[u8]> = completed.iter().map(|(_, hash)| hash.as_slice()).collect();
    let sql = "insert into audit_node (level, number, hash)
               select * from unnest($1::smallint[], $2::bigint[], $3::bytea[])";
    transaction.execute(sql, &[&levels, &numbers, &hashes]).await.map(|_| ())
}

/// The hash of each range of leaves, folded from what is stored. One statement, however many ranges.
pub(super) async fn hashes(reader: &mut Reader, ranges: &[Range<u64>]) -> Result<Vec<Hash>, Error> {
    let wanted: Vec<Vec<Node>> = ranges.iter().cloned().map(merkle::complete_nodes).collect();
    let (levels, numbers) = columns(&wanted.concat());
    let found = by_node(&reader.query(FIND_NODES, &[&levels, &numbers]).await?);
    let fold = |nodes: &Vec<Node>| merkle::fold(&pick(&found, nodes)?).ok_or(Error::MissingNode);
    wanted.iter().map(fold).collect()
}

/// The tree as it was when it had `size` leaves.
pub(super) async fn tree(reader: &mut Reader, size: u64) -> Result<Tree, Error> {
    let whole = 0..size;
    let root = match hashes(reader, std::slice::from_ref(&whole)).await {
        Err(Error::MissingNode) if size == 0 => merkle::empty_root(),
        hashes => hashes?.first().copied().ok_or(Error::MissingNode)?,
    };
    Ok(Tree { size, root })
}

fn columns(nodes: &[Node]) -> (Vec<i16>, Vec<i64>) {
    // A tree of 2^63 leaves is out of reach, and a number that does not fit finds no row.
    let level = |node: &Node| i16::try_from(node.level).unwrap_or(i16::MAX);
    let number = |node: &Node| i64::try_from(node.number).unwrap_or(i64::MAX);
    (nodes.iter().map(level).collect(), nodes.iter().map(number).collect())
}

fn by_node(rows: &[Row]) -> HashMap<(i16, i64), Hash> {
    let hash = |row: &Row| Hash::try_from(row.get::<_, Vec<u8>>(2)).ok();
    rows.iter().filter_map(|row| Some(((row.get(0), row.get(1)), hash(row)?))).collect()
}

fn pick(found: &HashMap<(i16, i64), Hash>, nodes: &[Node]) -> Result<Vec<Hash>, Error> {
    let (levels, numbers) = columns(nodes);
    let hash = |key| found.get(&key).copied().ok_or(Error::MissingNode);
    levels.into_iter().zip(numbers).map(hash).collect()
}
