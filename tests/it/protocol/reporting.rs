//! Progress and log messages: only for who asked, and only of their own call.

use crate::support::{Client, TestServer, reports};
use serde_json::{Value, json};
use sessile::wire::Era;

/// Calls `test_report` with this `_meta`, and gives the notifications that came before the answer.
async fn report(client: &mut Client, meta: Value) -> Vec<Value> {
    let arguments = json!({ "times": 2 });
    let id = client.send("tools/call", json!({ "name": "test_report", "arguments": arguments, "_meta": meta })).await;
    let mut before = Vec::new();
    loop {
        let message = client.next().await;
        if message.get("id") == Some(&id) {
            client.expect_silence().await;
            return before;
        }
        before.push(message);
    }
}

fn levels(notifications: &[Value]) -> Vec<&str> {
    notifications.iter().filter_map(|one| one["params"]["level"].as_str()).collect()
}

#[tokio::test]
async fn progress_comes_before_the_answer_and_with_the_token_of_the_call() {
    let server = TestServer::with_tools(vec![reports()], |_| {}).await;
    for era in [Era::Legacy, Era::Modern] {
        let mut client = server.sign_up_in(era, &format!("{era:?}")).await;
        for token in [json!("t"), json!("\"quoted\""), json!(7), json!(0)] {
            let progress = report(&mut client, json!({ "progressToken": token })).await;
            let steps: Vec<_> = progress.iter().map(|one| &one["params"]).collect();
            let step = |n| json!({ "progressToken": token, "progress": n, "total": 2, "message": "on the way" });
            assert_eq!(steps, [&step(1), &step(2)], "{era:?}");
        }
        assert_eq!(report(&mut client, json!({})).await, Vec::<Value>::new(), "nobody asked");
        for token in [json!(1.5), json!({}), json!([]), json!(true)] {
            let params =
                json!({ "name": "test_report", "arguments": { "times": 1 }, "_meta": { "progressToken": token } });
            assert_eq!(client.error("tools/call", params).await["code"], -32602, "{era:?}, {token}");
        }
    }
}

#[tokio::test]
async fn a_legacy_client_sets_the_log_level_of_its_connection() {
    let server = TestServer::with_tools(vec![reports()], |_| {}).await;
    let mut client = server.sign_up("ann").await;
    let mut other = server.sign_in("ann").await;
    assert_eq!(report(&mut client, json!({})).await, Vec::<Value>::new(), "no level was set");
    for (level, expected) in [
        ("debug", vec!["debug", "error", "debug", "error"]),
        ("info", vec!["error", "error"]),
        ("error", vec!["error", "error"]),
        ("critical", vec![]),
    ] {
        client.result("logging/setLevel", json!({ "level": level })).await;
        let logged = report(&mut client, json!({})).await;
        assert_eq!(levels(&logged), expected, "{level}");
    }
    for level in [json!({ "level": "loud" }), json!({ "level": 3 }), json!({})] {
        assert_eq!(client.error("logging/setLevel", level.clone()).await["code"], -32602, "{level}");
    }
    assert_eq!(report(&mut other, json!({})).await, Vec::<Value>::new(), "that was another connection");
}

#[tokio::test]
async fn a_modern_client_sets_the_log_level_of_each_request() {
    let server = TestServer::with_tools(vec![reports()], |_| {}).await;
    let mut client = server.sign_up_in(Era::Modern, "ann").await;
    let level = |level: &str| json!({ "io.modelcontextprotocol/logLevel": level });
    assert_eq!(levels(&report(&mut client, level("warning")).await), ["error", "error"]);
    assert_eq!(report(&mut client, json!({})).await, Vec::<Value>::new(), "that was another request");
    let params = json!({ "name": "test_report", "arguments": { "times": 1 }, "_meta": level("loud") });
    assert_eq!(client.error("tools/call", params).await["code"], -32602);
}
