//! Requests that run beside each other: their ids, their number, cancelling them, and panics.

use crate::support::{Client, Gate, PASSWORD, TestServer, email, panics};
use serde_json::{Value, json};
use sessile::wire::Era;

const ERAS: [Era; 2] = [Era::Legacy, Era::Modern];

#[tokio::test]
async fn a_slow_call_keeps_nobody_waiting() {
    let (gate, tool) = Gate::new();
    let server = TestServer::with_tools(vec![tool], |_| {}).await;
    for era in ERAS {
        let mut client = server.connect_in(era).await;
        let slow = client.send_call("test_wait", json!({})).await;
        gate.entered().await;
        client.tool("auth_whoami", json!({})).await;
        gate.open();
        assert_eq!(client.response(&slow).await["result"]["structuredContent"]["done"], true);
    }
    server.stop().await;
}

#[tokio::test]
async fn an_id_may_be_used_again_once_it_is_answered_and_not_before() {
    let (gate, tool) = Gate::new();
    let server = TestServer::with_tools(vec![tool], |_| {}).await;
    let mut client = server.connect().await;
    let wait =
        |id: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"test_wait"}}}}"#);
    let ping = |id: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);

    client.send_text(&wait(r#""a""#)).await;
    gate.entered().await;
    // The same string in another spelling is the same id, and a number is not.
    for (id, taken) in [(r#""a""#, true), (r#""\u0061""#, true), (r#""b""#, false), ("1", false)] {
        client.send_text(&ping(id)).await;
        let answer = client.next().await;
        assert_eq!(answer["error"]["code"] == -32600, taken, "{id}: {answer}");
    }
    gate.open();
    assert_eq!(client.next().await["id"], "a");
    client.send_text(&ping(r#""a""#)).await;
    assert_eq!(client.next().await["result"], json!({}));
}

#[tokio::test]
async fn a_connection_has_so_many_calls_at_once() {
    let (gate, tool) = Gate::new();
    let server = TestServer::with_tools(vec![tool], |options| options.sessions.max_calls_in_flight = 3).await;
    let mut client = server.connect().await;
    let mut waiting = Vec::new();
    for _ in 0..3 {
        waiting.push(client.send_call("test_wait", json!({})).await);
        gate.entered().await;
    }
    let error = client.error("tools/call", json!({ "name": "auth_whoami" })).await;
    assert!(error["message"].as_str().is_some_and(|text| text.contains("limit")), "{error}");

    gate.open();
    gate.left().await;
    client.next().await;
    client.tool("auth_whoami", json!({})).await;
}

#[tokio::test]
async fn a_cancelled_call_ends_at_once_without_an_answer() {
    let (gate, tool) = Gate::new();
    let server = TestServer::with_tools(vec![tool], |options| options.sessions.max_calls_in_flight = 1).await;
    for era in ERAS {
        let mut client = server.connect_in(era).await;
        let id = client.send_call("test_wait", json!({})).await;
        gate.entered().await;
        client.cancel(&id).await;
        gate.left().await;
        // Its place is free again, and its id.
        client.expect_silence().await;
        client.tool("auth_whoami", json!({})).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn only_the_call_with_that_id_is_cancelled() {
    let (gate, tool) = Gate::new();
    let server = TestServer::with_tools(vec![tool], |_| {}).await;
    let (mut ann, mut eve) = (server.connect().await, server.connect().await);
    let mut calls = Vec::new();
    for client in [&mut ann, &mut eve] {
        for _ in 0..2 {
            calls.push(client.send_call("test_wait", json!({})).await);
            gate.entered().await;
        }
    }
    assert_eq!(calls[..2], calls[2..], "the two use the same ids");
    ann.cancel(&calls[0]).await;
    gate.left().await;
    (0..3).for_each(|_| gate.open());
    ann.response(&calls[1]).await;
    eve.response(&calls[2]).await;
    eve.response(&calls[3]).await;
    ann.expect_silence().await;
}

/// A server on which a sign-in takes long enough for the cancellation that arrives with it.
async fn with_slow_passwords() -> TestServer {
    TestServer::with(|options| {
        options.password.memory_kib = 4096;
        options.password.iterations = 40;
    })
    .await
}

#[tokio::test]
async fn a_cancelled_sign_in_does_not_sign_in() {
    let server = with_slow_passwords().await;
    drop(server.sign_up("ann").await);
    for era in ERAS {
        let mut client = server.connect_in(era).await;
        let sign_in = json!({ "email": email("ann"), "password": PASSWORD });
        let id = client.send_call("auth_sign_in", sign_in).await;
        client.cancel(&id).await;
        assert_eq!(client.tool("auth_whoami", json!({})).await["signed_in"], false, "{era:?}");
        client.expect_silence().await;
    }
    // Somebody else's cancellation means nothing to it.
    let mut client = server.connect().await;
    let sign_in = client.send_call("auth_sign_in", json!({ "email": email("ann"), "password": PASSWORD })).await;
    client.notify("notifications/cancelled", json!({ "requestId": "another" })).await;
    assert_eq!(client.tool("auth_whoami", json!({})).await["signed_in"], true);
    assert_eq!(client.response(&sign_in).await["result"]["structuredContent"]["user"]["email"], email("ann"));
}

#[tokio::test]
async fn a_message_that_waits_for_a_sign_in_is_served_once() {
    let server = with_slow_passwords().await;
    drop(server.sign_up("ann").await);
    let mut client = server.connect().await;
    // It holds the words by which a cancellation is found in what waits, and is none.
    let words = "notifications/cancelled";
    client.send_call("auth_sign_in", json!({ "email": email("ann"), "password": PASSWORD })).await;
    let sign_up = json!({ "email": words, "password": PASSWORD, "tenant_name": words });
    let id = client.send_call("auth_sign_up", sign_up).await;
    assert_eq!(crate::support::Refusal::of(&client.response(&id).await["result"]).code, "invalid_arguments");
    client.tool("auth_whoami", json!({})).await;
}

#[tokio::test]
async fn a_panic_is_an_internal_error_for_its_caller_alone() {
    let (gate, tool) = Gate::new();
    let server = TestServer::with_tools(vec![tool, panics()], |_| {}).await;
    async fn code(client: &mut Client, arguments: Value) -> Value {
        client.error("tools/call", json!({ "name": "test_panic", "arguments": arguments })).await["code"].clone()
    }
    for era in ERAS {
        let (mut ann, mut eve) = (server.connect_in(era).await, server.connect_in(era).await);
        let (hers, others) = (ann.send_call("test_wait", json!({})).await, eve.send_call("test_wait", json!({})).await);
        gate.entered().await;
        gate.entered().await;
        assert_eq!(code(&mut ann, json!({})).await, -32603);
        assert_eq!(code(&mut ann, json!({ "while_reading": true })).await, -32603);
        gate.open();
        gate.open();
        ann.response(&hers).await;
        eve.response(&others).await;
        ann.expect_silence().await;
    }
    server.stop().await;
}
