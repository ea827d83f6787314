//! Clients behind a proxy: they are told apart only when the proxy is trusted.

use crate::support::http::{request, upgrade};
use crate::support::{Client, TestServer, soon};
use serde_json::json;
use sessile::wire::Era;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// A server that has room for one session of an address.
async fn narrow(trusted_proxies: &str) -> TestServer {
    let proxies = trusted_proxies.parse().expect(trusted_proxies);
    TestServer::with(|options| {
        options.trusted_proxies = proxies;
        options.sessions.max_sessions_per_address = 1;
    })
    .await
}

#[tokio::test]
async fn limits_count_who_a_trusted_proxy_says_it_is() {
    let server = narrow("127.0.0.0/8").await;
    let mut held = Vec::new();
    for (forwarded, status) in [
        ("198.51.100.1", 101),
        ("198.51.100.2", 101),
        ("198.51.100.1", 429),
        ("203.0.113.9, 198.51.100.1", 429),
        ("203.0.113.9, 198.51.100.3, 127.0.0.9", 101),
        // The proxy itself, as there is nobody else to count.
        ("unknown", 101),
        ("unknown", 429),
        ("", 429),
    ] {
        let response = upgrade(server.address(), &[("X-Forwarded-For", forwarded)]).await;
        assert_eq!(response.status, status, "{forwarded}: {}", response.body);
        held.push(response);
    }
}

#[tokio::test]
async fn nobody_else_is_believed() {
    let server = narrow("192.0.2.0/24").await;
    let _first = upgrade(server.address(), &[("X-Forwarded-For", "198.51.100.1")]).await;
    let second = upgrade(server.address(), &[("X-Forwarded-For", "198.51.100.2")]).await;
    assert_eq!(second.status, 429, "{}", second.body);
}

#[tokio::test]
async fn sessions_show_the_address_of_the_client() {
    let server = narrow("127.0.0.1").await;
    let headers = [("X-Forwarded-For", "198.51.100.7")];
    let mut client = Client::connect_with(server.address(), Era::Legacy, &headers).await;
    client.sign_up("ann").await;
    let sessions = client.tool("auth_sessions", json!({})).await;
    assert_eq!(sessions["sessions"][0]["address"], "198.51.100.7", "{sessions}");
}

#[tokio::test]
async fn a_trusted_proxy_may_open_many_connections() {
    // More than those of one address may be, sessions or not.
    let connections = 40;
    let server = narrow("127.0.0.1").await;
    let mut held = Vec::new();
    for _ in 0..connections {
        let response = request(server.address(), "GET /healthz", &[]).await;
        assert_eq!(response.status, 200);
        held.push(response.stream);
    }
    let server = narrow("").await;
    held.clear();
    for _ in 0..connections {
        held.push(TcpStream::connect(server.address()).await.expect("the server listens"));
    }
    let last = held.last_mut().expect("there are some");
    let read = soon("the end of a connection too many", last.read(&mut [0; 16])).await;
    assert_eq!(read.unwrap_or_default(), 0);
}
