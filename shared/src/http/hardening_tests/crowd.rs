//! Settles that 500 clients that stall hold their connections for their limits and no longer: there is room for 500 more, and for everybody else.

use std::io::Read;
use std::net::TcpStream;

use super::{BODY_TIME, Intake, LIMITS, Listening, policy, routes};
use crate::ablation::{Ablation, Part};

const STALLED: usize = 500;
/// Room for one wave and the others, not for what would be left of two.
const MAX_CONNECTIONS: usize = 560;

fn start(ablation: Ablation) -> Listening {
    let intake = Intake { max_connections: MAX_CONNECTIONS, ..super::intake(LIMITS) };
    let policy = crate::http::EdgePolicy { ablation, ..policy(BODY_TIME) };
    Listening::serve(intake, policy, routes)
}

/// One in three stalls in its head, one in its body, one does not take its answer.
fn stall(server: &Listening) -> Vec<TcpStream> {
    let beginnings = [
        "GET /qui",
        "POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nabc",
        "GET /large HTTP/1.1\r\nhost: x\r\n\r\n",
    ];
    (0..STALLED).map(|n| server.send(beginnings[n % beginnings.len()])).collect()
}

/// A new connection each.
fn serves_others(server: &Listening) -> bool {
    (0..50).all(|_| {
        let mut stream = server.send("GET /quick HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).is_ok() && answer.ends_with("quick")
    })
}

#[test]
fn two_waves_of_500_stalled_clients_leave_room_for_everybody_else() {
    let server = start(Ablation::default());
    let _first = stall(&server);
    assert!(serves_others(&server));
    let _second = stall(&server);
    assert!(serves_others(&server));
}

#[test]
fn without_client_limits_the_second_wave_leaves_no_room() {
    let server = start(Ablation::default().without(Part::ClientLimits));
    let _first = stall(&server);
    assert!(serves_others(&server));
    let _second = stall(&server);
    assert!(!serves_others(&server));
}
