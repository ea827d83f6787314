//! Notifications: unasked in the legacy era, on `subscriptions/listen` streams in the modern one.

use crate::support::{Client, PASSWORD, TestServer, email};
use serde_json::{Value, json};
use sessile::wire::Era;

const TOOLS: &str = "notifications/tools/list_changed";
const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";

/// Opens a stream, and gives its id and what the server acknowledged.
async fn listen(client: &mut Client, filter: Value) -> (Value, Value) {
    let id = client.send("subscriptions/listen", json!({ "notifications": filter })).await;
    let first = client.next().await;
    assert_eq!(first["method"], ACKNOWLEDGED, "{first}");
    assert_eq!(subscription(&first), &id);
    (id, first["params"]["notifications"].clone())
}

fn subscription(notification: &Value) -> &Value {
    &notification["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"]
}

fn methods(messages: &[Value]) -> Vec<&str> {
    messages.iter().filter_map(|message| message["method"].as_str()).collect()
}

async fn sign_in(client: &mut Client, name: &str) {
    client.tool("auth_sign_in", json!({ "email": email(name), "password": PASSWORD })).await;
}

#[tokio::test]
async fn a_legacy_client_is_told_unasked_that_its_tools_changed() {
    let server = TestServer::start().await;
    drop(server.sign_up("ann").await);
    let (mut client, mut other) = (server.connect().await, server.connect().await);
    sign_in(&mut client, "ann").await;
    assert!(methods(&client.all_heard().await).contains(&TOOLS));
    client.tool("auth_sign_out", json!({})).await;
    assert!(methods(&client.all_heard().await).contains(&TOOLS));
    other.expect_silence().await;
}

#[tokio::test]
async fn a_modern_client_is_told_what_it_asked_for_and_on_which_stream() {
    let server = TestServer::start().await;
    drop(server.sign_up("ann").await);
    let mut client = server.connect_in(Era::Modern).await;
    let (nothing, acknowledged) = listen(&mut client, json!({})).await;
    assert_eq!(acknowledged, json!({}));
    let (tools, acknowledged) = listen(&mut client, json!({ "toolsListChanged": true })).await;
    assert_eq!(acknowledged, json!({ "toolsListChanged": true }));
    let (_, acknowledged) = listen(&mut client, json!({ "toolsListChanged": false, "promptsListChanged": true })).await;
    assert_eq!(acknowledged, json!({ "promptsListChanged": true }), "upstreams may bring some");
    assert_ne!(nothing, tools);

    sign_in(&mut client, "ann").await;
    let heard = client.all_heard().await;
    assert_eq!(methods(&heard), [TOOLS]);
    assert_eq!(subscription(&heard[0]), &tools);
}

#[tokio::test]
async fn cancelling_a_stream_ends_it_and_frees_its_id() {
    let server = TestServer::start().await;
    drop(server.sign_up("ann").await);
    let mut client = server.connect_in(Era::Modern).await;
    let (id, _) = listen(&mut client, json!({ "toolsListChanged": true })).await;

    let again = json!({ "jsonrpc": "2.0", "id": id, "method": "subscriptions/listen", "params": {
        "notifications": { "toolsListChanged": true },
        "_meta": { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} },
    }})
    .to_string();
    client.send_text(&again).await;
    assert_eq!(client.next().await["error"]["code"], -32600, "the stream is open, so its id is taken");

    client.cancel(&id).await;
    sign_in(&mut client, "ann").await;
    client.expect_silence().await;

    client.send_text(&again).await;
    assert_eq!(subscription(&client.next().await), &id);
    client.tool("auth_sign_out", json!({})).await;
    assert_eq!(methods(&client.all_heard().await), [TOOLS]);
}

#[tokio::test]
async fn a_filter_that_cannot_be_read_is_an_invalid_parameter() {
    let server = TestServer::start().await;
    let mut client = server.connect_in(Era::Modern).await;
    for params in [
        json!({}),
        json!({ "notifications": [] }),
        json!({ "notifications": [true] }),
        json!({ "notifications": { "toolsListChanged": "yes" } }),
        json!({ "notifications": { "resourceSubscriptions": "crm://contacts/1" } }),
    ] {
        assert_eq!(client.error("subscriptions/listen", params.clone()).await["code"], -32602, "{params}");
    }
    assert_eq!(client.all_heard().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_connection_has_so_many_subscriptions() {
    let server = TestServer::with(|options| options.sessions.max_subscriptions = 2).await;
    let mut client = server.connect_in(Era::Modern).await;
    let filter = json!({ "toolsListChanged": true });
    let (first, _) = listen(&mut client, filter.clone()).await;
    listen(&mut client, filter.clone()).await;
    let error = client.error("subscriptions/listen", json!({ "notifications": filter })).await;
    assert!(error["message"].as_str().is_some_and(|text| text.contains('2')), "{error}");
    client.cancel(&first).await;
    listen(&mut client, filter).await;
}

#[tokio::test]
async fn streams_end_with_a_result_when_the_server_stops() {
    let mut server = TestServer::start().await;
    let mut client = server.connect_in(Era::Modern).await;
    let (first, _) = listen(&mut client, json!({ "toolsListChanged": true })).await;
    let (second, _) = listen(&mut client, json!({})).await;
    server.begin_to_stop();
    assert_eq!(client.closed().await.0, 1001);
    let ended: Vec<_> = client
        .heard()
        .iter()
        .map(|message| message["result"]["_meta"]["io.modelcontextprotocol/subscriptionId"].clone())
        .collect();
    assert_eq!(ended, [first, second]);
    server.stop().await;
}
