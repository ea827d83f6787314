//! How fast requests may come.

use crate::support::http::send;
use crate::support::{Client, TestServer};
use serde_json::json;
use sessile::session::RateOptions;
use std::time::Duration;

const NONE: RateOptions = RateOptions { principal_per_second: 0, tenant_per_second: 0, address_per_second: 0 };

async fn server(rates: RateOptions) -> TestServer {
    TestServer::with(|options| options.sessions.rates = rates).await
}

/// Calls until it is told to slow down; gives the text and how long to wait.
async fn hurry(client: &mut Client) -> (String, u64) {
    for _ in 0..100 {
        let result = client.result("tools/call", json!({ "name": "auth_whoami", "arguments": {} })).await;
        if result["isError"] == true {
            let refusal = crate::support::Refusal::of(&result);
            assert_eq!(refusal.code, "rate_limited", "{}", refusal.text);
            return (refusal.text, refusal.retry_after.expect("it says how long to wait"));
        }
    }
    panic!("nobody said to slow down");
}

#[tokio::test]
async fn a_user_who_hurries_is_slowed_down_and_nobody_else_is() {
    let server = server(RateOptions { principal_per_second: 10, ..NONE }).await;
    let mut ann = server.sign_up("ann").await;
    let mut bob = server.join(&mut ann, "bob", "member").await;
    let (text, wait) = hurry(&mut ann).await;
    assert!(text.contains("by this user") && text.contains("10 a second"), "{text}");
    assert_eq!(wait, 1);
    bob.tool("auth_whoami", json!({})).await;
    // It is about the user, on whatever connection, and about the tenant they work in.
    let mut again = server.connect().await;
    again.sign_in("ann").await;
    assert!(hurry(&mut again).await.0.contains("by this user"));
    tokio::time::sleep(Duration::from_secs(wait)).await;
    ann.tool("auth_whoami", json!({})).await;
}

#[tokio::test]
async fn a_tenant_is_slowed_down_with_all_its_users() {
    let server = server(RateOptions { tenant_per_second: 10, ..NONE }).await;
    let mut ann = server.sign_up("ann").await;
    let mut bob = server.join(&mut ann, "bob", "member").await;
    let mut eve = server.sign_up("eve").await;
    assert!(hurry(&mut ann).await.0.contains("in this tenant"));
    assert!(hurry(&mut bob).await.0.contains("in this tenant"));
    eve.tool("auth_whoami", json!({})).await;
}

#[tokio::test]
async fn an_address_is_slowed_down_in_whatever_it_asks_but_not_in_signs_of_life() {
    let server = server(RateOptions { address_per_second: 5, ..NONE }).await;
    let mut client = server.connect().await;
    assert!(hurry(&mut client).await.0.contains("from this address"));
    for method in ["tools/list", "resources/templates/list", "prompts/list"] {
        // A moment may have passed, so that one more is let through.
        let mut response = client.request(method, json!({})).await;
        while response.get("result").is_some() {
            response = client.request(method, json!({})).await;
        }
        assert_eq!(
            response["error"]["data"],
            json!({ "code": "rate_limited", "retry_after_seconds": 1 }),
            "{response}"
        );
    }
    client.initialize("2025-11-25").await;
    client.result("ping", json!({})).await;
}

#[tokio::test]
async fn over_http_the_status_and_a_header_say_so_too() {
    let server = server(RateOptions { address_per_second: 5, ..NONE }).await;
    for method in ["tools/call", "tools/list"] {
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": { "name": "auth_whoami" } });
        let headers = [("Content-Type", "application/json")];
        let mut response = send(server.address(), "POST /mcp", &headers, &call.to_string()).await;
        for _ in 0..100 {
            if response.status != 200 {
                break;
            }
            response = send(server.address(), "POST /mcp", &headers, &call.to_string()).await;
        }
        assert_eq!((response.status, response.header("retry-after")), (429, Some("1")), "{}", response.body);
        assert!(response.body.contains(r#""code":"rate_limited","retry_after_seconds":1"#), "{}", response.body);
    }
}
