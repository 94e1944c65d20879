//! Settles what machines see of auth on either address, and what people must not see.

use crate::app::App;

#[tokio::test(flavor = "multi_thread")]
async fn the_internal_address_tells_the_state_and_the_public_one_does_not() {
    let app = App::start().await;
    app.signed_in("zoe.martin").await;
    for client in [app.auth.client(), app.auth.internal_client()] {
        client.get("/livez").await.expect(200);
        client.get("/readyz").await.expect(200);
    }
    let status = app.auth.internal_client().get("/statusz").await.expect(200);
    assert_eq!(status.body["phase"], "ready");
    assert_eq!(status.body["postgres"]["reachable"], true);
    assert_eq!(status.body["redis"]["reachable"], true);
    assert!(status.body["audit"]["entries"].is_u64(), "{}", status.body["audit"]);
    let metrics = app.auth.internal_client();
    let text = metrics.request(reqwest::Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    assert!(text.contains("http_server_request_duration_seconds_count"), "{text}");
    assert!(text.contains("ent_revocation_lag_seconds"), "{text}");
    assert!(text.contains("http_route=\"/auth/v1/sessions\""), "{text}");
    for path in [
        "/statusz",
        "/metrics",
        "/internal/v1/jwks",
        "/internal/v1/changes?after=0",
        "/internal/v1/revocations?after=0",
    ] {
        app.browser().get(path).await.expect_problem(404, "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_security_headers() {
    let app = App::start().await;
    for path in ["/auth/v1/me", "/nowhere", "/auth/openapi.json"] {
        let answer = app.browser().get(path).await;
        for header in
            ["x-content-type-options", "x-frame-options", "content-security-policy", "referrer-policy"]
        {
            assert!(answer.headers.contains_key(header), "{path}: {header}");
        }
    }
}
