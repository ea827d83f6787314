//! Streams that were cut, and go on where they were.

use crate::support::{Gate, HttpClient, TestServer, reports};
use serde_json::{Value, json};
use sessile::wire::Era;

/// The number that a progress notification tells.
fn progress(message: &Value) -> Option<u64> {
    message["params"]["progress"].as_u64()
}

async fn talk(client: &mut HttpClient, times: u64) -> Value {
    let call = json!({ "name": "test_report", "arguments": { "times": times }, "_meta": { "progressToken": "t" } });
    client.send("tools/call", call).await
}

#[tokio::test]
async fn a_calls_stream_goes_on_behind_the_last_event_that_was_seen() {
    let server = TestServer::with_tools(vec![reports()], |_| {}).await;
    let mut client = server.http_sign_up(Era::Legacy, "ann").await;
    client.initialize("2025-11-25").await;
    let call = talk(&mut client, 20).await;
    for expected in 1..=5 {
        assert_eq!(progress(&client.next_of(&call).await.expect("a message")), Some(expected));
    }
    let last = client.exchange(&call).last_event.clone().expect("events have ids");
    client.hang_up(&call);
    let again = client.listen(Some(&last)).await;
    for expected in 6..=20 {
        assert_eq!(progress(&client.next_of(&again).await.expect("a message")), Some(expected));
    }
    let answer = client.next_of(&again).await.expect("the answer");
    assert_eq!((&answer["id"], &answer["result"]["structuredContent"]["done"]), (&call, &json!(true)));
    assert_eq!(client.next_of(&again).await, None);
    server.stop().await;
}

#[tokio::test]
async fn a_call_goes_on_while_its_client_is_away() {
    let (gate, tool) = Gate::new();
    let server = TestServer::with_tools(vec![tool], |_| {}).await;
    let mut client = server.http(Era::Legacy);
    client.initialize("2025-11-25").await;
    // Its client goes before anything came: the call is finished, and its session lives on.
    let call = client.start_call("test_wait", json!({})).await;
    gate.entered().await;
    client.hang_up(&call);
    client.result("ping", json!({})).await;
    gate.open();
    gate.left().await;
    server.stop().await;
}

#[tokio::test]
async fn events_that_are_not_there_are_not_made_up() {
    let server = TestServer::with_tools(vec![reports()], |options| options.sessions.max_replay_bytes = 2000).await;
    let mut client = server.http_sign_up(Era::Legacy, "ann").await;
    client.initialize("2025-11-25").await;
    let call = talk(&mut client, 100).await;
    client.exchange(&call).next_event().await.expect("the beginning");
    client.hang_up(&call);
    for (last, status) in
        [("1-1", 410), ("1-100", 200), ("1-102", 410), ("7-1", 410), ("0-0", 200), ("x", 400), ("1", 400)]
    {
        let stream = client.listen(Some(last)).await;
        assert_eq!(client.exchange(&stream).status, status, "{last}");
        client.hang_up(&stream);
    }
    server.stop().await;
}
