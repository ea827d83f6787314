//! Streams: of a call, of a subscription, and of what a session has to say.

use crate::support::{Gate, TestServer, reports, until};
use serde_json::json;
use sessile::wire::Era;

fn talk(times: u64) -> serde_json::Value {
    json!({ "name": "test_report", "arguments": { "times": times }, "_meta": { "progressToken": "t" } })
}

#[tokio::test]
async fn a_call_that_talks_is_answered_with_a_stream() {
    let server = TestServer::with_tools(vec![reports()], |_| {}).await;
    for era in [Era::Modern, Era::Legacy] {
        let mut client = server.http_sign_up(era, &format!("{era:?}").to_lowercase()).await;
        if era == Era::Legacy {
            client.initialize("2025-11-25").await;
        }
        let mut params = talk(3);
        if era == Era::Modern {
            params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
            params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
        }
        let id = client.send("tools/call", params.clone()).await;
        assert!(client.exchange(&id).is_stream());
        assert_eq!(client.response(&id).await["result"]["structuredContent"]["done"], true);
        let heard: Vec<_> = client.heard().iter().map(|message| message["params"]["progress"].clone()).collect();
        assert_eq!(heard, [json!(1), json!(2), json!(3)], "{era:?}");
        // Who takes no stream gets the answer.
        let (message, headers) = client.message("tools/call", params);
        let mut headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        headers.push(("Accept", "application/json"));
        let mut answer = client.post(&headers, &message.to_string()).await;
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert!(answer.text().await.contains(r#""done":true"#));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_modern_call_ends_with_its_connection() {
    let (gate, tool) = Gate::new();
    let server = TestServer::with_tools(vec![tool], |_| {}).await;
    for era in [Era::Modern, Era::Legacy] {
        let mut client = server.http(era);
        let waiting = client.start_call("test_wait", json!({})).await;
        gate.entered().await;
        client.hang_up(&waiting);
        gate.left().await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_subscription_is_told_until_its_client_goes() {
    let server = TestServer::start().await;
    let mut ann = server.http_sign_up(Era::Modern, "ann").await;
    let company = ann.tool("crm_company_create", json!({ "name": "Pine" })).await;
    let uri = format!("crm://companies/{}", company["id"].as_str().expect("an id"));
    let filter = json!({ "resourceSubscriptions": [uri], "resourcesListChanged": true, "toolsListChanged": true });
    let listening = ann.send("subscriptions/listen", json!({ "notifications": filter })).await;
    let first = ann.next_of(&listening).await.expect("the acknowledgement");
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(first["params"]["notifications"], filter);
    let update = json!({ "id": company["id"], "version": company["version"], "name": "Pine & Co" });
    ann.tool("crm_company_update", update).await;
    assert_eq!(ann.notification(&listening, "notifications/resources/updated").await["params"]["uri"], uri);
    ann.tool("crm_company_create", json!({ "name": "Oak" })).await;
    ann.notification(&listening, "notifications/resources/list_changed").await;
    // It is one of the user's sessions.
    let sessions = ann.tool("auth_sessions", json!({})).await;
    assert_eq!(sessions["sessions"].as_array().map(Vec::len), Some(1));
    let session = sessions["sessions"][0]["id"].clone();
    ann.tool("auth_end_session", json!({ "session_id": session })).await;
    assert_eq!(ann.response(&listening).await["result"]["resultType"], "complete");

    let listening = ann.send("subscriptions/listen", json!({ "notifications": filter })).await;
    ann.notification(&listening, "notifications/subscriptions/acknowledged").await;
    ann.hang_up(&listening);
    until("the subscription is gone", || server.manager().counts()[0] == 0).await;
    server.stop().await;
}

#[tokio::test]
async fn a_subscription_that_is_none_is_refused_with_a_status() {
    let server = TestServer::start().await;
    let mut client = server.http(Era::Modern);
    let error = client.error("subscriptions/listen", json!({ "notifications": [] })).await;
    assert_eq!(error["code"], -32602);
    let (message, headers) = client.message("subscriptions/listen", json!({ "notifications": {} }));
    let mut headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.push(("Accept", "application/json"));
    assert_eq!(client.post(&headers, &message.to_string()).await.status, 406);
    assert_eq!(server.manager().counts()[0], 0);
    server.stop().await;
}

#[tokio::test]
async fn a_session_says_unasked_what_changed() {
    let server = TestServer::start().await;
    let mut ann = server.http_sign_up(Era::Legacy, "ann").await;
    let company = ann.tool("crm_company_create", json!({ "name": "Pine" })).await;
    let uri = format!("crm://companies/{}", company["id"].as_str().expect("an id"));
    ann.initialize("2025-11-25").await;
    ann.result("resources/subscribe", json!({ "uri": uri })).await;
    let stream = ann.listen(None).await;
    assert!(ann.exchange(&stream).is_stream());
    let update = |version| json!({ "id": company["id"], "version": version, "name": format!("Pine {version}") });
    ann.tool("crm_company_update", update(1)).await;
    assert_eq!(ann.notification(&stream, "notifications/resources/updated").await["params"]["uri"], uri);
    // A newer stream takes the older one's place.
    let newer = ann.listen(None).await;
    assert_eq!(ann.next_of(&stream).await, None);
    ann.tool("crm_company_update", update(2)).await;
    ann.notification(&newer, "notifications/resources/updated").await;
    // What happens while nobody listens is told to who comes next.
    ann.hang_up(&newer);
    ann.tool("crm_company_update", update(3)).await;
    let third = ann.listen(None).await;
    ann.notification(&third, "notifications/resources/updated").await;
    // Whoever wants no stream gets none.
    assert_eq!(ann.delete().await, 204);
    assert_eq!(ann.next_of(&third).await, None);
    server.stop().await;
}
