//! How many may be here at once.

use crate::support::http::upgrade;
use crate::support::{PASSWORD, TestServer, email, until};
use serde_json::json;

#[tokio::test]
async fn the_server_has_so_many_sessions() {
    let server = TestServer::with(|options| options.sessions.max_sessions = 2).await;
    let (first, _second) = (server.connect().await, server.connect().await);
    let refused = upgrade(server.address(), &[]).await;
    assert_eq!(refused.status, 503, "{}", refused.body);
    assert_eq!(refused.header("retry-after"), Some("30"));
    drop(first);
    until("there is room", || server.manager().counts()[0] == 1).await;
    assert_eq!(upgrade(server.address(), &[]).await.status, 101);
}

#[tokio::test]
async fn an_address_has_so_many_sessions() {
    let server = TestServer::with(|options| options.sessions.max_sessions_per_address = 2).await;
    let (first, _second) = (server.connect().await, server.connect().await);
    let refused = upgrade(server.address(), &[]).await;
    assert_eq!(refused.status, 429, "{}", refused.body);
    assert_eq!(refused.header("retry-after"), Some("30"));
    first.close().await;
    until("there is room", || server.manager().counts()[0] == 1).await;
    assert_eq!(upgrade(server.address(), &[]).await.status, 101);
    // Requests that open no session need no room.
    assert_eq!(crate::support::http::request(server.address(), "GET /healthz", &[]).await.status, 200);
}

#[tokio::test]
async fn a_user_has_so_many_sessions() {
    let server = TestServer::with(|options| options.sessions.max_sessions_per_user = 2).await;
    let mut first = server.sign_up("ann").await;
    let second = server.sign_in("ann").await;
    let mut third = server.connect().await;
    let credentials = json!({ "email": email("ann"), "password": PASSWORD });
    let refusal = third.refused("auth_sign_in", credentials.clone()).await;
    assert_eq!(refusal.code, "limit", "{}", refusal.text);
    assert_eq!(third.tool("auth_whoami", json!({})).await["signed_in"], false);
    // Somebody else may, and whoever is in may sign in again.
    third.sign_up("eve").await;
    first.tool("auth_sign_in", credentials.clone()).await;
    second.close().await;
    until("there is room", || server.manager().counts()[0] == 2).await;
    third.tool("auth_sign_in", credentials).await;
}
