//! Settles, for any service, that none of its public routes takes what no route may take: found from its own description.

use reqwest::header::{ALLOW, CONTENT_ENCODING, ORIGIN};
use reqwest::{Method, Response};
use serde_json::Value;

use super::Running;
use super::client::TEST_ORIGIN;
use crate::http::server::openapi;
use crate::service::Service;

/// Any id, for the parameters of paths.
const SOME_ID: &str = "0198f0c0-0000-7000-8000-000000000000";

/// Asks every public route what it must refuse, and fails the test where one does not.
pub async fn every_route_refuses_what_none_may_take<S: Service>(running: &Running<S>) {
    crate::tls::install_provider();
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let description = serde_json::to_value(openapi::<S>()).expect("a description");
    let paths = description["paths"].as_object().expect("paths");
    assert!(!paths.is_empty());
    for (path, operations) in paths {
        let address = format!("http://{}{}", running.public_address(), with_ids(path));
        for name in operations.as_object().expect("operations").keys() {
            let method = Method::from_bytes(name.to_uppercase().as_bytes()).expect("a method");
            let plain = http.request(method.clone(), &address);
            if ![Method::GET, Method::HEAD].contains(&method) {
                let foreign = plain.try_clone().expect("no stream").send().await.expect("an answer");
                expect(foreign, 403, "foreign_origin", name, path).await;
            }
            let own = plain.header(ORIGIN, TEST_ORIGIN);
            let compressed = own.try_clone().expect("no stream").header(CONTENT_ENCODING, "gzip").body("x");
            let compressed = compressed.send().await.expect("an answer");
            expect(compressed, 415, "unsupported_content_encoding", name, path).await;
            let nul = http.request(method.clone(), format!("{address}?q=%00")).header(ORIGIN, TEST_ORIGIN);
            expect(nul.send().await.expect("an answer"), 400, "malformed_address", name, path).await;
            let wrong = Method::from_bytes(b"PROPFIND").expect("a method");
            let wrong = http.request(wrong, &address).header(ORIGIN, TEST_ORIGIN).send().await;
            let wrong = wrong.expect("an answer");
            let allow = wrong.headers().get(ALLOW).and_then(|value| value.to_str().ok()).unwrap_or_default();
            assert!(allow.contains(method.as_str()), "{path}: Allow: {allow}");
            expect(wrong, 405, "method_not_allowed", "PROPFIND", path).await;
        }
    }
}

fn with_ids(path: &str) -> String {
    let segment = |segment: &str| if segment.starts_with('{') { SOME_ID } else { segment }.to_owned();
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

async fn expect(answer: Response, status: u16, code: &str, method: &str, path: &str) {
    let got = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap_or_default();
    assert_eq!((got, body["code"].as_str()), (status, Some(code)), "{method} {path}: {body}");
}
