//! Settles how tests talk to a service: as a browser does, with cookies and an Origin, and with answers that are easy to look at.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use reqwest::header::{COOKIE, HeaderMap, ORIGIN, SET_COOKIE};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::session::ACCESS_COOKIE;

/// The origin that services under test accept.
pub(super) const TEST_ORIGIN: &str = "https://ent.test";

/// A browser with its cookies.
pub struct Client {
    http: reqwest::Client,
    base: String,
    cookies: Mutex<BTreeMap<String, String>>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The body as JSON; null when it is none.
    pub body: Value,
}

impl Answer {
    /// The problem's stable code.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("")
    }

    /// Fails with the whole answer unless the status is this one.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "often the status is all that a test wants to know")]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Fails unless this is the problem `code` with this status.
    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str) {
        let answer = self.expect(status);
        assert_eq!(answer.code(), code, "{answer:?}");
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{answer:?}");
        assert!(status != 503 || answer.headers.contains_key("retry-after"), "{answer:?}");
    }
}

impl Client {
    /// A browser without cookies.
    pub fn new(address: SocketAddr) -> Self {
        crate::tls::install_provider();
        let http =
            reqwest::Client::builder().timeout(Duration::from_secs(20)).no_proxy().build().expect("a client");
        Self { http, base: format!("http://{address}"), cookies: Mutex::default() }
    }

    /// Another browser, without cookies, on the same connections.
    #[must_use]
    pub fn another(&self) -> Self {
        Self { http: self.http.clone(), base: self.base.clone(), cookies: Mutex::default() }
    }

    /// A browser that is signed in with `token`.
    #[must_use]
    pub fn with_token(self, token: String) -> Self {
        self.cookies.lock().expect("no poison").insert(ACCESS_COOKIE.to_owned(), token);
        self
    }

    /// The cookie's value, if the browser has it.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().expect("no poison").get(name).cloned()
    }

    /// Puts a cookie in the browser.
    pub fn set_cookie(&self, name: &str, value: String) {
        self.cookies.lock().expect("no poison").insert(name.to_owned(), value);
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// POST with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// Replaces a thing by JSON, as a browser of the ENT's pages.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::PUT, path).json(body)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Any request, for tests about the request itself.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let cookies: Vec<String> = self
            .cookies
            .lock()
            .expect("no poison")
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = self.http.request(method, format!("{}{path}", self.base)).header(ORIGIN, TEST_ORIGIN);
        if cookies.is_empty() { request } else { request.header(COOKIE, cookies.join("; ")) }
    }

    /// Sends and keeps the cookies of the answer.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.expect("the service answers");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        self.keep_cookies(&headers);
        let bytes = response.bytes().await.expect("a whole body");
        Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
    }

    fn keep_cookies(&self, headers: &HeaderMap) {
        let mut cookies = self.cookies.lock().expect("no poison");
        for header in headers.get_all(SET_COOKIE) {
            let text = header.to_str().expect("a readable cookie");
            let (name, value) =
                text.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            if text.contains("Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}
