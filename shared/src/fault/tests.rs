//! Settles that each fault does what its name says, on real connections, and that a path heals.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::{NetworkFault, Proxy, Shape, open};

/// Longer than any answer takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);
/// Within this, nothing that is held back may arrive.
const MOMENT: Duration = Duration::from_millis(300);

/// A server that says back what it is told, behind a proxy.
async fn echo() -> (Proxy, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            connections.spawn(async move {
                let (mut from, mut to) = stream.split();
                drop(tokio::io::copy(&mut from, &mut to).await);
                drop(to.shutdown().await);
            });
        }
    });
    let (proxy, work) = open(SocketAddr::from(([127, 0, 0, 1], 0)), target.to_string()).await.unwrap();
    tasks.spawn(work);
    (proxy, tasks)
}

async fn connect(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(proxy.address()).await.unwrap()
}

/// Says something and waits until all of it has come back; returns how long that took.
async fn ask(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<Duration> {
    let began = Instant::now();
    stream.write_all(bytes).await?;
    hear(stream, bytes).await?;
    Ok(began.elapsed())
}

async fn hear(stream: &mut TcpStream, expected: &[u8]) -> io::Result<()> {
    let mut heard = vec![0; expected.len()];
    timeout(PATIENCE, stream.read_exact(&mut heard)).await??;
    assert_eq!(heard, expected);
    Ok(())
}

fn slow(to_server: Shape, to_client: Shape) -> NetworkFault {
    NetworkFault::Slow { to_server, to_client }
}

#[tokio::test]
async fn latency_is_added_in_each_direction() {
    let (proxy, _tasks) = echo().await;
    let mut stream = connect(&proxy).await;
    ask(&mut stream, b"whole").await.unwrap();
    let late = |latency_ms| Shape { latency_ms, jitter_ms: 20, ..Shape::default() };
    proxy.set(slow(late(150), late(100)));
    let took = ask(&mut stream, b"late").await.unwrap();
    assert!((250..2_000).contains(&took.as_millis()), "{took:?}");
    proxy.set(NetworkFault::None);
    assert!(ask(&mut stream, b"whole again").await.unwrap() < Duration::from_millis(200));
}

#[tokio::test]
async fn bandwidth_bounds_what_passes_and_keeps_its_order() {
    let (proxy, _tasks) = echo().await;
    let mut stream = connect(&proxy).await;
    let narrow = Shape { bytes_per_second: Some(100_000), ..Shape::default() };
    proxy.set(slow(Shape::default(), narrow));
    let bytes: Vec<u8> = (0..50_000_u32).map(|index| u8::try_from(index % 251).unwrap()).collect();
    let took = ask(&mut stream, &bytes).await.unwrap();
    assert!((450..5_000).contains(&took.as_millis()), "{took:?}");
    assert_eq!((proxy.counts().bytes_to_server, proxy.counts().bytes_to_client), (50_000, 50_000));
}

#[tokio::test]
async fn a_black_hole_keeps_connections_and_delivers_when_it_heals() {
    let (proxy, _tasks) = echo().await;
    let mut open_before = connect(&proxy).await;
    ask(&mut open_before, b"whole").await.unwrap();
    proxy.set(NetworkFault::BlackHole);
    let mut opened_in_it = connect(&proxy).await;
    for stream in [&mut open_before, &mut opened_in_it] {
        stream.write_all(b"held").await.unwrap();
        assert!(timeout(MOMENT, stream.read_u8()).await.is_err(), "something passed");
    }
    proxy.set(NetworkFault::None);
    for stream in [&mut open_before, &mut opened_in_it] {
        hear(stream, b"held").await.unwrap();
    }
}

#[tokio::test]
async fn a_reset_ends_what_is_open_and_what_comes() {
    let (proxy, _tasks) = echo().await;
    let mut open_before = connect(&proxy).await;
    ask(&mut open_before, b"whole").await.unwrap();
    proxy.set(NetworkFault::Reset);
    let ended = timeout(PATIENCE, open_before.read_u8()).await.unwrap().unwrap_err();
    assert_eq!(ended.kind(), io::ErrorKind::ConnectionReset);
    let mut opened_in_it = connect(&proxy).await;
    assert!(timeout(PATIENCE, ask(&mut opened_in_it, b"x")).await.unwrap().is_err());
    proxy.set(NetworkFault::None);
    ask(&mut connect(&proxy).await, b"whole").await.unwrap();
}

#[tokio::test]
async fn a_refusing_path_is_not_listened_on_until_it_heals() {
    let (proxy, _tasks) = echo().await;
    let mut open_before = connect(&proxy).await;
    ask(&mut open_before, b"whole").await.unwrap();
    proxy.set(NetworkFault::Refuse);
    assert!(timeout(PATIENCE, open_before.read_u8()).await.unwrap().is_err());
    let refused = async {
        loop {
            match TcpStream::connect(proxy.address()).await {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => break,
                // The listener is just being closed.
                Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    };
    timeout(PATIENCE, refused).await.expect("nobody listens");
    proxy.set(NetworkFault::None);
    let healed = async {
        loop {
            if let Ok(stream) = TcpStream::connect(proxy.address()).await {
                break stream;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    ask(&mut timeout(PATIENCE, healed).await.unwrap(), b"whole").await.unwrap();
}

#[tokio::test]
async fn the_end_of_either_side_reaches_the_other() {
    let (proxy, _tasks) = echo().await;
    let mut stream = connect(&proxy).await;
    stream.write_all(b"last words").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut heard = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut heard)).await.unwrap().unwrap();
    assert_eq!(heard, b"last words");
    let closed = async {
        while proxy.counts().open > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, closed).await.expect("the connection is given up");
}
