//! Settles how rows get an order that readers can page by: one sequencer at a time gives positions to committed rows.
//!
//! A number taken at insertion becomes visible at commit, and commits do not come in the order of numbers. A watermark
//! by transaction id avoids that too, but one long transaction then stops everything behind it. So rows are inserted
//! without a position, and whatever is committed and has none gets the next ones (docs/decisions/0002).

use crate::pg::{Error, Reader, Transaction};

/// A table with columns `id` and `position`, an index of the rows without one, and the sequencer of its rows.
#[derive(Debug, Clone, Copy)]
pub struct Sequence {
    /// Name of the table.
    pub table: &'static str,
    /// Number of the sequencer's advisory lock; every instance of the owner uses the same.
    pub lock: i64,
    /// Most rows that get a position in one transaction.
    pub batch: i64,
}

impl Sequence {
    /// Whether any row waits. Almost always none does, and this read tells so without taking the lock.
    pub async fn is_waiting(&self, reader: &mut Reader) -> Result<bool, Error> {
        let waiting = format!("select exists (select 1 from {} where position is null)", self.table);
        Ok(reader.query_one(&waiting, &[]).await?.get(0))
    }

    /// Gives positions, 1 and up without a gap, to waiting rows. Returns how many; none while another sequencer works.
    pub async fn give_positions(&self, transaction: &mut Transaction) -> Result<u64, Error> {
        let lock = "select pg_try_advisory_xact_lock($1)";
        if !transaction.query_one(lock, &[&self.lock]).await?.get::<_, bool>(0) {
            return Ok(0);
        }
        // A statement of its own, so that its snapshot is newer than the lock and sees what the last holder did.
        let give = format!(
            "with head as (select coalesce(max(position), 0) as last from {table}),
                  batch as (select id, row_number() over (order by id) as n
                            from (select id from {table} where position is null order by id limit $1) as waiting)
             update {table} set position = head.last + batch.n from head, batch where {table}.id = batch.id",
            table = self.table
        );
        transaction.execute(&give, &[&self.batch]).await
    }
}
