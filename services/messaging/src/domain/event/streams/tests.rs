//! Settles that open streams stay within their bounds, and that each is told what came after it was opened, in order, or is cut off.

use futures_util::FutureExt;
use futures_util::StreamExt;
use shared::session::{AUDIENCE, ISSUER};

use super::*;

fn claims(person: u128) -> Arc<Claims> {
    let school = Uuid::from_u128(0xa1);
    let membership = shared::session::Membership { school, role: shared::session::Role::Student, epoch: 0 };
    Arc::new(Claims {
        iss: ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: Uuid::from_u128(person),
        sid: Uuid::from_u128(person),
        ep: 0,
        mem: vec![membership],
        auth_time: 0,
        amr: vec![],
        dev_since: 0,
        deg: false,
        iat: 0,
        exp: 0,
    })
}

fn streams(streams: usize, per_person: usize) -> Streams {
    let streams = Streams::new(Bounds { streams, per_person });
    streams.watch(10);
    streams
}

/// What has been told so far; `true` when the stream is over.
fn taken(listening: &mut Listening) -> (Vec<Told>, bool) {
    let mut told = vec![];
    loop {
        match listening.next().now_or_never() {
            Some(Some(one)) => told.push(one),
            Some(None) => return (told, true),
            None => return (told, false),
        }
    }
}

fn ending(told: &[Told]) -> Option<Ending> {
    told.last().and_then(|told| match told.notice {
        Notice::End(End { reason }) => Some(reason),
        Notice::New(_)
        | Notice::Released(_)
        | Notice::Withdrawn(_)
        | Notice::Unread(_)
        | Notice::Resync
        | Notice::Alive => None,
    })
}

#[test]
fn whoever_listens_before_the_first_reading_says_where_it_begins() {
    let streams = Streams::new(Bounds { streams: 2, per_person: 2 });
    assert_eq!(streams.open(claims(1), None, 7).unwrap().position, 7);
    assert_eq!((streams.begin(9), streams.position()), (7, Some(7)));
    assert_eq!(streams.open(claims(1), None, 6).unwrap().position, 7);
}

#[test]
fn the_instance_is_full_for_others_and_one_persons_oldest_makes_room_for_their_newest() {
    let streams = streams(3, 2);
    let mut first = streams.open(claims(1), None, 10).unwrap().listening;
    let _second = streams.open(claims(1), None, 10).unwrap();
    let third = streams.open(claims(1), None, 10).unwrap();
    let (told, is_over) = taken(&mut first);
    assert_eq!((ending(&told), is_over, streams.count()), (Some(Ending::Replaced), true, 2));
    let _other = streams.open(claims(2), None, 10).unwrap();
    assert!(matches!(streams.open(claims(3), None, 10), Err(MailboxError::StreamsFull)));
    drop(third);
    assert!(streams.open(claims(3), None, 10).is_ok(), "a connection that is gone gives its place back");
}

#[test]
fn a_stream_is_told_what_came_after_it_was_opened_and_nothing_twice() {
    let streams = streams(9, 9);
    let mut early = streams.open(claims(1), None, 10).unwrap();
    assert_eq!(streams.watch(20).len(), 1);
    let mut late = streams.open(claims(1), None, 10).unwrap();
    assert_eq!((early.position, late.position), (10, 20));
    let person = Uuid::from_u128(1);
    for position in [15, 20, 25] {
        streams.tell(person, position, &Notice::Resync);
    }
    streams.tell(Uuid::from_u128(2), 26, &Notice::Resync);
    let positions = |opened: &mut Opened| {
        taken(&mut opened.listening).0.iter().filter_map(|told| told.position).collect::<Vec<_>>()
    };
    assert_eq!((positions(&mut early), positions(&mut late)), (vec![15, 20, 25], vec![25]));
    let mut ahead = streams.open(claims(1), Some(30), 10).unwrap();
    (26..=31).for_each(|position| streams.tell(person, position, &Notice::Resync));
    assert_eq!(positions(&mut ahead), [31], "what another instance has told already");
    ahead.listening.begin_after(20);
    streams.tell(person, 32, &Notice::Resync);
    streams.tell(person, 25, &Notice::Resync);
    assert_eq!(positions(&mut ahead), [32, 25]);
}

#[test]
fn whoever_takes_nothing_is_cut_off_and_nobody_else() {
    let streams = streams(9, 9);
    let (mut slow, mut quick) =
        (streams.open(claims(1), None, 10).unwrap(), streams.open(claims(2), None, 10).unwrap());
    for position in 11..=11 + i64::try_from(WAITING).unwrap() {
        streams.tell_all(position, &Notice::Resync);
        assert_eq!(taken(&mut quick.listening).0.len(), 1);
    }
    let (told, is_over) = taken(&mut slow.listening);
    assert_eq!((told.len(), is_over, streams.count()), (WAITING, true, 1));
    assert!(streams.ended().any(|ended| ended == (Ending::TooSlow, 1)));
}

#[test]
fn everybody_is_shown_that_the_stream_is_there_once_in_so_many_turns() {
    let streams = streams(9, 9);
    let mut opened: Vec<_> =
        (1..=5).map(|person| streams.open(claims(person), None, 10).unwrap().listening).collect();
    (0..3).for_each(|turn| streams.show_alive(turn, 3));
    assert!(opened.iter_mut().all(|listening| taken(listening).0.len() == 1));
}

#[test]
fn those_for_whom_there_is_a_reason_end() {
    let streams = streams(9, 9);
    let (mut ended, mut goes_on) =
        (streams.open(claims(1), None, 10).unwrap(), streams.open(claims(2), None, 10).unwrap());
    streams.end_where(|claims| (claims.sub == Uuid::from_u128(1)).then_some(Ending::SessionEnded));
    let (told, is_over) = taken(&mut ended.listening);
    assert_eq!((ending(&told), is_over), (Some(Ending::SessionEnded), true));
    assert_eq!((taken(&mut goes_on.listening).1, streams.count()), (false, 1));
}
