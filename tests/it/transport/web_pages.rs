//! What web pages may do: names that are answered to, origins that may talk to the server, and what
//! their pages may read.

use crate::support::TestServer;
use crate::support::http::{request, upgrade};

/// A server with an address for others, and an app of another origin.
async fn public() -> TestServer {
    TestServer::with(|options| {
        options.public_url = Some("https://crm.example.com".into());
        options.allowed_origins = vec!["https://app.example.com".into()];
    })
    .await
}

#[tokio::test]
async fn web_pages_of_other_origins_stay_out() {
    let server = TestServer::with(|options| options.allowed_origins = vec!["https://app.example.com".into()]).await;
    let (own, port) = (server.address().to_string(), server.address().port());
    let local = format!("localhost:{port}");
    let rebound = format!("evil.example:{port}");
    for (host, origin, status) in [
        (&own, format!("http://{own}"), 101),
        (&local, format!("http://{local}"), 101),
        (&own, "https://app.example.com".into(), 101),
        (&own, "https://APP.example.com".into(), 101),
        (&own, "https://evil.example".into(), 403),
        (&own, "https://app.example.com.evil.example".into(), 403),
        (&own, "http://app.example.com".into(), 403),
        (&own, "null".into(), 403),
        (&own, format!("http://{local}"), 403),
        // By DNS rebinding a page's own name comes to point here, and the two headers agree.
        (&rebound, format!("http://{rebound}"), 403),
    ] {
        let response = upgrade(server.address(), &[("Host", host), ("Origin", &origin)]).await;
        assert_eq!(response.status, status, "{origin} at {host}: {}", response.body);
    }
}

#[tokio::test]
async fn only_requests_for_this_server_are_served() {
    let server = public().await;
    for (line, host, status) in [
        ("GET /mcp", "crm.example.com", 405),
        ("GET /mcp", "localhost", 405),
        ("GET /mcp", "evil.example", 403),
        ("POST /mcp", "evil.example", 403),
        ("OPTIONS /mcp", "evil.example", 403),
        ("GET /nothing", "evil.example", 403),
        ("GET /.well-known/nothing", "evil.example", 403),
        ("GET /mcp", "", 400),
        ("GET http://evil.example/mcp", "localhost", 403),
        // Machines ask for health by whatever name or address they have.
        ("GET /healthz", "evil.example", 200),
        ("GET /readyz", "10.0.0.7:7400", 200),
        ("HEAD /readyz", "evil.example", 200),
    ] {
        let response = request(server.address(), line, &[("Host", host)]).await;
        assert_eq!(response.status, status, "{line} at {host}: {}", response.body);
        if status == 403 {
            assert!(response.body.contains("allowed_hosts"), "it names the setting: {}", response.body);
        }
    }
}

#[tokio::test]
async fn an_upgrade_at_the_public_url_is_let_in() {
    let server = public().await;
    for (origin, status) in [
        ("https://crm.example.com", 101),
        ("https://app.example.com", 101),
        ("http://crm.example.com", 403),
        ("https://evil.example", 403),
    ] {
        let response = upgrade(server.address(), &[("Host", "crm.example.com"), ("Origin", origin)]).await;
        assert_eq!(response.status, status, "{origin}: {}", response.body);
    }
}

#[tokio::test]
async fn a_preflight_tells_pages_of_allowed_origins_what_they_may_send() {
    let server = public().await;
    let ask = async |path: &str, origin: &str| {
        let headers = [
            ("Origin", origin),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "authorization, mcp-param-Region,mcp-param-x, x-other"),
        ];
        request(server.address(), &format!("OPTIONS {path}"), &headers).await
    };
    for path in ["/mcp", "/auth/token", "/openapi.json"] {
        let response = ask(path, "https://app.example.com").await;
        assert_eq!(response.status, 204, "{path}");
        assert_eq!(response.header("access-control-allow-origin"), Some("https://app.example.com"), "{path}");
        assert_eq!(response.header("access-control-allow-methods"), Some("GET, HEAD, POST, DELETE"));
        let granted = "authorization, content-type, accept, mcp-session-id, mcp-protocol-version, mcp-method, mcp-name, last-event-id, mcp-param-region, mcp-param-x";
        assert_eq!(response.header("access-control-allow-headers"), Some(granted));
        assert_eq!(response.header("access-control-max-age"), Some("7200"));
        assert_eq!(response.header("access-control-allow-credentials"), None);
        let refused = ask(path, "https://evil.example").await;
        assert_eq!((refused.status, refused.header("access-control-allow-origin")), (403, None), "{path}");
    }
    // What is public anybody may read.
    let response = ask("/.well-known/oauth-protected-resource", "https://evil.example").await;
    assert_eq!((response.status, response.header("access-control-allow-origin")), (204, Some("*")));
    // The rest is for nobody's pages.
    let response = ask("/nothing", "https://app.example.com").await;
    assert_eq!((response.status, response.header("access-control-allow-origin")), (404, None));
}

#[tokio::test]
async fn answers_may_be_read_by_pages_of_allowed_origins() {
    let server = public().await;
    for (origin, status, readable) in [
        (Some("https://app.example.com"), 405, Some("https://app.example.com")),
        (Some("https://crm.example.com"), 405, Some("https://crm.example.com")),
        (Some("https://evil.example"), 403, None),
        (None, 405, None),
    ] {
        let headers: Vec<_> = origin.map(|origin| ("Origin", origin)).into_iter().collect();
        let response = request(server.address(), "PUT /mcp", &headers).await;
        assert_eq!(response.status, status, "{origin:?}");
        assert_eq!(response.header("access-control-allow-origin"), readable, "{origin:?}");
        let exposed = readable.map(|_| "Mcp-Session-Id, WWW-Authenticate, Retry-After");
        assert_eq!(response.header("access-control-expose-headers"), exposed, "{origin:?}");
        // A cache must not give one origin's answer to another.
        assert_eq!(response.header("vary"), (status == 405).then_some("Origin"), "{origin:?}");
    }
}
