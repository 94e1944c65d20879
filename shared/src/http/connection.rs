//! Settles how long a client may keep a connection busy: for the rest of a head, for a body that nobody reads, for taking its answer.
//!
//! An answer that goes on for as long as the client likes (a stream of events) has no limit but the last one.
//!
//! Why: actix-web's own timers guard the first head of a connection and nothing else. Measured on 4.18: a second head may drip
//! for ever, a chunked body whose request was refused is drained for ever, an answer that is not taken is kept for ever.
//! When it trips: a head, or what is left of an unread body, outlasts its limit; or a client takes less than [`LEAST_TAKEN`]
//! of an answer in the limit. The connection ends; nobody else's does. There is nothing to recover from: the client reconnects.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::rt::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// Whoever takes fewer bytes of an answer than this within the limit is not reading it: with the default of 5 s, 3.2 KiB/s.
const LEAST_TAKEN: usize = 16 * 1024;

/// How long a client may keep one connection waiting.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClientLimits {
    /// For a whole head, from its first byte.
    pub head: Duration,
    /// For the first byte of the next head.
    pub idle: Duration,
    /// For the rest of a body that nobody reads any more, once the answer has been given.
    pub unread_body: Duration,
    /// For taking [`LEAST_TAKEN`] bytes of an answer.
    pub answer: Duration,
}

impl ClientLimits {
    /// Nobody is cut off: what proofs compare with.
    pub(super) const ABLATED: Self = {
        let day = Duration::from_hours(24);
        Self { head: day, idle: day, unread_body: day, answer: day }
    };
}

/// What the connection waits for from its client.
#[derive(Debug, Clone, Copy)]
enum Awaiting {
    /// Nothing that is limited here: the first head has actix-web's own timer, a body the edge's.
    Nothing,
    /// The next request.
    NextHead(Instant),
    /// The rest of a head that has begun.
    RestOfHead(Instant),
    /// The end of a body that nobody reads.
    UnreadBody(Instant),
    /// That it stays, for as long as its answer goes on.
    EndOfAnswer,
}

/// What the edge tells the connection that carries its request. Clones are the same connection.
#[derive(Debug, Clone)]
pub(super) struct Connection(Rc<State>);

#[derive(Debug)]
struct State {
    limits: ClientLimits,
    awaiting: Cell<Awaiting>,
}

impl Connection {
    fn new(limits: ClientLimits) -> Self {
        Self(Rc::new(State { limits, awaiting: Cell::new(Awaiting::Nothing) }))
    }

    /// A whole head has come.
    pub(super) fn request_started(&self) {
        self.0.awaiting.set(Awaiting::Nothing);
    }

    /// The answer is made; `is_body_read` says whether the request's body has come to its end.
    pub(super) fn request_ended(&self, is_body_read: bool) {
        let limits = &self.0.limits;
        self.0.awaiting.set(if is_body_read {
            Awaiting::NextHead(Instant::now() + limits.idle)
        } else {
            Awaiting::UnreadBody(Instant::now() + limits.unread_body)
        });
    }

    /// The answer has begun and goes on until one of both sides ends it.
    pub(super) fn answer_goes_on(&self) {
        self.0.awaiting.set(Awaiting::EndOfAnswer);
    }

    /// Whether nothing but the client's going is waited for.
    fn is_answer_going_on(&self) -> bool {
        matches!(self.0.awaiting.get(), Awaiting::EndOfAnswer)
    }

    fn bytes_came(&self) {
        if let Awaiting::NextHead(_) = self.0.awaiting.get() {
            self.0.awaiting.set(Awaiting::RestOfHead(Instant::now() + self.0.limits.head));
        }
    }

    fn limit(&self) -> Option<Instant> {
        match self.0.awaiting.get() {
            Awaiting::Nothing | Awaiting::EndOfAnswer => None,
            Awaiting::NextHead(at) | Awaiting::RestOfHead(at) | Awaiting::UnreadBody(at) => Some(at),
        }
    }
}

/// A TCP connection whose client is not waited for without a limit.
pub(super) struct GuardedStream {
    stream: TcpStream,
    connection: Connection,
    reading: Timer,
    writing: Timer,
    answer_limit: Option<Instant>,
    taken: usize,
}

impl GuardedStream {
    pub(super) fn new(stream: TcpStream, limits: ClientLimits) -> Self {
        let connection = Connection::new(limits);
        Self {
            stream,
            connection,
            reading: Timer::default(),
            writing: Timer::default(),
            answer_limit: None,
            taken: 0,
        }
    }

    pub(super) fn connection(&self) -> Connection {
        self.connection.clone()
    }

    /// Also asks to be woken at the limit.
    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        self.connection.limit().is_some_and(|limit| self.reading.poll(cx, limit).is_ready())
    }
}

impl AsyncRead for GuardedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.is_over(cx) {
            // No bytes mean that the client has ended: the connection closes as it does then.
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut this.stream).poll_read(cx, buffer);
        let has_come = buffer.filled().len() > before;
        if has_come {
            this.connection.bytes_came();
        } else if matches!(outcome, Poll::Ready(Ok(()))) && this.connection.is_answer_going_on() {
            // actix-web would go on with the answer of a client that has only closed its side, and notice the others at the
            // second write: nobody who follows a stream closes one side of it.
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        outcome
    }
}

impl AsyncWrite for GuardedStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match Pin::new(&mut this.stream).poll_write(cx, bytes) {
            Poll::Ready(Ok(taken)) => {
                this.taken += taken;
                if this.taken >= LEAST_TAKEN {
                    this.answer_limit = None;
                }
                Poll::Ready(Ok(taken))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => this.poll_patience(cx),
        }
    }

    /// Called when everything has been taken.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.answer_limit = None;
        // Whoever refused a body without reading it must be woken when its time is over.
        let _ = this.is_over(cx);
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl GuardedStream {
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let limit = *self.answer_limit.get_or_insert_with(|| {
            self.taken = 0;
            Instant::now() + self.connection.0.limits.answer
        });
        self.writing.poll(cx, limit).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

/// One timer, made when first needed and moved from then on.
#[derive(Default)]
struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    fn poll(&mut self, cx: &mut Context<'_>, at: Instant) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        sleep.as_mut().poll(cx)
    }
}
