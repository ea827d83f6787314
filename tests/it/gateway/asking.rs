//! Calls in which an upstream asks: a legacy client gets its requests, a modern one its questions as results.

use super::stage::{gateway, nasty, said, text};
use crate::support::{Client, TestServer};
use serde_json::{Value, json};
use sessile::wire::{Era, MODERN};

/// What can be asked for: the capability, the method, and an answer.
fn kinds() -> [(&'static str, &'static str, Value); 3] {
    let message = json!({ "role": "assistant", "content": { "type": "text", "text": "Hi" }, "model": "m" });
    [
        ("elicitation", "elicitation/create", json!({ "action": "accept", "content": { "name": "Ann" } })),
        ("sampling", "sampling/createMessage", message),
        ("roots", "roots/list", json!({ "roots": [{ "uri": "file:///home/ann", "x-more": 1 }] })),
    ]
}

fn answer_of(result: &Value) -> Value {
    serde_json::from_str(&text(result)).expect("it is JSON")
}

/// A modern call of `one_ask`, with what this round brings along.
async fn ask(client: &mut Client, arguments: &Value, round: Value) -> Value {
    let mut params = json!({ "name": "one_ask", "arguments": arguments, "_meta": {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": { "elicitation": {}, "sampling": {}, "roots": {} },
    }});
    for (member, value) in round.as_object().expect("it is an object") {
        params[member] = value.clone();
    }
    client.request("tools/call", params).await
}

/// The round in which the one question of a result is answered.
fn answered(result: &Value, answer: &Value) -> Value {
    let requests = result["inputRequests"].as_object().unwrap_or_else(|| panic!("nothing is asked: {result}"));
    let key = requests.keys().next().expect("something is asked");
    json!({ "requestState": result["requestState"], "inputResponses": { key: answer } })
}

async fn modern(server: &TestServer, name: &str) -> Client {
    server.sign_up_in(Era::Modern, name).await
}

#[tokio::test]
async fn a_legacy_client_gets_requests() {
    let server = gateway(&[nasty("one", "")]).await;
    let mut ann = server.sign_up_able("ann", json!({ "elicitation": {}, "sampling": {}, "roots": {} })).await;
    for (kind, method, answer) in kinds() {
        for times in 1..=2 {
            let id = ann.send_call("one_ask", json!({ "kind": kind, "times": times })).await;
            for _ in 0..times {
                let question = ann.notification(method).await;
                ann.answer(&question, answer.clone()).await;
            }
            let response = ann.response(&id).await;
            assert_eq!(answer_of(&response["result"]), answer, "{kind}");
        }
    }
    // An error is passed on as well.
    let id = ann.send_call("one_ask", json!({})).await;
    let question = ann.notification("elicitation/create").await;
    let error = json!({ "jsonrpc": "2.0", "id": question["id"], "error": { "code": -1, "message": "no", "data": 1 } });
    ann.send_text(&error.to_string()).await;
    assert_eq!(answer_of(&ann.response(&id).await["result"]), error["error"]);
    ann.close().await;
    server.stop().await;
}

#[tokio::test]
async fn who_can_not_be_asked_is_not() {
    let server = gateway(&[nasty("one", "")]).await;
    let mut ann = server.sign_up_able("ann", json!({ "roots": {} })).await;
    let refused: Value = serde_json::from_str(&said(&mut ann, "one_ask", json!({})).await).expect("it is JSON");
    assert_eq!(refused["code"], -32601, "{refused}");
    assert!(refused["message"].as_str().is_some_and(|text| text.contains("elicitation/create")), "{refused}");
    // A modern one that declares nothing.
    let mut eve = modern(&server, "eve").await;
    let refused: Value = serde_json::from_str(&said(&mut eve, "one_ask", json!({})).await).expect("it is JSON");
    assert_eq!(refused["code"], -32601, "{refused}");
    drop((ann, eve));
    server.stop().await;
}

#[tokio::test]
async fn a_modern_client_gets_results_and_asks_again() {
    let server = gateway(&[nasty("one", "")]).await;
    let mut ann = modern(&server, "ann").await;
    for (kind, method, answer) in kinds() {
        for times in 1..=2 {
            let arguments = json!({ "kind": kind, "times": times });
            let mut response = ask(&mut ann, &arguments, json!({})).await;
            for _ in 0..times {
                let result = &response["result"];
                assert_eq!(result["resultType"], "input_required", "{response}");
                let request = result["inputRequests"].as_object().expect("they are there").values().next();
                assert_eq!(request.expect("something is asked")["method"], method);
                let round = answered(result, &answer);
                response = ask(&mut ann, &arguments, round).await;
            }
            assert_eq!(answer_of(&response["result"]), answer, "{kind}");
        }
    }
    ann.close().await;
    server.stop().await;
}

#[tokio::test]
async fn a_modern_client_over_http_goes_on_in_another_request() {
    use crate::support::Credential::AccessToken;
    use crate::support::Transport::HttpModern;
    let way = crate::support::Way::Bearer(HttpModern, AccessToken);
    let server = super::stage::gateway_over(way, &[nasty("one", "")]).await;
    let mut ann = modern(&server, "ann").await;
    let (_, _, answer) = kinds()[0].clone();
    let arguments = json!({ "times": 2 });
    let mut response = ask(&mut ann, &arguments, json!({})).await;
    for _ in 0..2 {
        let round = answered(&response["result"], &answer);
        response = ask(&mut ann, &arguments, round).await;
    }
    assert_eq!(answer_of(&response["result"]), answer);
    drop(ann);
    server.stop().await;
}

#[tokio::test]
async fn a_state_is_good_once_for_its_own_call_of_its_own_user() {
    let server = gateway(&[nasty("one", "")]).await;
    let mut ann = modern(&server, "ann").await;
    let mut eve = modern(&server, "eve").await;
    let (_, _, answer) = kinds()[0].clone();
    let arguments = json!({ "kind": "elicitation" });
    let first = ask(&mut ann, &arguments, json!({})).await;
    let round = answered(&first["result"], &answer);
    let refused = |response: &Value, what: &str| {
        assert_eq!(response["error"]["code"], -32602, "{what}: {response}");
        let message = response["error"]["message"].as_str().expect("a message");
        assert!(message.contains("requestState"), "{what}: {message}");
    };
    refused(&ask(&mut eve, &arguments, round.clone()).await, "another user");
    refused(&ask(&mut ann, &json!({ "kind": "elicitation", "times": 1 }), round.clone()).await, "another call");
    let mut forged = round.clone();
    forged["requestState"] = json!("e30.AAAA");
    refused(&ask(&mut ann, &arguments, forged).await, "a forged one");
    // None of them has touched the call.
    let response = ask(&mut ann, &arguments, round.clone()).await;
    assert_eq!(answer_of(&response["result"]), answer);
    refused(&ask(&mut ann, &arguments, round).await, "a second time");

    // A state whose call is gone with its child.
    let waiting = ask(&mut ann, &arguments, json!({})).await;
    super::stage::failure(&mut ann, "one_die", json!({})).await;
    let response = ask(&mut ann, &arguments, answered(&waiting["result"], &answer)).await;
    assert!(response["result"]["isError"] == true || response.get("error").is_some(), "{response}");
    drop((ann, eve));
    server.stop().await;
}
