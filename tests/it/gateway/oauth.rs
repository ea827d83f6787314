//! Upstreams at which people authorize the gateway: who is asked, how often, and what comes of it.

pub(super) mod provider;

use crate::support::{Client, TestServer};
use provider::Provider;
use serde_json::{Value, json};
use sessile::upstream::Definition;
use sessile::wire::{Era, MODERN};
use std::fs;

/// A gateway before an upstream that wants tokens.
async fn gateway(definition: Definition) -> TestServer {
    TestServer::with(|options| {
        options.upstreams = vec![definition];
        options.public_url = Some("http://gateway.example".into());
        options.allowed_hosts = vec!["127.0.0.1".into()];
    })
    .await
}

/// Somebody with a legacy client that can be sent to a page.
async fn legacy(server: &TestServer, name: &str) -> Client {
    server.sign_up_able(name, json!({ "elicitation": { "url": {} } })).await
}

const READ: &str = "notes_read";

async fn send(client: &mut Client) -> Value {
    client.send_call(READ, json!({})).await
}

/// What `upstream_status` says of the only upstream.
async fn status(client: &mut Client) -> Value {
    let said = client.tool("upstream_status", json!({})).await;
    assert_eq!(said["upstreams"].as_array().map(Vec::len), Some(1));
    said["upstreams"][0].clone()
}

/// The answer's text, and whether it is an error.
fn text(response: &Value) -> (String, bool) {
    let result = &response["result"];
    let text = result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("there is no text: {response}"));
    (text.to_owned(), result["isError"] == true)
}

fn read_with(token: &str) -> (String, bool) {
    (format!("read with {token}"), false)
}

/// A call of a modern client that can be sent to a page, with what this round brings along.
fn modern_call(round: Value) -> Value {
    let mut params = json!({ "name": READ, "arguments": {}, "_meta": {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": { "elicitation": { "url": {} } },
    }});
    for (member, value) in round.as_object().expect("it is an object") {
        params[member] = value.clone();
    }
    params
}

/// The one question of a round: its key and its parameters.
fn asked(response: &Value) -> (String, Value) {
    let result = &response["result"];
    assert_eq!(result["resultType"], "input_required", "{response}");
    let requests = result["inputRequests"].as_object().expect("an object");
    assert_eq!(requests.len(), 1);
    let (key, request) = requests.iter().next().expect("there is one");
    assert_eq!((&request["method"], &request["params"]["mode"]), (&json!("elicitation/create"), &json!("url")));
    (key.clone(), request["params"].clone())
}

fn answered(response: &Value, action: &str) -> Value {
    let (key, _) = asked(response);
    json!({ "inputResponses": { key: { "action": action } }, "requestState": response["result"]["requestState"] })
}

#[tokio::test]
async fn a_legacy_client_is_asked_once_and_its_calls_go_on() {
    let provider = Provider::start().await;
    let server = gateway(provider.definition(false)).await;
    let mut ann = legacy(&server, "ann").await;
    let listed = ann.result("tools/list", json!({})).await;
    assert!(!listed.to_string().contains(READ), "nobody is asked for a list");
    let before = status(&mut ann).await;
    assert_eq!((&before["state"], &before["origin"]), (&json!("closed"), &json!("configured")));
    assert!(before["problem"].as_str().expect("a text").contains("wants a person"), "{before}");
    let (first, second) = (send(&mut ann).await, send(&mut ann).await);
    let question = ann.notification("elicitation/create").await;
    let params = &question["params"];
    assert_eq!(params["mode"], "url");
    assert!(params["message"].as_str().expect("a text").contains("ann@example.com"), "{params}");
    ann.answer(&question, json!({ "action": "accept" })).await;
    assert_eq!(provider.visit(params["url"].as_str().expect("a URL"), server.address()).await, 200);
    let complete = ann.notification("notifications/elicitation/complete").await;
    assert_eq!(complete["params"]["elicitationId"], params["elicitationId"]);
    for call in [first, second] {
        assert_eq!(text(&ann.response(&call).await), read_with("access-1"));
    }
    ann.notification("notifications/tools/list_changed").await;
    let listed = ann.result("tools/list", json!({})).await;
    assert!(listed.to_string().contains(READ));
    assert_eq!(status(&mut ann).await["state"], "open");
    let call = send(&mut ann).await;
    assert_eq!(text(&ann.response(&call).await), read_with("access-1"));
    let questions = |heard: Vec<Value>| heard.iter().filter(|one| one["method"] == "elicitation/create").count();
    assert_eq!(questions(ann.all_heard().await), 0);
    // Another user is somebody else.
    let mut bob = legacy(&server, "bob").await;
    let call = send(&mut bob).await;
    let question = bob.notification("elicitation/create").await;
    assert!(question["params"]["message"].as_str().expect("a text").contains("bob@example.com"));
    // It may say nothing before the person is back.
    provider.visit(question["params"]["url"].as_str().expect("a URL"), server.address()).await;
    assert_eq!(text(&bob.response(&call).await), read_with("access-2"));
    assert_eq!(provider.state().exchanged, 2);
    // One more session of the same user has the same token.
    let mut again = server.sign_in("ann").await;
    let call = send(&mut again).await;
    assert_eq!(text(&again.response(&call).await), read_with("access-1"));
    let directory = server.database().parent().expect("it is in a directory").to_owned();
    for entry in fs::read_dir(directory).expect("it can be listed") {
        let bytes = fs::read(entry.expect("it can be listed").path()).expect("it can be read");
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("access-1") && !text.contains("refresh-1"), "tokens are sealed");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_modern_client_is_asked_by_a_result_and_makes_its_request_again() {
    let provider = Provider::start().await;
    let server = gateway(provider.definition(false)).await;
    // With a connection, and with nothing but requests.
    let mut ann = server.sign_up_in(Era::Modern, "ann").await;
    let first = ann.request("tools/call", modern_call(json!({}))).await;
    let (_, question) = asked(&first);
    // A further call waits for the same visit.
    let waiting = ann.send("tools/call", modern_call(json!({}))).await;
    let again = ann.send("tools/call", modern_call(answered(&first, "accept"))).await;
    assert_eq!(provider.visit(question["url"].as_str().expect("a URL"), server.address()).await, 200);
    for call in [waiting, again] {
        assert_eq!(text(&ann.response(&call).await), read_with("access-1"));
    }
    let call = ann.request("tools/call", modern_call(json!({}))).await;
    assert_eq!(text(&call), read_with("access-1"));

    let mut bob = server.http_sign_up(Era::Modern, "bob").await;
    let first = bob.request("tools/call", modern_call(json!({}))).await;
    let (_, question) = asked(&first);
    provider.visit(question["url"].as_str().expect("a URL"), server.address()).await;
    let done = bob.request("tools/call", modern_call(answered(&first, "accept"))).await;
    assert_eq!(text(&done), read_with("access-2"));
    assert_eq!(provider.state().exchanged, 2);
    server.stop().await;
}

#[tokio::test]
async fn who_declines_is_told_so_and_may_be_asked_again() {
    let provider = Provider::start().await;
    let server = gateway(provider.definition(false)).await;
    let mut ann = legacy(&server, "ann").await;
    let calls = [send(&mut ann).await, send(&mut ann).await];
    let question = ann.notification("elicitation/create").await;
    ann.answer(&question, json!({ "action": "decline" })).await;
    for call in calls {
        let (said, is_error) = text(&ann.response(&call).await);
        assert!(is_error && said.contains("declined"), "{said}");
    }
    // At the page, too.
    let call = send(&mut ann).await;
    let question = ann.notification("elicitation/create").await;
    ann.answer(&question, json!({ "action": "accept" })).await;
    provider.state().agrees = false;
    provider.visit(question["params"]["url"].as_str().expect("a URL"), server.address()).await;
    let (said, is_error) = text(&ann.response(&call).await);
    assert!(is_error && said.contains("gave no access"), "{said}");

    let mut bob = server.sign_up_in(Era::Modern, "bob").await;
    let first = bob.request("tools/call", modern_call(json!({}))).await;
    let (said, is_error) = text(&bob.request("tools/call", modern_call(answered(&first, "decline"))).await);
    assert!(is_error && said.contains("declined"), "{said}");
    let next = bob.request("tools/call", modern_call(json!({}))).await;
    assert_ne!(asked(&next), asked(&first), "it is another visit");
    provider.visit(asked(&next).1["url"].as_str().expect("a URL"), server.address()).await;
    let (said, is_error) = text(&bob.request("tools/call", modern_call(answered(&next, "accept"))).await);
    assert!(is_error && said.contains("gave no access"), "{said}");
    provider.state().agrees = true;
    let last = bob.request("tools/call", modern_call(json!({}))).await;
    provider.visit(asked(&last).1["url"].as_str().expect("a URL"), server.address()).await;
    assert_eq!(text(&bob.request("tools/call", modern_call(answered(&last, "accept"))).await), read_with("access-1"));
    server.stop().await;
}

#[tokio::test]
async fn whose_client_can_not_ask_is_told_where_to_go() {
    let provider = Provider::start().await;
    let server = gateway(provider.definition(false)).await;
    let modern = json!({ "name": READ, "arguments": {} });
    let mut clients = [server.sign_up("ann").await, server.sign_up_in(Era::Modern, "bob").await];
    for (number, client) in clients.iter_mut().enumerate() {
        let (said, is_error) = text(&client.request("tools/call", modern.clone()).await);
        assert!(is_error && said.contains("call again"), "{said}");
        let url = said.split(' ').find(|word| word.starts_with("http://")).expect("a URL");
        // Until somebody has been there, it is the same one.
        assert!(text(&client.request("tools/call", modern.clone()).await).0.contains(url));
        assert_eq!(provider.visit(url, server.address()).await, 200);
        let token = format!("access-{}", number + 1);
        assert_eq!(text(&client.request("tools/call", modern.clone()).await), read_with(&token));
        // Nobody gets in by the same link again.
        assert_eq!(provider.visit(url, server.address()).await, 404);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end_and_when_it_is_refused() {
    let provider = Provider::start().await;
    let server = gateway(provider.definition(false)).await;
    let mut ann = legacy(&server, "ann").await;
    let call = send(&mut ann).await;
    let question = ann.notification("elicitation/create").await;
    provider.visit(question["params"]["url"].as_str().expect("a URL"), server.address()).await;
    assert_eq!(text(&ann.response(&call).await), read_with("access-1"));
    // The upstream has changed its mind about it.
    provider.state().good.clear();
    provider.state().expires_in = 0;
    let call = send(&mut ann).await;
    let (said, is_error) = text(&ann.response(&call).await);
    assert!(!is_error, "{said}");
    // What is over at once is renewed for each call, before the upstream could refuse it.
    let before = provider.state().refreshed;
    for _ in 0..2 {
        let call = send(&mut ann).await;
        assert!(!text(&ann.response(&call).await).1);
    }
    assert!(provider.state().refreshed >= before + 2);
    let used = provider.state().used.clone();
    assert_eq!(used.len(), 4);
    assert!(used.windows(2).all(|two| two[0] != two[1]), "{used:?}");
    assert_eq!(provider.state().exchanged, 1, "nobody was asked again");
    server.stop().await;
}

#[tokio::test]
async fn for_a_tenant_an_admin_does_it_once_for_all() {
    let provider = Provider::start().await;
    let server = gateway(provider.definition(true)).await;
    let mut ann = legacy(&server, "ann").await;
    let mut bob = server.join(&mut ann, "bob", "member").await;
    let call = send(&mut bob).await;
    let (said, is_error) = text(&bob.response(&call).await);
    assert!(is_error && said.contains("by an admin"), "{said}");
    let call = send(&mut ann).await;
    let question = ann.notification("elicitation/create").await;
    provider.visit(question["params"]["url"].as_str().expect("a URL"), server.address()).await;
    assert_eq!(text(&ann.response(&call).await), read_with("access-1"));
    bob.notification("notifications/tools/list_changed").await;
    let call = send(&mut bob).await;
    assert_eq!(text(&bob.response(&call).await), read_with("access-1"));
    // Another tenant has none of it.
    let mut eve = legacy(&server, "eve").await;
    let call = send(&mut eve).await;
    let question = eve.notification("elicitation/create").await;
    assert_eq!(provider.state().exchanged, 1);
    eve.answer(&question, json!({ "action": "cancel" })).await;
    assert!(text(&eve.response(&call).await).1);
    server.stop().await;
}
