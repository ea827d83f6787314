//! A session goes on after its connection was lost: calls, answers, subscriptions, upstream sessions.

use super::counting::Counting;
use crate::support::{Gate, TestServer, until};
use serde_json::json;

#[tokio::test]
async fn answers_come_that_were_not_there_yet_when_the_connection_was_lost() {
    let (gate, tool) = Gate::new();
    let server = TestServer::with_tools(vec![tool], |_| {}).await;
    let mut ann = Counting::sign_up(&server, "ann").await;
    let first = ann.send_call("test_wait", json!({})).await;
    let second = ann.send_call("test_wait", json!({})).await;
    gate.entered().await;
    gate.entered().await;
    ann.cut().await;
    until("the session waits", || server.manager().resumable() == (1, 1)).await;
    gate.open();
    gate.open();
    gate.left().await;
    gate.left().await;
    let told = ann.come_back().await;
    assert_eq!(
        (&told["outcome"], &told["received"], &told["waits_seconds"]),
        (&json!("resumed"), &json!(3), &json!(120))
    );
    for id in [&first, &second] {
        assert_eq!(ann.response(id).await["result"]["structuredContent"], json!({ "done": true }));
    }
    assert_eq!(ann.email().await, "ann@example.com");
    assert_eq!(ann.heard().iter().filter(|message| message.get("id").is_some()).count(), 0, "nothing came twice");
    assert_eq!(server.manager().resumable(), (1, 0));
    ann.close().await;
    server.stop().await;
}
