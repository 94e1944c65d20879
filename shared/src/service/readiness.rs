//! Settles how the command line asks an instance on this machine whether it is ready, as a container's health check does every few seconds.

use std::io::{Error, Read as _, Result, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// How long each step may take: to connect, to ask, to be answered.
const LIMIT: Duration = Duration::from_secs(2);
/// The first line of the answer is shorter.
const FIRST_BYTES: usize = 256;

/// The status line of `GET /readyz`; an error unless it is 200.
pub(super) fn ask(internal: SocketAddr) -> Result<String> {
    let mut stream = TcpStream::connect_timeout(&reachable(internal), LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(FIRST_BYTES as u64).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.lines().next().unwrap_or_default().to_owned();
    match status.split(' ').nth(1) {
        Some("200") => Ok(status),
        Some(_) | None => Err(Error::other(format!("not ready: {status}"))),
    }
}

/// Whoever listens on all addresses is asked on loopback.
fn reachable(internal: SocketAddr) -> SocketAddr {
    let everywhere = internal.ip().is_unspecified();
    if everywhere { (IpAddr::V4(Ipv4Addr::LOCALHOST), internal.port()).into() } else { internal }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn asked_of(answer: &'static str) -> Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = [0; 128];
            let _ = stream.read(&mut head).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let status = ask((Ipv4Addr::UNSPECIFIED, port).into());
        server.join().unwrap();
        status
    }

    #[test]
    fn only_200_is_ready() {
        assert_eq!(asked_of("HTTP/1.1 200 OK\r\n\r\n").unwrap(), "HTTP/1.1 200 OK");
        let draining = asked_of("HTTP/1.1 503 Service Unavailable\r\n\r\n").unwrap_err();
        assert!(draining.to_string().contains("503"), "{draining}");
        assert!(asked_of("").is_err());
    }

    #[test]
    fn nobody_there_is_an_error() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(ask(free).is_err());
    }
}
