//! What the host and the server say to each other reaches them.

use super::host::{Host, code};
use crate::support::{TestServer, until};
use serde_json::{Value, json};
use sessile::tools::{Access, Output, Question, Tool};
use sessile::wire::MODERN;

fn url(server: &TestServer) -> String {
    format!("ws://{}/mcp", server.address())
}

/// The metadata of a modern request.
fn modern() -> Value {
    json!({ "io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {} })
}

#[tokio::test]
async fn a_legacy_host_shakes_hands_lists_calls_and_is_told() {
    let server = TestServer::start().await;
    let mut host = Host::start(&url(&server));
    let hello = host.initialize("2025-11-25", json!({})).await;
    assert_eq!(hello["result"]["protocolVersion"], "2025-11-25");
    let tools = host.request("tools/list", json!({})).await;
    assert!(tools["result"]["tools"].as_array().expect("a list").len() > 1);
    host.sign_up("ann").await;
    host.notification("notifications/tools/list_changed").await;
    let made = host.tool("crm_contact_create", json!({ "name": "Bo" })).await;
    let uri = json!(format!("crm://contacts/{}", made["id"].as_str().expect("an id")));
    host.request("resources/subscribe", json!({ "uri": uri })).await;
    host.tool("crm_contact_update", json!({ "id": made["id"], "version": made["version"], "name": "Bob" })).await;
    assert_eq!(host.notification("notifications/resources/updated").await["params"]["uri"], uri);
    assert!(host.leave().await.status.success());
    server.stop().await;
}

#[tokio::test]
async fn a_modern_host_discovers_calls_and_listens() {
    let server = TestServer::start().await;
    let mut host = Host::start(&url(&server));
    let found = host.request("server/discover", json!({ "_meta": modern() })).await;
    assert!(found["result"]["supportedVersions"].as_array().expect("a list").contains(&json!(MODERN)));
    let filter = json!({ "_meta": modern(), "notifications": { "toolsListChanged": true } });
    let stream = host.send("subscriptions/listen", filter).await;
    let opened = host.notification("notifications/subscriptions/acknowledged").await;
    assert_eq!(opened["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], stream);
    let who = host.request("tools/call", json!({ "_meta": modern(), "name": "auth_whoami", "arguments": {} })).await;
    assert_eq!(who["result"]["resultType"], "complete");
    host.notify("notifications/cancelled", json!({ "requestId": stream })).await;
    assert!(host.leave().await.status.success());
    server.stop().await;
}

#[tokio::test]
async fn what_the_server_asks_reaches_the_host_and_its_answer_the_server() {
    let schema = json!({ "type": "object" });
    let ask = Tool::raw("ask", Access::Anyone, schema, |context, _| async move {
        let form = json!({ "type": "object", "properties": { "name": { "type": "string" } } });
        let answer = context.ask("name", Question::form("Your name?", &form)).await?;
        Ok(Output::text(answer["content"]["name"].to_string()))
    });
    let server = TestServer::with_tools(vec![ask], |_| {}).await;
    let mut host = Host::start(&url(&server));
    host.initialize("2025-11-25", json!({ "elicitation": {} })).await;
    let call = host.send_call("ask", json!({})).await;
    let question = host.notification("elicitation/create").await;
    let answer = json!({ "action": "accept", "content": { "name": "Ann" } });
    host.write(&json!({ "jsonrpc": "2.0", "id": question["id"], "result": answer }).to_string()).await;
    assert_eq!(host.response(&call).await["result"]["content"][0]["text"], "\"Ann\"");
    assert!(host.leave().await.status.success());
    server.stop().await;
}

#[tokio::test]
async fn a_batch_is_answered_as_one_and_a_refused_one_too() {
    let server = TestServer::start().await;
    let mut host = Host::start(&url(&server));
    let batch = r#"[{"jsonrpc":"2.0","id":"a","method":"ping"},{"jsonrpc":"2.0","id":"b","method":"ping"}]"#;
    host.initialize("2025-11-25", json!({})).await;
    host.write(batch).await;
    assert_eq!(host.next().await["error"]["code"], -32600, "this version has none");
    host.initialize("2025-03-26", json!({})).await;
    host.write(batch).await;
    let answers: Value = serde_json::from_str(&host.next_line().await).expect("it is JSON");
    assert_eq!(answers.as_array().map(Vec::len), Some(2), "{answers}");
    // More than may be in flight; the server answers nobody in particular, and nobody waits any longer.
    let many: Vec<_> = (0..65).map(|id| json!({ "jsonrpc": "2.0", "id": id, "method": "ping" })).collect();
    host.write(&json!(many).to_string()).await;
    assert_eq!(host.next().await["error"]["code"], -32600);
    let ended = host.leave().await;
    assert_eq!(ended.rest, Vec::<Value>::new());
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_message_is_answered_as_the_server_would() {
    let server = TestServer::start().await;
    let mut host = Host::start(&url(&server));
    let mut direct = server.connect().await;
    for wrong in ["nonsense", r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, r#"{"a":1}"#, "7"] {
        host.write(wrong).await;
        let answer: Value = serde_json::from_str(&host.next_line().await).expect("it is JSON");
        direct.send_unannounced(wrong).await;
        assert_eq!(answer, direct.next().await, "{wrong}");
    }
    host.write("\u{feff}").await;
    assert_eq!(host.next().await["error"]["code"], -32700);
    // Of resuming, the bridge alone speaks.
    let id = host.send("dev.sessile/resume", json!({})).await;
    assert_eq!(host.response(&id).await["error"]["code"], -32601);
    assert_eq!(host.request("ping", json!({})).await["result"], json!({}));
    assert!(host.leave().await.status.success());
    direct.close().await;
    server.stop().await;
}

#[tokio::test]
async fn an_id_in_use_and_a_request_that_is_taken_back() {
    let (gate, tool) = crate::support::Gate::new();
    let server = TestServer::with_tools(vec![tool], |_| {}).await;
    let mut host = Host::start(&url(&server));
    let call = host.send_call("test_wait", json!({})).await;
    gate.entered().await;
    host.write(&json!({ "jsonrpc": "2.0", "id": call, "method": "ping" }).to_string()).await;
    assert_eq!(host.response(&call).await["error"]["code"], -32600);
    host.notify("notifications/cancelled", json!({ "requestId": call })).await;
    gate.left().await;
    let ended = host.leave().await;
    assert_eq!(ended.rest, Vec::<Value>::new(), "what is taken back gets no answer");
    until("the session's end", || server.manager().counts() == [0; 6]).await;
    server.stop().await;
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_answered_and_taken_back() {
    let (gate, tool) = crate::support::Gate::new();
    let server = TestServer::with_tools(vec![tool], |_| {}).await;
    let mut host = Host::start_with(&url(&server), &["--call-timeout", "0.3"], &[]);
    let answer = host.request("tools/call", json!({ "name": "test_wait", "arguments": {} })).await;
    assert_eq!(code(&answer), Some("outcome_unknown"), "it was never listed: {answer}");
    gate.left().await;
    gate.entered().await;
    assert!(host.leave().await.status.success());
    server.stop().await;
}
