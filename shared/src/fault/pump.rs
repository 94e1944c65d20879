//! Settles how bytes travel in one direction: read at once into a bounded queue, written when the fault lets them.
//!
//! The fault is looked at when a portion is written, not when it is read: a path that heals delivers at once what it held
//! back, in order, as TCP does after a partition. A full queue stops reading, so a fast sender feels a slow path.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Buf, Bytes, BytesMut};
use rand::Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::network::{Closed, Direction, NetworkFault, Shape};
use crate::ids;

/// Bytes read at once.
const PORTION: usize = 16 * 1024;
/// Portions on their way in one direction: 1 MiB at most.
const QUEUE: usize = 64;

/// Bytes on their way.
pub(super) struct Portion {
    bytes: Bytes,
    arrived: Instant,
    /// Its place in the jitter.
    roll: u8,
}

/// The queue of one direction.
pub(super) fn queue() -> (mpsc::Sender<Portion>, mpsc::Receiver<Portion>) {
    mpsc::channel(QUEUE)
}

/// Reads until the peer has said all, or the other half is gone.
pub(super) async fn read(from: &mut ReadHalf<'_>, queue: mpsc::Sender<Portion>) -> io::Result<()> {
    loop {
        let mut buffer = BytesMut::with_capacity(PORTION);
        if from.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
        let roll = ids::random().random();
        let portion = Portion { bytes: buffer.freeze(), arrived: Instant::now(), roll };
        if queue.send(portion).await.is_err() {
            return Ok(());
        }
    }
}

/// Writes what is queued, as late and as slowly as the fault says; then says that it was all.
pub(super) async fn write(
    to: &mut WriteHalf<'_>,
    direction: Direction,
    mut queue: mpsc::Receiver<Portion>,
    mut faults: watch::Receiver<NetworkFault>,
    written: &AtomicU64,
) -> io::Result<()> {
    while let Some(mut portion) = queue.recv().await {
        while portion.bytes.has_remaining() {
            let shape = until_due(direction, &portion, &mut faults).await?;
            let length = shape.portion(portion.bytes.len());
            to.write_all(&portion.bytes.split_to(length)).await?;
            written.fetch_add(u64::try_from(length).unwrap_or(0), Ordering::Relaxed);
            occupy(direction, shape, length, &mut faults).await;
        }
    }
    // The end is held back like any byte.
    let last = Portion { bytes: Bytes::new(), arrived: Instant::now(), roll: 0 };
    until_due(direction, &last, &mut faults).await?;
    to.shutdown().await
}

/// Waits until the portion may pass; decides anew whenever the fault changes.
async fn until_due(
    direction: Direction,
    portion: &Portion,
    faults: &mut watch::Receiver<NetworkFault>,
) -> io::Result<Shape> {
    loop {
        let fault = *faults.borrow_and_update();
        match fault.shape(direction) {
            Ok(shape) => {
                let due = portion.arrived + shape.delay(portion.roll);
                if due <= Instant::now() {
                    return Ok(shape);
                }
                tokio::select! {
                    () = sleep_until(due) => return Ok(shape),
                    changed = faults.changed() => changed.map_err(|_| io::ErrorKind::ConnectionReset)?,
                }
            }
            Err(Closed::Held) => faults.changed().await.map_err(|_| io::ErrorKind::ConnectionReset)?,
            Err(Closed::Broken) => return Err(io::ErrorKind::ConnectionReset.into()),
        }
    }
}

/// Waits for as long as the bytes keep a narrow path busy, unless the path becomes another one.
async fn occupy(
    direction: Direction,
    shape: Shape,
    length: usize,
    faults: &mut watch::Receiver<NetworkFault>,
) {
    let busy = shape.occupied(length);
    if busy.is_zero() {
        return;
    }
    let is_other = |fault: &NetworkFault| fault.shape(direction) != Ok(shape);
    tokio::select! {
        () = sleep(busy) => {}
        _ = faults.wait_for(is_other) => {}
    }
}
