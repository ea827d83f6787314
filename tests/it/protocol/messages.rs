//! JSON-RPC: what is a message, and what each kind of it is answered with.

use crate::support::TestServer;
use serde_json::{Value, json};
use sessile::wire::{Era, MODERN};

#[tokio::test]
async fn what_is_no_request_is_answered_with_an_error_that_says_why() {
    let server = TestServer::start().await;
    let mut client = server.connect().await;
    // The text, the code and a part of the message, and the id that the answer goes to.
    let table: &[(&str, i64, &str, Value)] = &[
        ("hello", -32700, "Parse error", Value::Null),
        ("", -32700, "Parse error", Value::Null),
        (r#"{"jsonrpc":"2.0","id":1"#, -32700, "Parse error", Value::Null),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping"} trailing"#, -32700, "Parse error", Value::Null),
        ("[1,", -32700, "Parse error", Value::Null),
        ("1", -32600, "tools/list", Value::Null),
        ("null", -32600, "tools/list", Value::Null),
        (r#""ping""#, -32600, "tools/list", Value::Null),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32600, "Invalid request", Value::Null),
        ("{}", -32600, "jsonrpc", Value::Null),
        (r#"{"id":1,"method":"ping"}"#, -32600, "jsonrpc", json!(1)),
        (r#"{"jsonrpc":"1.0","id":2,"method":"ping"}"#, -32600, "jsonrpc", json!(2)),
        (r#"{"jsonrpc":2.0,"id":3,"method":"ping"}"#, -32600, "Invalid request", Value::Null),
        (r#"{"jsonrpc":"2.0","id":4}"#, -32600, "method", json!(4)),
        (r#"{"jsonrpc":"2.0","id":5,"method":"ping","params":[]}"#, -32600, "params", json!(5)),
        (r#"{"jsonrpc":"2.0","id":"6","method":"ping","params":"x"}"#, -32600, "params", json!("6")),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600, "id", Value::Null),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, -32600, "id", Value::Null),
        (r#"{"jsonrpc":"2.0","id":1e3,"method":"ping"}"#, -32600, "id", Value::Null),
        (r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#, -32600, "id", Value::Null),
        (r#"{"jsonrpc":"2.0","id":{"a":1},"method":"ping"}"#, -32600, "id", Value::Null),
        (r#"{"jsonrpc":"2.0","id":"\ud800","method":"ping"}"#, -32600, "id", Value::Null),
        (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, -32600, "Invalid request", Value::Null),
        (r#"{"jsonrpc":"2.0","id":7,"method":"frobnicate"}"#, -32601, "frobnicate", json!(7)),
        (r#"{"jsonrpc":"2.0","id":8,"method":"tools/call"}"#, -32602, "name", json!(8)),
        (r#"{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":7}}"#, -32602, "params", json!(9)),
        (r#"{"jsonrpc":"2.0","id":10,"method":"tools/call","params":{"name":"x"}}"#, -32602, "x", json!(10)),
    ];
    for (text, code, part, id) in table {
        client.send_text(text).await;
        let answer = client.next().await;
        assert_eq!(answer["error"]["code"], *code, "{text}: {answer}");
        assert_eq!(answer.get("id").unwrap_or(&Value::Null), id, "{text}: {answer}");
        assert!(answer["error"]["message"].as_str().is_some_and(|text| text.contains(part)), "{text}: {answer}");
    }
    client.expect_silence().await;
}

#[tokio::test]
async fn an_unreadable_id_is_null_for_revisions_that_want_it_so() {
    let server = TestServer::start().await;
    for (version, null) in [("2024-11-05", true), ("2025-03-26", true), ("2025-06-18", true), ("2025-11-25", false)] {
        let mut client = server.connect().await;
        client.initialize(version).await;
        client.send_text("{").await;
        let answer = client.next().await;
        assert_eq!(answer.get("id"), null.then_some(&Value::Null), "{version}: {answer}");
    }
}

#[tokio::test]
async fn ids_come_back_in_the_spelling_in_which_they_came() {
    let server = TestServer::start().await;
    let mut client = server.connect().await;
    for id in [
        "0",
        "-7",
        "9007199254740993",
        "123456789012345678901234567890",
        r#""""#,
        r#""plain""#,
        r#""with \"quotes\", \\ and \u00e9\n""#,
        r#""\ud83d\ude00 é 😀""#,
        r#""null""#,
    ] {
        client.send_text(&format!(r#"{{"jsonrpc":"2.0","id": {id} ,"method":"ping"}}"#)).await;
        assert_eq!(client.next_text().await, format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    }
}

#[tokio::test]
async fn responses_and_notifications_are_never_answered() {
    let server = TestServer::start().await;
    let mut client = server.connect().await;
    for text in [
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":null}"#,
        r#"{"jsonrpc":"2.0","id":"none of yours","error":{"code":-32603,"message":"no"}}"#,
        r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"no"}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/frobnicated","params":{"a":1}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"unknown"}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{}}}"#,
        // Without an id a call is a notification, and is not made either.
        r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"auth_whoami"}}"#,
        r#"{"jsonrpc":"2.0","method":"ping"}"#,
    ] {
        client.send_text(text).await;
        client.expect_silence().await;
    }
    let sign_up = r#"{"email":"ann@example.com","password":"a long enough one","tenant_name":"A"}"#;
    let text = format!(
        r#"{{"jsonrpc":"2.0","method":"tools/call","params":{{"name":"auth_sign_up","arguments":{sign_up}}}}}"#
    );
    client.send_text(&text).await;
    client.expect_silence().await;
    assert_eq!(client.tool("auth_whoami", json!({})).await["signed_in"], false);
}

#[tokio::test]
async fn an_unknown_tool_is_an_invalid_parameter_and_wrong_arguments_are_the_tools_failure() {
    let server = TestServer::start().await;
    for era in [Era::Legacy, Era::Modern] {
        let mut client = server.connect_in(era).await;
        let error = client.error("tools/call", json!({ "name": "auth_frobnicate", "arguments": {} })).await;
        assert_eq!(error["code"], -32602);
        for (arguments, part) in [(json!({ "colour": "blue" }), "colour"), (json!("x"), "auth_whoami")] {
            let refusal = client.refused("auth_whoami", arguments).await;
            assert_eq!(refusal.code, "invalid_arguments");
            assert!(refusal.text.contains(part), "{}", refusal.text);
        }
        // Arguments have names, which is what their schema says; an order they have not.
        let refusal = client.refused("auth_sign_in", json!(["ann@example.com", "a long enough one"])).await;
        assert_eq!(refusal.code, "invalid_arguments");
        let refusal = client.refused("auth_sign_in", json!({ "email": 7, "password": "x" })).await;
        assert!(refusal.text.contains("email"), "the field is named: {}", refusal.text);
        // No arguments are as good as empty ones.
        client.result("tools/call", json!({ "name": "auth_whoami" })).await;
    }
}

#[tokio::test]
async fn members_that_nobody_knows_are_no_trouble() {
    let server = TestServer::start().await;
    let mut client = server.connect().await;
    let text = r#"{ "later": [1], "jsonrpc" : "2.0", "id": 1, "params": {"_meta": {"x": 1}, "y": 2}, "method": "tools\/list" }"#;
    client.send_text(text).await;
    assert!(client.next().await["result"]["tools"].is_array());
    let meta = json!({ "io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": { "later": {} }, "later": 1 });
    client.result("server/discover", json!({ "_meta": meta, "z": [] })).await;
}
