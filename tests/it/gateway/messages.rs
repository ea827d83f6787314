//! What is said while a call runs: progress, log messages, cancellation, and what nobody here knows.

use super::stage::{CLIENTS, gateway, gateway_over, nasty, parrot, said, text};
use crate::support::{Client, soon};
use serde_json::{Value, json};
use sessile::wire::Era;
use std::fs;

/// Sends a call with this `_meta`.
async fn call(client: &mut Client, tool: &str, arguments: Value, meta: Value) -> Value {
    client.send("tools/call", json!({ "name": tool, "arguments": arguments, "_meta": meta })).await
}

/// What comes until a call is answered, and what it says.
async fn until_answered(client: &mut Client, id: &Value) -> (Vec<Value>, String) {
    let mut before = Vec::new();
    loop {
        let message = client.next().await;
        if message.get("id") == Some(id) && message.get("method").is_none() {
            return (before, text(&message["result"]));
        }
        // What the gateway says for itself.
        if message["method"] != "notifications/tools/list_changed" {
            before.push(message);
        }
    }
}

#[tokio::test]
async fn progress_comes_in_order_under_the_token_of_the_call() {
    for (way, era) in CLIENTS {
        let server = gateway_over(way, &[nasty("one", "")]).await;
        let mut ann = server.sign_up_in(era, "ann").await;
        said(&mut ann, "one_echo", json!({})).await;
        for token in [json!("a\"b"), json!(7)] {
            let id = call(&mut ann, "one_progress", json!({ "count": 50 }), json!({ "progressToken": token })).await;
            let (before, answer) = until_answered(&mut ann, &id).await;
            assert_eq!(answer, "done");
            let told: Vec<_> = before.iter().map(|one| (&one["method"], &one["params"])).collect();
            let expected: Vec<_> =
                (1..=50).map(|number| json!({ "progressToken": token, "progress": number, "total": 50 })).collect();
            let method = json!("notifications/progress");
            assert_eq!(told, expected.iter().map(|params| (&method, params)).collect::<Vec<_>>());
        }
        let id = call(&mut ann, "one_progress", json!({}), json!({})).await;
        let (before, _) = until_answered(&mut ann, &id).await;
        assert_eq!(before, Vec::<Value>::new(), "nobody asked for it");
        drop(ann);
        server.stop().await;
    }
}

#[tokio::test]
async fn a_cancelled_call_is_cancelled_at_the_upstream() {
    let server = gateway(&[nasty("one", "")]).await;
    for (era, name) in [(Era::Legacy, "ann"), (Era::Modern, "eve")] {
        let mut client = server.sign_up_in(era, name).await;
        said(&mut client, "one_echo", json!({})).await;
        let hanging = client.send_call("one_hang", json!({})).await;
        said(&mut client, "one_echo", json!({})).await;
        assert_eq!(said(&mut client, "one_cancelled", json!({})).await, "[]");
        client.cancel(&hanging).await;
        let reasons: Vec<String> =
            serde_json::from_str(&said(&mut client, "one_cancelled", json!({})).await).expect("a list");
        assert_eq!(reasons.len(), 1, "{reasons:?}");
        client.close().await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_request_that_is_hung_up_on_is_cancelled_at_the_upstream() {
    let server = gateway(&[nasty("one", "")]).await;
    let mut ann = server.http_sign_up(Era::Modern, "ann").await;
    let call = |name: &str| json!({ "name": name, "arguments": {} });
    ann.result("tools/call", call("one_echo")).await;
    // On its way before the next one, for it is sent on a connection of its own and read first.
    let token = json!({ "name": "one_hang", "arguments": {}, "_meta": { "progressToken": 1 } });
    let hanging = ann.start("tools/call", token).await;
    soon("the call to be cancelled", async {
        let mut hanging = Some(hanging);
        loop {
            let result = ann.result("tools/call", call("one_cancelled")).await;
            if text(&result) != "[]" {
                break;
            }
            if let Some(id) = hanging.take() {
                ann.hang_up(&id);
            }
        }
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn log_messages_come_as_they_are_asked_for() {
    for (way, era) in CLIENTS {
        let server = gateway_over(way, &[nasty("one", "")]).await;
        let mut ann = server.sign_up_in(era, "ann").await;
        for (level, expected) in [("debug", 3), ("info", 3), ("warning", 0)] {
            let meta = if era == Era::Legacy {
                ann.result("logging/setLevel", json!({ "level": level })).await;
                json!({})
            } else {
                json!({ "io.modelcontextprotocol/logLevel": level })
            };
            let id = call(&mut ann, "one_flood_stdout", json!({ "count": 3 }), meta).await;
            let (before, answer) = until_answered(&mut ann, &id).await;
            assert_eq!(answer, "flooded");
            let data: Vec<_> = before.iter().map(|one| one["params"]["data"].clone()).collect();
            assert_eq!(data, ["flood 1", "flood 2", "flood 3"][..expected], "{level}: {before:?}");
            assert!(before.iter().all(|one| one["method"] == "notifications/message"));
        }
        if era == Era::Modern {
            let id = call(&mut ann, "one_flood_stdout", json!({ "count": 3 }), json!({})).await;
            assert_eq!(until_answered(&mut ann, &id).await.0, Vec::<Value>::new(), "nobody asked for them");
        }
        drop(ann);
        server.stop().await;
    }
}

#[tokio::test]
async fn notifications_and_methods_that_nobody_here_knows_pass() {
    let cage = tempfile::tempdir().expect("there is room for files");
    let answer = r#"{"jsonrpc":"2.0","id":@@ID@@,"result":{"content":[{"type":"text","text":"hello"}]}}"#;
    fs::write(cage.path().join("say"), answer).expect("it can be written");
    let server = gateway(&[parrot("bird", cage.path())]).await;
    let mut ann = server.sign_up("ann").await;
    // Before there is a session with it, which is told all the same.
    ann.result("logging/setLevel", json!({ "level": "notice" })).await;
    assert_eq!(said(&mut ann, "bird_say", json!({})).await, "hello");
    ann.notify("notifications/vendor.example/sung", json!({ "tune": 1.5 })).await;
    ann.notify("notifications/roots/list_changed", json!({})).await;
    ann.forget().await;
    ann.send_text(r#"{"jsonrpc":"2.0","id":"v","method":"vendor.example/sing","params":{"a":1.0}}"#).await;
    assert_eq!(ann.next_text().await, r#"{"jsonrpc": "2.0", "id": "v", "result": {}}"#, "as it came");
    let heard = fs::read_to_string(cage.path().join("heard")).expect("it is text");
    for part in [
        r#""method":"logging/setLevel","params":{"level":"notice"}"#,
        r#""method":"notifications/vendor.example/sung","params":{"tune":1.5}"#,
        r#""method":"notifications/roots/list_changed""#,
        r#""method":"vendor.example/sing","params":{"a":1.0}"#,
    ] {
        assert!(heard.contains(part), "{part} is not in {heard}");
    }
    ann.close().await;
    server.stop().await;
}
