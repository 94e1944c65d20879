//! Settles that an answer which goes on for ever outlives the limits of others, and ends with its client, or where that does not read.

use std::convert::Infallible;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::{HttpResponse, web};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{pending, repeat};

use super::{BODY_TIME, LIMITS, Listening, intake, policy, read_to_end, until};
use crate::http::connection::ClientLimits;

/// Streams that are being answered.
#[derive(Clone, Default)]
struct Open(Arc<AtomicUsize>);

struct Place(Open);

impl Open {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    fn enter(&self) -> Place {
        self.0.fetch_add(1, Ordering::SeqCst);
        Place(self.clone())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn listening(open: &Open) -> Listening {
    let limits = ClientLimits { idle: Duration::from_millis(200), ..LIMITS };
    let open = open.clone();
    Listening::serve(intake(limits), policy(BODY_TIME), move |app| {
        let (silent, flooding, ticking) = (open.clone(), open.clone(), open.clone());
        let stream = || HttpResponse::Ok().content_type("text/event-stream").take();
        app.route(
            "/silent",
            web::get().to(move || {
                let place = silent.enter();
                let body = pending::<Result<Bytes, Infallible>>().inspect(move |_| _ = &place);
                async move { stream().streaming(body) }
            }),
        )
        .route(
            "/flooding",
            web::get().to(move || {
                let place = flooding.enter();
                let body = repeat(Bytes::from_static(&[b':'; 16 * 1024]));
                let body = body.map(Ok::<_, Infallible>).inspect(move |_| _ = &place);
                async move { stream().streaming(body) }
            }),
        )
        .route(
            "/ticking",
            web::get().to(move || {
                let place = ticking.enter();
                let body = futures_util::stream::unfold((0, place), |(number, place)| async move {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    let chunk = Ok::<_, Infallible>(Bytes::from_static(b":\n\n"));
                    (number < 10).then_some((chunk, (number + 1, place)))
                });
                async move { stream().streaming(body) }
            }),
        );
    })
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")
}

#[test]
fn a_stream_goes_on_beyond_the_time_of_an_idle_connection_and_is_the_last_answer_of_its_own() {
    let server = listening(&Open::default());
    let answer = read_to_end(&mut server.send(&get("/ticking")));
    assert!(answer.to_lowercase().contains("\r\nconnection: close\r\n"), "{answer}");
    assert_eq!(answer.matches(":\n\n").count(), 10, "{answer}");
}

#[test]
fn a_stream_ends_at_once_when_its_client_goes_even_if_it_has_nothing_to_say() {
    let open = Open::default();
    let server = listening(&open);
    let mut stream = server.send(&get("/silent"));
    stream.read_exact(&mut [0; 12]).unwrap();
    assert_eq!(open.count(), 1);
    drop(stream);
    until("the stream is over", || open.count() == 0);
}

#[test]
fn whoever_does_not_read_a_stream_is_cut_off() {
    let open = Open::default();
    let server = listening(&open);
    let mut stream = server.send(&get("/flooding"));
    stream.read_exact(&mut [0; 12]).unwrap();
    until("the stream is over", || open.count() == 0);
}
