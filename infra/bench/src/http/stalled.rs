//! Settles what 500 clients that stall cost everybody else: the 99th percentile of a signed-in read with them, beside without them.
//!
//! The service runs as it does in use on one core. A third of the stalled clients stop in their heads, a third in their bodies, and
//! a third take nothing of their answers; whoever is cut off comes again at once. Everybody else is a few connections that are kept.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::ours::Ours;
use super::programs::{Cores, KeptBusy};
use super::{CASES, HOME};
use crate::engines::Engines;
use crate::harness::{Time, median};
use crate::report::{Comparison, Figure, Measure};

/// Clients that stall.
const STALLED: usize = 500;
/// Requests of one round; their 99th percentile is its figure.
const REQUESTS: usize = 3_000;
/// Rounds of either kind, in turn.
const ROUNDS: usize = 5;
/// "Under two times normal."
const AIM: f64 = 2.0;
/// A stalled client looks this often whether it was cut off.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(5);

/// The percentile with stalled clients, beside the percentile without.
pub fn run() -> Result<Vec<Comparison>> {
    let cores = Cores::two()?;
    let engines = Engines::open()?;
    let ours = Ours::start(&engines, cores)?;
    let case =
        CASES.iter().find(|case| case.is_signed_in && !case.is_conditional).context("a signed-in read")?;
    let answer = ours.answer(&engines, case)?;
    let heads: Vec<String> = answer.requests.iter().map(|headers| head_of(headers)).collect();
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    // A core that sleeps between two requests takes longer to wake than a request takes: neither may, in either case.
    let _awake = [KeptBusy::start(cores.server)?, KeptBusy::start(cores.clients)?];
    for round in 0..=ROUNDS {
        let without = p99(&ours.address, &heads)?;
        let crowd = Crowd::gather(&ours.address)?;
        let with = p99(&ours.address, &heads)?;
        drop(crowd);
        // The first round fills caches and is not counted.
        if round > 0 {
            alone.push(without);
            beside.push(with);
        }
    }
    let figures = vec![
        Figure { name: "with 500 stalled clients", value: median(beside) },
        Figure { name: "without them", value: median(alone) },
    ];
    Ok(vec![Comparison::new(("stalled-clients", "p99 of a signed-in home"), Measure::Cost, figures, AIM)])
}

fn head_of(headers: &[(&'static str, String)]) -> String {
    let fields =
        headers.iter().fold(String::new(), |fields, (name, value)| format!("{fields}{name}: {value}\r\n"));
    format!("GET {HOME} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")
}

/// The 99th percentile of requests over one kept connection, in nanoseconds.
#[expect(clippy::cast_precision_loss, reason = "nanoseconds of a request are far below 2^52")]
fn p99(address: &str, heads: &[String]) -> Result<f64> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut times = Vec::with_capacity(REQUESTS);
    let mut buffer = vec![0; 64 * 1024];
    for head in heads.iter().cycle().take(REQUESTS) {
        let begin = Time::Wall.now();
        stream.write_all(head.as_bytes())?;
        read_answer(&mut stream, &mut buffer)?;
        times.push(Time::Wall.now().saturating_sub(begin));
    }
    times.sort_unstable();
    Ok(times.get(REQUESTS * 99 / 100).context("as many times as requests")?.as_nanos() as f64)
}

/// Reads one answer whose length its head says.
fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<()> {
    let mut filled = 0;
    loop {
        let read = stream.read(buffer.get_mut(filled..).unwrap_or_default())?;
        ensure!(read > 0, "the service ended a connection that was in use");
        filled += read;
        let text = String::from_utf8_lossy(buffer.get(..filled).unwrap_or_default());
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        ensure!(head.starts_with("HTTP/1.1 200"), "{}", head.lines().next().unwrap_or_default());
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let length: usize = length.context("an answer says its length")?;
        if body.len() >= length {
            return Ok(());
        }
    }
}

/// Clients that stall until it is dropped.
struct Crowd {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Crowd {
    /// Returns when all are connected.
    fn gather(address: &str) -> Result<Self> {
        let (is_over, connected) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (seen, counted, address) = (is_over.clone(), connected.clone(), address.to_owned());
        let thread = std::thread::Builder::new().spawn(move || stall(&address, &seen, &counted))?;
        let begin = Time::Wall.now();
        while connected.load(Ordering::Relaxed) < STALLED {
            ensure!(Time::Wall.now().saturating_sub(begin) < 4 * PATIENCE, "not all clients could connect");
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(Self { is_over, thread: Some(thread) })
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn stall(address: &str, is_over: &AtomicBool, connected: &AtomicUsize) {
    let mut clients: Vec<Option<TcpStream>> = (0..STALLED).map(|_| None).collect();
    while !is_over.load(Ordering::Relaxed) {
        for (number, client) in clients.iter_mut().enumerate() {
            if client.as_mut().is_none_or(is_cut_off) {
                *client = begin(address, number).ok();
            }
        }
        connected.store(clients.iter().flatten().count(), Ordering::Relaxed);
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Connects and stops where its number says.
fn begin(address: &str, number: usize) -> std::io::Result<TcpStream> {
    let beginnings = [
        "GET /cour".to_owned(),
        "POST /courses/v1/home HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc".to_owned(),
        // Many answers, of which nothing is ever read: more than the kernel keeps.
        "GET /courses/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(64),
    ];
    let mut stream = TcpStream::connect(address)?;
    stream.set_nonblocking(true)?;
    let text = beginnings.get(number % beginnings.len()).map_or("", String::as_str);
    // What does not fit now is not sent at all: it stalls all the same.
    let _ = stream.write(text.as_bytes())?;
    Ok(stream)
}

/// Looks without reading: whoever takes no answer must not take this one.
fn is_cut_off(client: &mut TcpStream) -> bool {
    match client.peek(&mut [0; 1]) {
        Ok(0) => true,
        Ok(_) => client.take_error().map_or(true, |error| error.is_some()),
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}
