//! Settles which heads are refused, by which problem, before anything is done for them.

use super::Listening;

#[test]
fn plain_text_http2_is_refused_at_once() {
    let server = Listening::start();
    let answer = server.exchange("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0");
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[test]
fn an_upgrade_to_http2_is_not_taken() {
    let server = Listening::start();
    let offer = "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n";
    let answer = server.exchange(&format!("GET /quick HTTP/1.0\r\nhost: x\r\n{offer}\r\n"));
    assert!(!answer.contains(" 101 "), "{answer}");
}

#[test]
fn heads_that_no_route_takes_are_refused_by_name() {
    let server = Listening::start();
    let long = "x".repeat(3_000);
    let cases = [
        (format!("GET /quick?{long} HTTP/1.1\r\n"), "414", "address_too_long"),
        ("GET /quick%00 HTTP/1.1\r\n".to_owned(), "400", "malformed_address"),
        ("GET /quick?q=a%0ab HTTP/1.1\r\n".to_owned(), "400", "malformed_address"),
        (format!("GET /quick HTTP/1.1\r\na: {}\r\n", "x".repeat(20_000)), "431", "headers_too_large"),
        (
            "POST /length HTTP/1.1\r\ncontent-encoding: gzip\r\n".to_owned(),
            "415",
            "unsupported_content_encoding",
        ),
        ("GET /nowhere HTTP/1.1\r\n".to_owned(), "404", "not_found"),
        ("POST /length HTTP/1.1\r\ncontent-length: 70000\r\n".to_owned(), "413", "body_too_large"),
        ("GET /quick HTTP/1.1\r\nx-ent-timeout-ms: 2\r\n".to_owned(), "503", "deadline_exceeded"),
    ];
    for (head, status, code) in cases {
        let answer = server.exchange(&format!("{head}host: x\r\nconnection: close\r\n\r\n"));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{code}: {answer}");
        assert!(answer.contains(&format!("\"code\":\"{code}\"")), "{code}: {answer}");
        assert!(answer.contains("x-content-type-options: nosniff"), "{code}: {answer}");
    }
}

#[test]
fn every_answer_says_what_browsers_may_do_with_it() {
    let answer = Listening::start().exchange("GET /quick HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    for header in [
        "x-content-type-options: nosniff",
        "x-frame-options: DENY",
        "referrer-policy: no-referrer",
        "content-security-policy: default-src 'none'; frame-ancestors 'none'",
        "permissions-policy: accelerometer=()",
        "cross-origin-opener-policy: same-origin",
        "cross-origin-resource-policy: same-origin",
        "cache-control: no-store",
    ] {
        assert!(answer.contains(header), "{header}: {answer}");
    }
}
