//! Settles how a test loses the database exactly at a commit: a proxy that knows the statement, on its way or on the way back.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// `commit` as a simple query (PostgreSQL's protocol, "Message Formats": `Query`).
const COMMIT: &[u8] = b"Q\0\0\0\x0bcommit\0";
/// The end of its answer (`ReadyForQuery`, outside a transaction).
const DONE: &[u8] = b"Z\0\0\0\x05I";

/// Which side knows of the commit when the connection breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// Neither: the server rolls back.
    OnTheWay,
    /// The server alone: it has committed, and nobody is told.
    OnTheWayBack,
}

/// What to break: the commit of the transaction in which these bytes are sent.
type Armed = Arc<Mutex<Option<(Vec<u8>, Broken)>>>;

/// How a connection breaks.
#[derive(Debug, Clone, Copy)]
struct Broken {
    lost: Lost,
    /// Whether nothing comes through any more until the client is gone, or the connection is reset at once.
    is_stalled: bool,
}

/// A proxy on a free port of loopback; ends with this value.
pub struct CommitFault {
    address: SocketAddr,
    armed: Armed,
    task: JoinHandle<()>,
}

impl CommitFault {
    /// Stands in front of `target` (`host:port`) and passes everything on.
    #[expect(clippy::disallowed_methods, reason = "its connections end with the test's runtime")]
    pub async fn in_front_of(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (target, armed) = (target.to_owned(), Armed::default());
        let serving = armed.clone();
        let task = tokio::task::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&target).await.unwrap();
                tokio::task::spawn(serve(client, server, serving.clone()));
            }
        });
        Self { address, armed, task }
    }

    /// Where clients connect.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Breaks the connection at the commit of the transaction in which `text` is sent.
    pub fn cut(&self, text: &str, lost: Lost) {
        self.arm(text, Broken { lost, is_stalled: false });
    }

    /// The same, but the client waits at this commit until it is killed.
    pub fn stall(&self, text: &str, lost: Lost) {
        self.arm(text, Broken { lost, is_stalled: true });
    }

    fn arm(&self, text: &str, broken: Broken) {
        *self.armed.lock().unwrap() = Some((text.as_bytes().to_vec(), broken));
    }

    /// Whether that has happened.
    pub fn has_cut(&self) -> bool {
        self.armed.lock().unwrap().is_none()
    }
}

impl Drop for CommitFault {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut client: TcpStream, mut server: TcpStream, armed: Armed) {
    if pass(&mut client, &mut server, &armed).await.is_some() {
        // As a crashed peer does.
        let _ = client.set_zero_linger();
    }
}

/// Passes bytes both ways until an end closes, or breaks (`Some`).
async fn pass(client: &mut TcpStream, server: &mut TcpStream, armed: &Armed) -> Option<()> {
    let (mut asked, mut answered) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    let mut transaction = Vec::new();
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let bytes = asked.get(..read.ok().filter(|count| *count > 0)?)?;
                transaction.extend_from_slice(bytes);
                let is_commit = bytes.ends_with(COMMIT);
                if let Some(broken) = is_commit.then(|| armed_for(armed, &transaction)).flatten() {
                    if broken.lost == Lost::OnTheWayBack {
                        server.write_all(bytes).await.ok()?;
                        let mut answer = Vec::new();
                        while !answer.ends_with(DONE) {
                            server.read_buf(&mut answer).await.ok().filter(|count| *count > 0)?;
                        }
                    }
                    *armed.lock().unwrap() = None;
                    while broken.is_stalled && client.read(&mut asked).await.is_ok_and(|count| count > 0) {}
                    return Some(());
                }
                server.write_all(bytes).await.ok()?;
                if is_commit {
                    transaction.clear();
                }
            }
            read = server.read(&mut answered) => {
                client.write_all(answered.get(..read.ok().filter(|count| *count > 0)?)?).await.ok()?;
            }
        }
    }
}

/// The order, if it is for this transaction.
fn armed_for(armed: &Armed, transaction: &[u8]) -> Option<Broken> {
    let armed = armed.lock().unwrap();
    let is_meant = |text: &[u8]| transaction.windows(text.len()).any(|part| part == text);
    armed.as_ref().filter(|(text, _)| is_meant(text)).map(|(_, broken)| *broken)
}
