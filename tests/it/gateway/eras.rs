//! A client of either era and an upstream of either, over a WebSocket and over HTTP: the bridges between them.

use super::stage::{definitions, said, text, tools};
use crate::support::{PASSWORD, TestServer, email};
use serde_json::{Value, json};
use sessile::tools::{Access, Output, Question, Tool};
use sessile::wire::{Era, MODERN};

/// A server to be an upstream: `ask` asks for a name and a color, and says how far it is.
async fn asker() -> TestServer {
    let schema = json!({ "type": "object" });
    let greet =
        Tool::raw("greet", Access::Anyone, schema.clone(), |_, _| async { Ok(Output::text("hello".to_owned())) });
    let ask = Tool::raw("ask", Access::Anyone, schema, |context, _| async move {
        let form = json!({ "type": "object", "properties": { "it": { "type": "string" } }, "required": ["it"] });
        let name = context.ask("name", Question::form("Your name?", &form)).await?;
        let color = context.ask("color", Question::form("Your color?", &form)).await?;
        Ok(Output::text(json!([name["content"]["it"], color["content"]["it"]]).to_string()))
    });
    TestServer::with_tools(vec![greet, ask], |_| {}).await
}

fn accepted(value: &str) -> Value {
    json!({ "action": "accept", "content": { "it": value } })
}

#[tokio::test]
async fn every_client_can_work_with_every_upstream() {
    let upstream = asker().await;
    let address = upstream.address();
    let mut tables = Vec::new();
    for era in ["auto", "legacy", "modern"] {
        tables.push(format!("[upstream.http_{era}]\nurl = \"http://{address}/mcp\"\nera = \"{era}\"\n"));
        tables.push(format!("[upstream.ws_{era}]\nws = \"ws://{address}/mcp\"\nera = \"{era}\"\n"));
    }
    let upstreams = definitions(&tables);
    let names: Vec<_> = upstreams.iter().map(|upstream| upstream.name.clone()).collect();
    let server = TestServer::with(|options| options.upstreams = upstreams).await;

    let mut ann = server.sign_up_able("ann", json!({ "elicitation": {} })).await;
    let can = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": { "elicitation": {} },
    });
    let person = json!({ "email": email("eve"), "password": PASSWORD, "tenant_name": "eve's" });
    let mut eve = server.connect_in(Era::Modern).await;
    eve.result("tools/call", json!({ "name": "auth_sign_up", "arguments": person, "_meta": can })).await;
    // A legacy upstream is told what the first request says.
    eve.result("tools/list", json!({ "_meta": can })).await;
    for client in [&mut ann, &mut eve] {
        let listed = tools(client).await;
        for name in &names {
            assert!(listed.contains(&format!("{name}_greet")), "{name}: {listed:?}");
            assert_eq!(said(client, &format!("{name}_greet"), json!({})).await, "hello", "{name}");
        }
    }
    for name in &names {
        let tool = format!("{name}_ask");
        let id = ann.send_call(&tool, json!({})).await;
        for (message, answer) in [("Your name?", "Ann"), ("Your color?", "red")] {
            let question = ann.notification("elicitation/create").await;
            assert_eq!(question["params"]["message"], message, "{name}");
            ann.answer(&question, accepted(answer)).await;
        }
        assert_eq!(text(&ann.response(&id).await["result"]), r#"["Ann","red"]"#, "{name}");

        let mut params = json!({ "name": tool, "arguments": {}, "_meta": can });
        for (message, answer) in [("Your name?", "Eve"), ("Your color?", "blue")] {
            let result = eve.result("tools/call", params.clone()).await;
            assert_eq!(result["resultType"], "input_required", "{name}: {result}");
            let asked = result["inputRequests"].as_object().expect("they are there");
            let (key, request) = asked.iter().next().expect("something is asked");
            assert_eq!(request["params"]["message"], message, "{name}");
            params["inputResponses"] = json!({ key: accepted(answer) });
            params["requestState"] = result["requestState"].clone();
        }
        assert_eq!(text(&eve.result("tools/call", params).await), r#"["Eve","blue"]"#, "{name}");
    }
    drop((ann, eve));
    server.stop().await;
    upstream.stop().await;
}

#[tokio::test]
async fn an_upstream_that_was_away_is_found_again() {
    let upstream = asker().await;
    let address = upstream.address();
    let tables = [
        format!("[upstream.far]\nurl = \"http://{address}/mcp\"\nera = \"legacy\"\n"),
        format!("[upstream.near]\nws = \"ws://{address}/mcp\"\n"),
    ];
    let upstreams = definitions(&tables);
    let server = TestServer::with(|options| options.upstreams = upstreams).await;
    let mut ann = server.sign_up("ann").await;
    for name in ["far_greet", "near_greet"] {
        assert_eq!(said(&mut ann, name, json!({})).await, "hello");
    }
    // It has forgotten the sessions when it is there again.
    upstream.stop().await;
    for name in ["far_greet", "near_greet"] {
        let why = super::stage::failure(&mut ann, name, json!({})).await;
        assert!(why.contains("could not be reached"), "{why}");
    }
    let listener = tokio::net::TcpListener::bind(address).await.expect("the port is free again");
    let greet = Tool::raw("greet", Access::Anyone, json!({ "type": "object" }), |_, _| async {
        Ok(Output::text("hello again".to_owned()))
    });
    let again = TestServer::on(listener, vec![greet]).await;
    for name in ["far_greet", "near_greet"] {
        assert_eq!(said(&mut ann, name, json!({})).await, "hello again", "{name}");
    }
    ann.close().await;
    server.stop().await;
    again.stop().await;
}
