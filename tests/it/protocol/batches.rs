//! Batches: of all revisions, 2025-03-26 alone has them.

use crate::support::TestServer;
use serde_json::{Value, json};
use sessile::wire::LEGACY;

const PING: &str = r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#;
const NOTIFICATION: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

#[tokio::test]
async fn a_batch_is_answered_with_a_batch() {
    let server = TestServer::start().await;
    let mut client = server.connect().await;
    client.initialize("2025-03-26").await;
    let table: &[(&str, &[(Value, bool)])] = &[
        (&format!("[{PING}]"), &[(json!("p"), true)]),
        (
            &format!(r#" [{PING}, {NOTIFICATION}, {{"jsonrpc":"2.0","id":2,"method":"frobnicate"}}, 7]"#),
            &[(json!("p"), true), (json!(2), false), (Value::Null, false)],
        ),
        (&format!(r#"[[{PING}]]"#), &[(Value::Null, false)]),
    ];
    for (batch, answers) in table {
        client.send_text(batch).await;
        let frame = client.next().await;
        let given: Vec<_> = frame.as_array().unwrap_or_else(|| panic!("{batch}: {frame}")).iter().collect();
        let given: Vec<_> = given.iter().map(|one| (one["id"].clone(), one.get("result").is_some())).collect();
        assert_eq!(given, *answers, "{batch}: {frame}");
    }
}

#[tokio::test]
async fn a_batch_without_a_request_has_no_answer_and_an_empty_one_is_a_mistake() {
    let server = TestServer::start().await;
    let mut client = server.connect().await;
    client.initialize("2025-03-26").await;
    client.send_text(&format!(r#"[{NOTIFICATION}, {NOTIFICATION}, {{"jsonrpc":"2.0","id":1,"result":{{}}}}]"#)).await;
    client.expect_silence().await;
    client.send_text("[]").await;
    let answer = client.next().await;
    assert_eq!(answer["error"]["code"], -32600, "{answer}");
}

#[tokio::test]
async fn what_follows_a_sign_up_in_a_batch_sees_its_effect() {
    let server = TestServer::start().await;
    let mut client = server.connect().await;
    client.initialize("2025-03-26").await;
    let call = |id: u32, name: &str, arguments: Value| json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": name, "arguments": arguments } });
    let sign_up = json!({ "email": "ann@example.com", "password": "a long enough one", "tenant_name": "A" });
    let batch = json!([
        call(1, "auth_sign_up", sign_up),
        call(2, "auth_whoami", json!({})),
        call(3, "auth_sign_out", json!({})),
        call(4, "auth_whoami", json!({})),
    ]);
    client.send_text(&batch.to_string()).await;
    // Notifications of the changed lists may come before it.
    let mut frame = client.next().await;
    while !frame.is_array() {
        frame = client.next().await;
    }
    let signed_in = |index: usize| frame[index]["result"]["structuredContent"]["signed_in"].clone();
    assert_eq!((signed_in(1), signed_in(3)), (json!(true), json!(false)), "{frame}");
}

#[tokio::test]
async fn a_batch_has_at_most_as_many_messages_as_calls_may_run() {
    let server = TestServer::with(|options| options.sessions.max_calls_in_flight = 3).await;
    let mut client = server.connect().await;
    client.initialize("2025-03-26").await;
    let pings = |number: usize| format!("[{}]", vec![PING; number].join(","));
    client.send_text(&pings(3)).await;
    assert_eq!(client.next().await.as_array().map(Vec::len), Some(3));
    client.send_unannounced(&pings(4)).await;
    let answer = client.next().await;
    assert_eq!(answer["error"]["code"], -32600, "{answer}");
    assert!(answer["error"]["message"].as_str().is_some_and(|text| text.contains("at most 3")), "{answer}");
    client.expect_silence().await;
}

#[tokio::test]
async fn other_revisions_refuse_a_batch() {
    let server = TestServer::start().await;
    let without_handshake = None;
    let others = LEGACY.into_iter().filter(|version| *version != "2025-03-26").map(Some);
    for version in others.chain([without_handshake]) {
        let mut client = server.connect().await;
        if let Some(version) = version {
            client.initialize(version).await;
        }
        for batch in [format!("[{PING}]"), "[]".into(), format!("[{NOTIFICATION}]")] {
            // Its requests get no answers of their own, and so are not announced to the client.
            client.send_unannounced(&batch).await;
            let answer = client.next().await;
            assert_eq!(answer["error"]["code"], -32600, "{version:?}: {answer}");
        }
        client.expect_silence().await;
    }
}
