//! Settles that no client holds a connection for longer than its limits: heads, bodies, answers, refused bodies.

use std::io::{Read, Write};
use std::thread::sleep;
use std::time::Duration;

use super::{BODY_TIME, LARGE, Listening, read_to_end};

const GET_QUICK: &str = "GET /quick HTTP/1.1\r\nhost: x\r\n\r\n";

#[test]
fn a_stalled_body_is_answered_408_and_its_connection_ends() {
    let server = Listening::start();
    for head in ["content-length: 100", "transfer-encoding: chunked"] {
        let mut stalled =
            server.send(&format!("POST /length HTTP/1.1\r\nhost: x\r\n{head}\r\n\r\n5\r\nabcde"));
        let answer = read_to_end(&mut stalled);
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(answer.contains("\"code\":\"request_timeout\""), "{answer}");
    }
}

#[test]
fn a_body_that_drips_is_answered_408_too() {
    let server = Listening::start();
    let mut dripping = server.send("POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n");
    let mut other_end = dripping.try_clone().unwrap();
    let drip = std::thread::spawn(move || {
        (0..40).take_while(|_| other_end.write_all(b"x").is_ok()).for_each(|_| sleep(BODY_TIME / 20));
    });
    let mut head = [0; 12];
    dripping.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 408");
    drip.join().unwrap();
}

#[test]
fn a_body_that_comes_in_time_is_read_whole() {
    let server = Listening::start();
    let mut stream =
        server.send("POST /length HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 6\r\n\r\nabc");
    sleep(BODY_TIME / 4);
    stream.write_all(b"def").unwrap();
    assert!(read_to_end(&mut stream).ends_with("\r\n\r\n6"));
}

#[test]
fn the_second_head_of_a_connection_has_a_limit_too() {
    let server = Listening::start();
    let mut stream = server.send(GET_QUICK);
    let (mut answer, mut buffer) = (vec![], [0; 512]);
    while !answer.ends_with(b"quick") {
        let read = stream.read(&mut buffer).unwrap();
        answer.extend_from_slice(&buffer[..read]);
    }
    stream.write_all(b"GET /qui").unwrap();
    assert_eq!(read_to_end(&mut stream), "", "closed without an answer, and not left open");
}

#[test]
fn a_refused_body_that_never_ends_does_not_keep_the_connection() {
    let server = Listening::start();
    let head =
        "POST /length HTTP/1.1\r\nhost: x\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n";
    let answer = read_to_end(&mut server.send(&format!("{head}5\r\nabcde\r\n")));
    assert!(answer.starts_with("HTTP/1.1 415"), "{answer}");
}

#[test]
fn whoever_does_not_take_an_answer_is_cut_off() {
    let server = Listening::start();
    let mut stream = server.send("GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    sleep(Duration::from_millis(1_500));
    let mut bytes = vec![];
    let _ = stream.read_to_end(&mut bytes);
    assert!(bytes.len() < LARGE, "{} bytes of {LARGE} were kept for a client that read none", bytes.len());
}

#[test]
fn whoever_takes_an_answer_slowly_but_steadily_gets_it_whole() {
    let server = Listening::start();
    let mut stream = server.send("GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let (mut bytes, mut buffer) = (0, vec![0; 16 * 1024]);
    loop {
        let read = stream.read(&mut buffer).unwrap();
        bytes += read;
        if read == 0 {
            break;
        }
        sleep(Duration::from_millis(25));
    }
    assert!(bytes > LARGE, "{bytes}");
}
