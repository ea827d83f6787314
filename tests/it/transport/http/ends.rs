//! What ends sessions and streams from outside: a stop of the server, and what happens to who opened them.

use crate::support::issuer::Issuer;
use crate::support::{Gate, TestServer, until};
use serde_json::json;
use sessile::auth::OidcOptions;
use sessile::wire::Era;

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

#[tokio::test]
async fn a_server_that_stops_finishes_calls_and_ends_streams() {
    let (gate, tool) = Gate::new();
    let mut server = TestServer::with_tools(vec![tool], |_| {}).await;
    let (mut legacy, mut modern) = (server.http(Era::Legacy), server.http(Era::Modern));
    legacy.initialize("2025-11-25").await;
    let unasked = legacy.listen(None).await;
    let listening = modern.send("subscriptions/listen", json!({ "notifications": { "toolsListChanged": true } })).await;
    modern.notification(&listening, "notifications/subscriptions/acknowledged").await;
    let calls = [legacy.start_call("test_wait", json!({})).await, modern.start_call("test_wait", json!({})).await];
    gate.entered().await;
    gate.entered().await;
    server.begin_to_stop();
    assert_eq!(legacy.next_of(&unasked).await, None);
    let last = modern.response(&listening).await;
    assert_eq!(last["result"]["_meta"]["io.modelcontextprotocol/subscriptionId"], listening);
    gate.open();
    gate.open();
    assert_eq!(legacy.response(&calls[0]).await["result"]["structuredContent"]["done"], true);
    assert_eq!(modern.response(&calls[1]).await["result"]["structuredContent"]["done"], true);
    server.stop().await;
}

#[tokio::test]
async fn calls_that_do_not_finish_in_time_are_given_up() {
    let (gate, tool) = Gate::new();
    let short = std::time::Duration::from_millis(100);
    let mut server = TestServer::with_tools(vec![tool], |options| options.drain = short).await;
    let (mut legacy, mut modern, mut away) =
        (server.http(Era::Legacy), server.http(Era::Modern), server.http(Era::Legacy));
    legacy.initialize("2025-11-25").await;
    away.initialize("2025-11-25").await;
    let gone = away.start_call("test_wait", json!({})).await;
    legacy.start_call("test_wait", json!({})).await;
    modern.start_call("test_wait", json!({})).await;
    for _ in 0..3 {
        gate.entered().await;
    }
    away.hang_up(&gone);
    server.begin_to_stop();
    for _ in 0..3 {
        gate.left().await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_session_that_is_ended_is_gone_at_once_with_its_streams_and_calls() {
    let (gate, tool) = Gate::new();
    let server = TestServer::with_tools(vec![tool], |_| {}).await;
    let mut ann = server.http_sign_up(Era::Legacy, "ann").await;
    ann.initialize("2025-11-25").await;
    let unasked = ann.listen(None).await;
    let call = ann.start_call("test_wait", json!({})).await;
    gate.entered().await;
    let mut other = server.http(Era::Modern);
    other.sign_in("ann").await;
    let sessions = other.tool("auth_sessions", json!({})).await;
    let id = sessions["sessions"][0]["id"].clone();
    other.tool("auth_end_session", json!({ "session_id": id })).await;
    assert_eq!(ann.post(&[], PING).await.status, 404);
    assert_eq!(ann.next_of(&unasked).await, None);
    gate.left().await;
    ann.hang_up(&call);
    until("it is gone", || server.manager().counts()[0] == 0).await;
    server.stop().await;
}

#[tokio::test]
async fn who_is_no_member_any_more_is_out() {
    let server = TestServer::start().await;
    let mut ann = server.http_sign_up(Era::Modern, "ann").await;
    let invited = ann.tool("tenant_invite", json!({ "role": "member" })).await;
    let mut bob = server.http_sign_up(Era::Legacy, "bob").await;
    let joined = bob.tool("tenant_join", json!({ "code": invited["code"] })).await;
    bob.use_tokens(&joined);
    bob.initialize("2025-11-25").await;
    let unasked = bob.listen(None).await;
    let mut modern = server.http(Era::Modern);
    modern.token = bob.token.clone();
    let filter = json!({ "notifications": { "resourcesListChanged": true } });
    let listening = modern.send("subscriptions/listen", filter).await;
    modern.notification(&listening, "notifications/subscriptions/acknowledged").await;

    let bobs_id = bob.tool("auth_whoami", json!({})).await["user"]["id"].clone();
    ann.tool("tenant_remove_member", json!({ "user_id": bobs_id })).await;
    assert_eq!(bob.post(&[], PING).await.status, 401);
    assert_eq!(bob.next_of(&unasked).await, None);
    assert_eq!(modern.response(&listening).await["result"]["resultType"], "complete");
    until("all is gone", || server.manager().counts()[0] == 0).await;
    server.stop().await;
}

#[tokio::test]
async fn a_token_that_is_none_is_refused_in_json() {
    let server = TestServer::start().await;
    let mut client = server.http(Era::Legacy);
    for token in ["Bearer x", "Basic YTpi", "Bearer a.b.c", "Bearer", "x"] {
        for session in ["", "00000000000000000000000000000000"] {
            let mut answer = client.post(&[("Authorization", token), ("Mcp-Session-Id", session)], PING).await;
            assert_eq!(answer.status, 401, "{token}");
            let challenge = answer.header("www-authenticate").expect("it says what to do").to_owned();
            assert!(challenge.starts_with(r#"Bearer error="invalid_token""#), "{challenge}");
            let body: serde_json::Value = serde_json::from_str(&answer.text().await).expect("JSON");
            assert_eq!(body["error"], "invalid_token");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn where_somebody_else_signs_people_in_a_missing_sign_in_is_asked_for_by_status() {
    let issuer = Issuer::start(&[]).await;
    let tenant = "0198c0de-0000-7000-8000-000000000001";
    let server = TestServer::with(|options| {
        options.oidc = vec![OidcOptions::new("corp", &issuer.url, "https://crm.example.com/mcp", tenant)];
    })
    .await;
    for era in [Era::Legacy, Era::Modern] {
        let mut client = server.http(era);
        let (message, headers) = client.message("tools/call", json!({ "name": "crm_company_list" }));
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut answer = client.post(&headers, &message.to_string()).await;
        assert_eq!(answer.status, 401);
        let challenge = answer.header("www-authenticate").expect("a challenge").to_owned();
        assert!(challenge.starts_with("Bearer resource_metadata=\"http://"), "{challenge}");
        assert!(answer.text().await.contains("not_signed_in"));
        assert_eq!(client.tool("auth_whoami", json!({})).await["signed_in"], false);
    }
    server.stop().await;
}

#[tokio::test]
async fn nothing_is_left_of_clients_that_come_and_go_in_every_manner() {
    let (gate, tool) = Gate::new();
    let server = TestServer::with_tools(vec![tool], |_| {}).await;
    let mut ann = server.http_sign_up(Era::Legacy, "ann").await;
    let company = ann.tool("crm_company_create", json!({ "name": "Pine" })).await;
    let uri = format!("crm://companies/{}", company["id"].as_str().expect("an id"));
    for round in 0..40 {
        let (mut legacy, mut modern) = (server.http(Era::Legacy), server.http(Era::Modern));
        (legacy.token, modern.token) = (ann.token.clone(), ann.token.clone());
        legacy.initialize("2025-11-25").await;
        legacy.result("resources/subscribe", json!({ "uri": uri })).await;
        legacy.result("resources/list", json!({})).await;
        legacy.listen(None).await;
        let filter = json!({ "notifications": { "resourceSubscriptions": [uri], "resourcesListChanged": true } });
        modern.send("subscriptions/listen", filter).await;
        modern.start_call("test_wait", json!({})).await;
        legacy.start_call("test_wait", json!({})).await;
        gate.entered().await;
        gate.entered().await;
        // One call ends with its client, and one with its session.
        drop(modern);
        if round % 2 == 0 {
            assert_eq!(legacy.delete().await, 204);
        } else {
            gate.left().await;
            gate.open();
            gate.left().await;
            assert_eq!(legacy.delete().await, 204);
            continue;
        }
        gate.left().await;
        gate.left().await;
    }
    until("all is gone", || server.manager().counts()[0] == 0).await;
    server.stop().await;
}
