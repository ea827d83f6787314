//! Opening a WebSocket: who may, and what is agreed on.

use crate::support::TestServer;
use crate::support::http::upgrade;

#[tokio::test]
async fn the_subprotocol_is_selected_when_offered_and_may_be_left_out() {
    let server = TestServer::start().await;
    for (offered, status, selected) in [
        ("", 101, None),
        ("mcp", 101, Some("mcp")),
        ("graphql-ws, mcp", 101, Some("mcp")),
        ("mcp,chat", 101, Some("mcp")),
        ("graphql-ws", 400, None),
        ("MCP", 400, None),
        ("mcp2", 400, None),
    ] {
        let response = upgrade(server.address(), &[("Sec-WebSocket-Protocol", offered)]).await;
        assert_eq!(response.status, status, "{offered:?}: {}", response.body);
        assert_eq!(response.header("sec-websocket-protocol"), selected, "{offered:?}");
    }
}

#[tokio::test]
async fn the_accept_key_is_that_of_the_rfc() {
    let server = TestServer::start().await;
    let response = upgrade(server.address(), &[]).await;
    // The example of RFC 6455, section 1.3.
    assert_eq!(response.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
}

#[tokio::test]
async fn credentials_that_admit_nobody_are_refused_and_never_echoed() {
    let server = TestServer::start().await;
    let secret = "c2VjcmV0";
    let entry = format!("mcp.auth.{secret}");
    let [behind, before, basic] = [format!("mcp, {entry}"), format!("{entry}, mcp"), format!("Basic {secret}")];
    for (name, value) in [
        ("Sec-WebSocket-Protocol", &behind),
        ("Sec-WebSocket-Protocol", &before),
        ("Sec-WebSocket-Protocol", &entry),
        ("Authorization", &basic),
    ] {
        let response = upgrade(server.address(), &[(name, value)]).await;
        // Of a browser's entry without `mcp` nothing could be selected, and the browser would give up.
        let status = if *value == entry { 400 } else { 401 };
        assert_eq!(response.status, status, "{name}: {value}");
        let challenge = response.header("www-authenticate").unwrap_or_default();
        assert_eq!(challenge.starts_with(r#"Bearer error="invalid_token", error_description=""#), status == 401);
        assert!(!format!("{response:?}").contains(secret), "{name}: {value}");
    }
    let both = [("Authorization", "Bearer a"), ("Sec-WebSocket-Protocol", behind.as_str())];
    assert_eq!(upgrade(server.address(), &both).await.status, 400);
    server.stop().await;
}

#[tokio::test]
async fn an_upgrade_that_lacks_something_is_refused() {
    let server = TestServer::start().await;
    for (headers, status) in [
        (&[("Sec-WebSocket-Version", "12")], 426),
        (&[("Sec-WebSocket-Version", "")], 426),
        (&[("Sec-WebSocket-Key", "")], 400),
        (&[("Upgrade", "h2c")], 426),
        (&[("Upgrade", "")], 426),
        (&[("Connection", "keep-alive")], 426),
        (&[("Connection", "")], 426),
    ] {
        let response = upgrade(server.address(), headers).await;
        assert_eq!(response.status, status, "{headers:?}: {}", response.body);
    }
    let response = upgrade(server.address(), &[("Sec-WebSocket-Version", "8")]).await;
    assert_eq!(response.header("sec-websocket-version"), Some("13"));
    server.stop().await;
}
