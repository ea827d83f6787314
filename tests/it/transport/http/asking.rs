//! Calls that ask their client: the question comes on the call's stream, the answer in a request of its own.

use crate::support::{HttpClient, TestServer};
use serde_json::{Value, json};
use sessile::tools::{Access, Output, Question, Tool};
use sessile::wire::Era;

fn asks() -> Tool {
    Tool::raw("ask", Access::Anyone, json!({ "type": "object" }), |context, _| async move {
        let answer = context.ask("roots", Question::roots()).await?;
        Ok(Output::text(answer["roots"][0]["uri"].to_string()))
    })
}

fn roots(uri: &str) -> Value {
    json!({ "roots": [{ "uri": uri }] })
}

/// Posts an answer to a question, and gives the status.
async fn answer(client: &mut HttpClient, session: &str, question: &Value, result: Value) -> u16 {
    let token = client.token.as_ref().map(|token| format!("Bearer {token}")).unwrap_or_default();
    let headers = [("Mcp-Session-Id", session), ("MCP-Protocol-Version", "2025-11-25"), ("Authorization", &token)];
    let message = json!({ "jsonrpc": "2.0", "id": question["id"], "result": result });
    client.post(&headers, &message.to_string()).await.status
}

#[tokio::test]
async fn only_the_owner_of_the_session_can_answer() {
    let server = TestServer::with_tools(vec![asks()], |_| {}).await;
    let mut ann = server.http_sign_up(Era::Legacy, "ann").await;
    let mut eve = server.http_sign_up(Era::Legacy, "eve").await;
    for client in [&mut ann, &mut eve] {
        client.initialize_with("2025-11-25", json!({ "roots": {} })).await;
    }
    let session = ann.session.clone().expect("it is open");
    let id = ann.send("tools/call", json!({ "name": "ask", "arguments": {} })).await;
    let question = ann.notification(&id, "roots/list").await;
    assert_eq!(answer(&mut eve, &session, &question, roots("file:///eve")).await, 404);
    let eves = eve.session.clone().expect("it is open");
    assert_eq!(answer(&mut eve, &eves, &question, roots("file:///eve")).await, 202);
    assert_eq!(answer(&mut ann, &session, &question, roots("file:///ann")).await, 202);
    assert_eq!(ann.response(&id).await["result"]["content"][0]["text"], r#""file:///ann""#);
    server.stop().await;
}

#[tokio::test]
async fn who_takes_no_stream_or_has_no_session_is_not_asked() {
    let server = TestServer::with_tools(vec![asks()], |_| {}).await;
    let mut ann = server.http_sign_up(Era::Legacy, "ann").await;
    assert_eq!(ann.refused("ask", json!({})).await.code, "missing_client_capability");
    ann.initialize_with("2025-11-25", json!({ "roots": {} })).await;
    let (message, headers) = ann.message("tools/call", json!({ "name": "ask", "arguments": {} }));
    let mut headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.push(("Accept", "application/json"));
    let mut refused = ann.post(&headers, &message.to_string()).await;
    assert!(refused.text().await.contains("missing_client_capability"));
    server.stop().await;
}
