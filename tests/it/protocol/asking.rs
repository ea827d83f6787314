//! Calls that ask their client: by requests in the legacy era, in rounds in the modern one.

use crate::support::{Client, TestServer, soon};
use serde_json::{Value, json};
use sessile::session::SessionLimits;
use sessile::tools::{Access, Output, Question, Tool};
use sessile::wire::{Era, MODERN};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

const ALL: [&str; 3] = ["elicitation", "sampling", "roots"];

/// Notes that a call is over, answered or dropped.
struct Leaving(Arc<Semaphore>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

fn one_text(name: &str) -> Value {
    json!({ "type": "object", "properties": { name: { "type": "string" } }, "required": [name] })
}

/// `ask`, which asks two things, one after the other; `ask_all`, which asks for all that can be asked. And what counts
/// the calls that are over.
fn tools() -> (Vec<Tool>, Arc<Semaphore>) {
    let left = Arc::new(Semaphore::new(0));
    let counted = Arc::clone(&left);
    let schema = json!({ "type": "object" });
    let ask = Tool::raw("ask", Access::Anyone, schema.clone(), move |context, arguments| {
        let leaving = Leaving(Arc::clone(&counted));
        async move {
            let _leaving = leaving;
            let asked_before = context.asker().kept().is_some();
            context.asker().keep("asked");
            let name = context.ask("name", Question::form("Your name?", &one_text("name"))).await?;
            let color = context.ask("color", Question::form("Your color?", &one_text("color"))).await?;
            let said = json!([name["content"]["name"], color["content"]["color"], arguments.value(), asked_before]);
            Ok(Output::text(said.to_string()))
        }
    });
    let ask_all = Tool::raw("ask_all", Access::Anyone, schema.clone(), |context, _| async move {
        let questions = [
            ("form", Question::form("Your name?", &one_text("name"))),
            ("visit", Question::visit("Go there", "https://example.com/")),
            ("sampling", Question::completion("Say something", 10)),
            ("roots", Question::roots()),
        ];
        let can = questions.into_iter().filter(|(_, question)| context.client_can(question.needs()));
        let answers = context.asker().ask_all(can).await?;
        Ok(Output::text(json!(answers).to_string()))
    });
    let sample = Tool::raw("sample", Access::Anyone, schema, |context, _| async move {
        let answer = context.ask("a", Question::completion("Say something", 10)).await?;
        Ok(Output::text(answer.to_string()))
    })
    .exclusive();
    (vec![ask, ask_all, sample], left)
}

async fn server() -> (TestServer, Arc<Semaphore>) {
    server_with(|_| {}).await
}

async fn server_with(change: impl FnOnce(&mut SessionLimits)) -> (TestServer, Arc<Semaphore>) {
    let (tools, left) = tools();
    (TestServer::with_tools(tools, |options| change(&mut options.sessions)).await, left)
}

async fn legacy(server: &TestServer, capabilities: &[&str]) -> Client {
    let mut client = server.connect().await;
    client.initialize_with("2025-11-25", declared(capabilities)).await;
    client
}

fn declared(capabilities: &[&str]) -> Value {
    capabilities.iter().map(|name| ((*name).to_owned(), json!({}))).collect::<serde_json::Map<_, _>>().into()
}

fn accepted(name: &str, value: &str) -> Value {
    json!({ "action": "accept", "content": { name: value } })
}

fn said(result: &Value) -> Value {
    let text = result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("there is no text: {result}"));
    serde_json::from_str(text).expect("it is JSON")
}

/// A modern call, with what this round brings along.
async fn call(client: &mut Client, tool: &str, capabilities: &[&str], round: Value) -> Value {
    let mut params = json!({ "name": tool, "_meta": {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": declared(capabilities),
    }});
    for (member, value) in round.as_object().expect("it is an object") {
        params[member] = value.clone();
    }
    client.request("tools/call", params).await
}

#[tokio::test]
async fn a_legacy_client_gets_requests_while_the_call_runs() {
    let (server, _) = server().await;
    let mut client = legacy(&server, &ALL).await;
    let id = client.send_call("ask", json!({ "a": 1 })).await;
    let question = client.notification("elicitation/create").await;
    assert_eq!(question["params"]["message"], "Your name?");
    // Others do not wait.
    client.result("ping", json!({})).await;
    client.answer(&question, accepted("name", "Ann")).await;
    let question = client.notification("elicitation/create").await;
    assert_eq!(question["params"]["message"], "Your color?");
    client.answer(&question, accepted("color", "blue")).await;
    assert_eq!(said(&client.response(&id).await["result"]), json!(["Ann", "blue", { "a": 1 }, false]));

    let id = client.send_call("ask_all", json!({})).await;
    for (method, answer) in [
        ("roots/list", json!({ "roots": [] })),
        (
            "sampling/createMessage",
            json!({ "role": "assistant", "content": { "type": "text", "text": "x" }, "model": "m" }),
        ),
        ("elicitation/create", json!({ "action": "decline" })),
    ] {
        let question = client.notification(method).await;
        client.answer(&question, answer).await;
    }
    assert_eq!(said(&client.response(&id).await["result"])[0], json!({ "action": "decline" }));
    client.close().await;
    server.stop().await;
}

#[tokio::test]
async fn what_a_legacy_client_did_not_declare_it_is_not_asked() {
    let (server, _) = server().await;
    let mut stranger = server.connect().await;
    for (capabilities, missing) in [(None, "elicitation"), (Some(vec!["sampling"]), "elicitation")] {
        if let Some(capabilities) = capabilities {
            stranger.initialize_with("2025-11-25", declared(&capabilities)).await;
        }
        let refusal = stranger.refused("ask", json!({})).await;
        assert_eq!(refusal.code, "missing_client_capability");
        assert!(refusal.text.contains(missing), "{}", refusal.text);
    }
    stranger.expect_silence().await;
    let mut client = server.connect().await;
    client.initialize_with("2025-11-25", json!({ "elicitation": { "url": {} } })).await;
    assert_eq!(client.refused("ask", json!({})).await.code, "missing_client_capability");
    let id = client.send_call("ask_all", json!({})).await;
    let question = client.notification("elicitation/create").await;
    assert_eq!(question["params"]["mode"], "url");
    client.answer(&question, json!({ "action": "accept" })).await;
    assert_eq!(said(&client.response(&id).await["result"]), json!([{ "action": "accept" }]));
}

#[tokio::test]
async fn answers_that_nobody_waits_for_and_those_that_are_none() {
    let (server, _) = server().await;
    let mut client = legacy(&server, &ALL).await;
    for id in [json!(1), json!(77), json!("1"), json!(null), json!(-1), json!({})] {
        client.answer(&json!({ "id": id }), accepted("name", "Eve")).await;
    }
    let id = client.send_call("ask", json!({})).await;
    let question = client.notification("elicitation/create").await;
    for other in [json!("1"), json!(2), json!(1.0)] {
        client.answer(&json!({ "id": other }), accepted("name", "Eve")).await;
    }
    client.answer(&question, accepted("name", "Ann")).await;
    // Answered once more, while the next one waits.
    client.answer(&question, accepted("color", "red")).await;
    let question = client.notification("elicitation/create").await;
    client.answer(&question, accepted("color", "blue")).await;
    assert_eq!(said(&client.response(&id).await["result"]), json!(["Ann", "blue", {}, false]));

    for wrong in [json!({}), json!([]), json!({ "action": "shrug" }), json!(null), json!("accept")] {
        let id = client.send_call("ask", json!({})).await;
        let question = client.notification("elicitation/create").await;
        client.answer(&question, wrong.clone()).await;
        let result = client.response(&id).await["result"].clone();
        assert_eq!(result["_meta"]["dev.sessile/error"]["code"], "unanswered", "{wrong}");
    }
    let id = client.send_call("ask", json!({})).await;
    let question = client.notification("elicitation/create").await;
    let refusal = json!({ "jsonrpc": "2.0", "id": question["id"], "error": { "code": -1, "message": "Not today" } });
    client.send_text(&refusal.to_string()).await;
    let result = client.response(&id).await["result"].clone();
    assert!(result["content"][0]["text"].as_str().is_some_and(|text| text.contains("Not today")), "{result}");
    client.expect_silence().await;
}

#[tokio::test]
async fn a_client_that_never_answers_is_not_waited_for() {
    let (server, _) = server_with(|limits| limits.answer_timeout = Duration::from_millis(20)).await;
    let mut client = legacy(&server, &ALL).await;
    let refusal = client.refused("ask", json!({})).await;
    assert_eq!(refusal.code, "unanswered");
    let question = client.notification("elicitation/create").await;
    let cancelled = client.notification("notifications/cancelled").await;
    assert_eq!(cancelled["params"]["requestId"], question["id"]);
    client.answer(&question, accepted("name", "Ann")).await;
    client.expect_silence().await;
}

#[tokio::test]
async fn a_client_is_asked_so_much_at_once() {
    let (server, _) = server_with(|limits| limits.max_questions = 2).await;
    let mut client = legacy(&server, &ALL).await;
    let refusal = client.refused("ask_all", json!({})).await;
    assert_eq!(refusal.code, "limit");
    client.forget().await;
    let first = client.send_call("ask", json!({})).await;
    client.notification("elicitation/create").await;
    client.send_call("ask", json!({})).await;
    client.notification("elicitation/create").await;
    assert_eq!(client.refused("ask", json!({})).await.code, "limit");
    client.cancel(&first).await;
    client.notification("notifications/cancelled").await;
    client.send_call("ask", json!({})).await;
    client.notification("elicitation/create").await;
}

#[tokio::test]
async fn cancelling_the_call_cancels_the_question() {
    let (server, left) = server().await;
    let mut client = legacy(&server, &ALL).await;
    let id = client.send_call("ask", json!({})).await;
    let question = client.notification("elicitation/create").await;
    client.cancel(&id).await;
    assert_eq!(client.notification("notifications/cancelled").await["params"]["requestId"], question["id"]);
    soon("the end of the call", left.acquire()).await.expect("it is never closed").forget();
    client.answer(&question, accepted("name", "Ann")).await;
    client.expect_silence().await;
}

#[tokio::test]
async fn the_end_of_the_connection_ends_a_call_that_asks() {
    let (server, left) = server().await;
    let mut client = legacy(&server, &ALL).await;
    client.send_call("ask", json!({})).await;
    client.notification("elicitation/create").await;
    drop(client);
    soon("the end of the call", left.acquire()).await.expect("it is never closed").forget();
    server.stop().await;
}

#[tokio::test]
async fn an_answer_does_not_wait_for_the_exclusive_call_that_asked() {
    let (server, _) = server().await;
    let mut client = legacy(&server, &ALL).await;
    let id = client.send_call("sample", json!({})).await;
    let question = client.notification("sampling/createMessage").await;
    let answer = json!({ "role": "assistant", "content": { "type": "text", "text": "x" }, "model": "m" });
    client.answer(&question, answer.clone()).await;
    assert_eq!(said(&client.response(&id).await["result"]), answer);
}

#[tokio::test]
async fn a_modern_client_answers_in_rounds() {
    let (server, left) = server().await;
    let mut client = server.connect_in(Era::Modern).await;
    let arguments = json!({ "a": 1, "b": [2] });
    let first = call(&mut client, "ask", &ALL, json!({ "arguments": arguments })).await["result"].clone();
    assert_eq!(first["resultType"], "input_required");
    assert_eq!(first["inputRequests"]["name"]["method"], "elicitation/create");
    assert_eq!(first["inputRequests"].as_object().map(|all| all.len()), Some(1));
    soon("the end of the round", left.acquire()).await.expect("it is never closed").forget();

    let answer = json!({ "name": accepted("name", "Ann"), "what": accepted("else", "there is") });
    let round =
        json!({ "arguments": { "b": [2], "a": 1 }, "inputResponses": answer, "requestState": first["requestState"] });
    let second = call(&mut client, "ask", &ALL, round).await["result"].clone();
    assert!(second["inputRequests"]["color"].is_object(), "{second}");
    assert_ne!(second["requestState"], first["requestState"]);

    let answer = json!({ "color": accepted("color", "blue"), "name": accepted("name", "Eve") });
    let round = json!({ "arguments": arguments, "inputResponses": answer, "requestState": second["requestState"] });
    let third = call(&mut client, "ask", &ALL, round).await["result"].clone();
    assert_eq!(third["resultType"], "complete");
    assert_eq!(said(&third), json!(["Ann", "blue", arguments, true]), "what was answered stays answered");
    client.expect_silence().await;
}

#[tokio::test]
async fn a_modern_client_is_asked_several_things_in_one_round() {
    let (server, _) = server().await;
    let mut client = server.connect_in(Era::Modern).await;
    for (capabilities, expected) in [
        (vec!["elicitation", "roots", "sampling"], vec!["form", "roots", "sampling"]),
        (vec!["sampling"], vec!["sampling"]),
    ] {
        let result = call(&mut client, "ask_all", &capabilities, json!({})).await["result"].clone();
        let asked: Vec<_> = result["inputRequests"].as_object().expect("it asks").keys().collect();
        assert_eq!(asked, expected);
    }
    let asked = call(&mut client, "ask_all", &ALL, json!({})).await["result"].clone();
    let some = json!({ "form": { "action": "cancel" }, "roots": { "roots": [] } });
    let round = json!({ "inputResponses": some, "requestState": asked["requestState"] });
    let rest = call(&mut client, "ask_all", &ALL, round).await["result"].clone();
    assert_eq!(rest["inputRequests"].as_object().expect("it asks").keys().collect::<Vec<_>>(), ["sampling"]);
    assert_eq!(call(&mut client, "ask_all", &[], json!({})).await["result"]["resultType"], "complete");
}

#[tokio::test]
async fn what_is_no_answer_is_asked_for_again() {
    let (server, _) = server().await;
    let mut client = server.connect_in(Era::Modern).await;
    for answers in [
        json!(null),
        json!({}),
        json!({ "color": accepted("color", "blue") }),
        json!({ "name": 12345 }),
        json!({ "name": null }),
        json!({ "name": { "content": {} } }),
    ] {
        let result = call(&mut client, "ask", &ALL, json!({ "inputResponses": answers })).await["result"].clone();
        assert!(result["inputRequests"]["name"].is_object(), "{answers}: {result}");
    }
    for answers in [json!([]), json!("name"), json!(1)] {
        let response = call(&mut client, "ask", &ALL, json!({ "inputResponses": answers })).await;
        assert_eq!(response["error"]["code"], -32602, "{answers}");
    }
}

#[tokio::test]
async fn what_a_modern_client_did_not_declare_is_an_error() {
    let (server, _) = server().await;
    let mut client = server.connect_in(Era::Modern).await;
    let error = call(&mut client, "ask", &["sampling"], json!({})).await["error"].clone();
    assert_eq!(error["code"], -32021);
    assert_eq!(error["data"]["requiredCapabilities"], json!({ "elicitation": {} }));
}

#[tokio::test]
async fn a_request_state_is_good_for_its_own_request_and_its_own_user_alone() {
    let (server, _) = server().await;
    let mut ann = server.sign_up_in(Era::Modern, "ann").await;
    let eve = server.sign_up_in(Era::Modern, "eve").await;
    let stranger = server.connect_in(Era::Modern).await;
    let mut elsewhere = server.connect_in(Era::Modern).await;
    elsewhere.sign_in("ann").await;
    let arguments = json!({ "a": 1 });
    let first = call(&mut ann, "ask", &ALL, json!({ "arguments": arguments })).await["result"].clone();
    let state = first["requestState"].as_str().expect("it is text").to_owned();
    let answers = json!({ "name": accepted("name", "Ann") });
    let round = |arguments: &Value, state: &str| json!({ "arguments": arguments, "inputResponses": answers, "requestState": state });
    let tampered = format!("{state}-TAMPERED");
    let mut clients = [ann, eve, stranger];
    let [ann, eve, stranger] = [0, 1, 2];
    for (what, client, tool, arguments, state) in [
        ("tampered", ann, "ask", &arguments, tampered.as_str()),
        ("made up", ann, "ask", &arguments, "e30.AAAA"),
        ("empty", ann, "ask", &arguments, ""),
        ("other arguments", ann, "ask", &json!({ "a": 2 }), &state),
        ("another tool", ann, "ask_all", &arguments, &state),
        ("another user", eve, "ask", &arguments, &state),
        ("nobody", stranger, "ask", &arguments, &state),
    ] {
        let response = call(&mut clients[client], tool, &ALL, round(arguments, state)).await;
        assert_eq!(response["error"]["code"], -32602, "{what}: {response}");
    }
    let result = call(&mut elsewhere, "ask", &ALL, round(&arguments, &state)).await["result"].clone();
    assert!(result["inputRequests"]["color"].is_object(), "the same user may go on anywhere: {result}");
}
