//! Settles by trial what the front door lets in, strips, mints, logs and answers by itself.

mod running;

use std::time::Duration;

use running::FrontDoor;

#[test]
fn what_is_not_named_does_not_exist() {
    let door = FrontDoor::start();
    let paths = [
        "/internal/v1/changes",
        "/auth/internal/v1/changes",
        "/metrics",
        "/auth/metrics",
        "/statusz",
        "/auth/statusz",
        "/auth/readyz",
        "/auth/v2/sessions",
        "/auth/v1/..%2finternal/v1/changes",
        "/nowhere",
    ];
    for path in paths {
        let answer = door.get(path);
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{path}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
    }
    assert!(door.stub.seen().is_empty(), "{:?}", door.stub.seen());
}

#[test]
fn clients_cannot_speak_as_we_do_and_every_request_gets_a_trace() {
    let door = FrontDoor::start();
    let forged = "00-11111111111111111111111111111111-2222222222222222-01";
    let headers = [
        ("x-ent-caller", "forged"),
        ("x-ent-timeout-ms", "999999"),
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-host", "forged"),
        ("forwarded", "for=203.0.113.9"),
        ("traceparent", forged),
        ("tracestate", "forged=1"),
        ("baggage", "forged=1"),
    ];
    assert_eq!(door.send("GET", "/auth/v1/sessions/7f3a?login=somebody", &headers).status, 200);
    let seen = door.stub.seen().concat().to_lowercase();
    assert!(!seen.contains("forged") && !seen.contains("203.0.113.9") && !seen.contains(forged), "{seen}");
    assert!(seen.contains("x-forwarded-for: 127.0.0.1\r\n"), "{seen}");
    assert!(seen.contains("x-ent-timeout-ms: 5000\r\n"), "{seen}");
    let mut parts = seen.split("traceparent: 00-").nth(1).unwrap().split('-').map(str::to_owned);
    let (trace, span) = (parts.next().unwrap(), parts.next().unwrap());
    let is_id = |id: &str, length| id.len() == length && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(is_id(&trace, 32) && is_id(&span, 16), "{trace} {span}");

    let line: serde_json::Value = serde_json::from_str(&door.log_line("\"event\":\"request\"")).unwrap();
    assert_eq!((line["trace_id"].as_str(), line["status"].as_u64()), (Some(trace.as_str()), Some(200)));
    assert_eq!(line["span_id"].as_str(), Some(span.as_str()));
    assert_eq!(line["route"].as_str(), Some("/auth/v1/sessions"));
    let text = line.to_string();
    assert!(!text.contains("somebody") && !text.contains("7f3a") && !text.contains("127.0.0.1"), "{text}");
}

#[test]
fn figures_are_told_on_an_address_of_their_own_and_say_which_service_is_away() {
    let door = FrontDoor::start();
    let figures = door.figures("/metrics");
    assert!(figures.starts_with("HTTP/1.1 200"), "{figures}");
    for (service, count) in [("auth", 1), ("courses", 0), ("messaging", 0)] {
        let line = format!("haproxy_backend_active_servers{{proxy=\"{service}\"}} {count}");
        assert!(figures.contains(&line), "{line} of {figures}");
    }
    assert!(door.figures("/auth/v1/sessions").starts_with("HTTP/1.1 404"), "nothing else is there");
    assert_eq!((door.get("/metrics").status, door.plain("/metrics", "localhost").status), (404, 308));
}

#[test]
fn a_service_without_instances_is_a_503_with_a_jittered_retry_after() {
    let door = FrontDoor::start();
    let answer = door.get("/courses/v1/home");
    assert_eq!((answer.status, answer.code().as_str()), (503, "service_unavailable"));
    let seconds: u32 = answer.header("retry-after").parse().unwrap();
    assert!((2..=5).contains(&seconds), "{seconds}");
}

#[test]
fn a_service_that_hangs_is_a_504() {
    let door = FrontDoor::start();
    let began = crate::clock::now();
    let answer = door.get("/auth/v1/hang");
    assert_eq!((answer.status, answer.code().as_str()), (504, "gateway_timeout"));
    assert!(began.elapsed() < Duration::from_secs(8));
}

#[test]
fn a_broken_connection_replays_a_get_but_never_a_body() {
    let door = FrontDoor::start();
    assert_eq!(door.get("/auth/v1/break-once").status, 200);
    assert_eq!(door.stub.seen().len(), 2);
    let answer = door.send("POST", "/auth/v1/break", &[]);
    assert_eq!((answer.status, answer.code().as_str()), (502, "bad_gateway"));
    assert_eq!(door.stub.seen().iter().filter(|head| head.starts_with("POST")).count(), 1);
}

#[test]
fn programs_on_its_machine_are_told_what_it_had_to_repeat() {
    let door = FrontDoor::start();
    let counted = |name: &str| {
        let counts = door.figures("/metrics?scope=backend");
        let line = counts.lines().find(|line| line.starts_with(&format!("{name}{{proxy=\"auth\"}} ")));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<u32>().ok()).expect("it is counted")
    };
    let (repeated, broken_off) =
        ("haproxy_backend_retry_warnings_total", "haproxy_backend_response_errors_total");
    assert_eq!((counted(repeated), counted(broken_off)), (0, 0));
    assert_eq!(door.get("/auth/v1/break-once").status, 200);
    assert!(counted(repeated) > 0 && counted(broken_off) == 0);
    assert_eq!(door.send("POST", "/auth/v1/break", &[]).status, 502);
    assert_eq!(counted(broken_off), 1);
}

#[test]
fn an_address_that_asks_too_often_is_told_when_to_come_back_and_costs_the_services_nothing() {
    let door = FrontDoor::start_with(&[("ENT_ADDRESS_REQUESTS", 100)]);
    let answers: Vec<_> = (0..120).map(|_| door.get("/auth/v1/sessions")).collect();
    assert_eq!(answers[0].status, 200);
    let last = answers.last().unwrap();
    assert_eq!((last.status, last.code().as_str()), (429, "too_many_requests"));
    assert!((2..=5).contains(&last.header("retry-after").parse::<u32>().unwrap()));
    let refused = answers.iter().filter(|answer| answer.status == 429).count();
    assert_eq!(door.stub.seen().len(), 120 - refused);
}

#[test]
fn an_address_has_its_connections_and_no_more_and_others_when_it_leaves_some() {
    let door = FrontDoor::start_with(&[("ENT_ADDRESS_CONNECTIONS", 20)]);
    let held: Vec<_> = (0..25).map(|_| door.connect()).collect();
    assert!(held[0].is_some() && held[24].is_none(), "{held:?}");
    drop(held);
    let began = crate::clock::now();
    while door.connect().is_none() {
        assert!(began.elapsed() < Duration::from_secs(5), "connections that have ended still count");
    }
}

#[test]
fn an_address_makes_so_many_handshakes_in_a_while() {
    let door = FrontDoor::start_with(&[("ENT_ADDRESS_HANDSHAKES", 20)]);
    assert!((0..25).any(|_| door.connect().is_none()));
}

#[test]
fn plain_http_only_points_to_https() {
    let door = FrontDoor::start();
    let answer = door.plain("/auth/v1/sessions?x=1", "localhost:80");
    assert_eq!(answer.status, 308);
    assert_eq!(answer.header("location"), format!("https://localhost:{}/auth/v1/sessions?x=1", door.https));
    assert_eq!(door.plain("/", "a b\"<script>").status, 400);
}

#[test]
fn the_page_tells_each_services_state() {
    let door = FrontDoor::start();
    let answer = door.get("/");
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-security-policy").contains("default-src 'none'"));
    assert_eq!(answer.body.matches("<span class=\"up\">up</span>").count(), 1, "{}", answer.body);
    assert_eq!(answer.body.matches("<span class=\"down\">down</span>").count(), 2, "{}", answer.body);
    assert!(!answer.body.contains("%[") && answer.body.contains("width: 100%;"));
    assert_eq!(door.get("/auth/docs").header("location"), "/auth/docs/");
}

#[test]
fn a_stream_of_events_outlives_every_time_out_while_it_is_shown_to_be_alive() {
    let door = FrontDoor::start_before("messaging", &[]);
    // Longer than `timeout server` of requests (6 s) and `timeout client` (20 s).
    let (alive, lasted) = door.listen("/messaging/v1/events", 4);
    assert_eq!(alive, 4, "it ended after {lasted:?}");
    assert!(lasted >= running::ALIVE_EVERY * 2, "{lasted:?}");
}
