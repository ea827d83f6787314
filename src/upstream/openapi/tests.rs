mod api;

use super::api::Api;
use super::*;
use crate::upstream::definition::{AuthorizationOptions, Reach};
use api::{Event, Peer, api, definition, pets};
use http::HeaderMap;
use std::time::Duration;

#[tokio::test]
async fn both_eras_are_spoken() {
    let mut peer = pets(|_| {}).await;
    let opened = peer.ask("initialize", json!({ "protocolVersion": "2025-06-18", "capabilities": {} })).await;
    assert_eq!(opened["result"]["protocolVersion"], "2025-06-18");
    assert_eq!(opened["result"]["serverInfo"]["title"], "Pets");
    assert_eq!(opened["result"]["capabilities"], json!({ "tools": {} }));
    assert_eq!(peer.ask("ping", json!({})).await["result"], json!({}));
    let meta = json!({ "io.modelcontextprotocol/protocolVersion": MODERN });
    let discovered = peer.ask("server/discover", json!({ "_meta": meta })).await["result"].clone();
    assert_eq!((&discovered["supportedVersions"], &discovered["resultType"]), (&json!([MODERN]), &json!("complete")));
    let listed = peer.ask("tools/list", json!({ "_meta": meta })).await["result"].clone();
    assert_eq!(listed["resultType"], "complete");
    assert!(listed["ttlMs"].is_u64() && listed["tools"].as_array().is_some_and(|tools| tools.len() > 5));
    assert_eq!(peer.ask("resources/list", json!({})).await["error"]["code"], -32601);
    assert_eq!(peer.ask("tools/call", json!({ "name": "nothing" })).await["error"]["code"], -32602);
}

#[tokio::test]
async fn operations_become_tools() {
    let tools = pets(|_| {}).await.tools().await;
    let mut names: Vec<_> = tools.keys().map(String::as_str).collect();
    names.sort_unstable();
    let all = [
        "adopt",
        "find_pets",
        "find_pets_2",
        "getOwner",
        "get_locked",
        "note",
        "put_pets_id",
        "remove",
        "report",
        "tree",
    ];
    assert_eq!(names, all);
    let find = &tools["find_pets"];
    assert_eq!(find["title"], "Find pets");
    assert_eq!(find["description"], "Find pets\n\nBy what they look like.");
    assert_eq!(find["annotations"]["readOnlyHint"], true);
    let input = &find["inputSchema"];
    assert_eq!((&input["type"], &input["additionalProperties"]), (&json!("object"), &json!(false)));
    assert_eq!(
        input["properties"]["limit"],
        json!({ "type": "integer", "exclusiveMinimum": 0, "description": "How many." })
    );
    assert_eq!(input["properties"]["colour"]["type"], json!(["string", "null"]));
    assert!(input["properties"].get("api_key").is_none() && input["properties"].get("X-Key").is_none(), "{input}");
    assert_eq!(tools["remove"]["annotations"]["destructiveHint"], true);
    assert_eq!(tools["put_pets_id"]["annotations"]["idempotentHint"], true);
    assert_eq!(tools["put_pets_id"]["inputSchema"]["required"], json!(["id", "name"]));
    assert!(tools["remove"]["description"].as_str().is_some_and(|text| text.starts_with("Deprecated. ")));
    let tree = &tools["tree"]["inputSchema"];
    assert_eq!(tree["properties"]["children"]["items"], json!({ "$ref": "#/$defs/Node" }));
    assert_eq!(tree["$defs"]["Node"]["properties"]["children"]["items"], json!({ "$ref": "#/$defs/Node" }));
    assert_eq!(tools["getOwner"]["outputSchema"]["type"], "object");
    assert!(tools["report"].get("outputSchema").is_none());
    for tool in tools.values() {
        for schema in ["inputSchema", "outputSchema"].iter().filter_map(|key| tool.get(key)) {
            jsonschema::draft202012::meta::validate(schema).expect("it is a schema");
            jsonschema::draft202012::new(schema).expect("what it refers to is there");
        }
    }
    let some = pets(|definition| {
        let Reach::OpenApi { tags, .. } = &mut definition.reach else { unreachable!() };
        tags.insert("owners".into());
    });
    assert_eq!(some.await.tools().await.keys().collect::<Vec<_>>(), ["getOwner"]);
}

#[tokio::test]
async fn a_call_becomes_a_request() {
    let mut peer = pets(|_| {}).await;
    let arguments = json!({
        "limit": 3, "tags": ["a b", "c&d"], "near": { "lat": 1.5, "lon": 2 }, "colour": null, "ids": [1, 2],
        "filter": { "deep": [1] }, "X-Trace": ["a", "b"], "flavour": "sweet; sour",
    });
    let told = peer.told("find_pets", arguments).await;
    assert_eq!(
        (told["method"].as_str(), told["uri"].as_str()),
        (
            Some("GET"),
            Some(
                "/v1/pets?limit=3&tags=a+b&tags=c%26d&near%5Blat%5D=1.5&near%5Blon%5D=2&ids=1%2C2&filter=%7B%22deep%22%3A%5B1%5D%7D&api_key=se+cret"
            )
        )
    );
    let headers = &told["headers"];
    assert_eq!((&headers["x-trace"], &headers["x-key"]), (&json!("a,b"), &json!("hidden")));
    assert_eq!(headers["cookie"], "flavour=sweet%3B%20sour");

    let told = peer.told("put_pets_id", json!({ "id": "a/b ü", "name": "Rex", "born": 12345678901234567890u64 })).await;
    assert_eq!(
        (told["method"].as_str(), told["uri"].as_str()),
        (Some("PUT"), Some("/v1/pets/a%2Fb%20%C3%BC?api_key=se+cret"))
    );
    let body: Value = serde_json::from_str(told["body"].as_str().expect("a text")).expect("it is JSON");
    assert_eq!(body, json!({ "name": "Rex", "born": 12345678901234567890u64 }));
    assert_eq!(told["headers"]["content-type"], "application/json");

    let told = peer.told("adopt", json!({ "id": 7, "who": "Ann & Bob", "days": ["mo", "tu"] })).await;
    assert_eq!(told["body"], "days=mo&days=tu&who=Ann+%26+Bob");
    assert_eq!(told["headers"]["content-type"], "application/x-www-form-urlencoded");
    let told = peer.told("note", json!({ "id": 7, "id_query": 8, "body": "likes \"fish\"" })).await;
    assert_eq!(
        (told["uri"].as_str(), told["body"].as_str()),
        (Some("/v1/pets/7/note?id=8&api_key=se+cret"), Some("likes \"fish\""))
    );
    let told = peer.told("tree", json!({ "name": "a", "children": [{ "name": "b" }] })).await;
    assert_eq!(told["body"], r#"{"children":[{"name":"b"}],"name":"a"}"#);

    let meta = json!({ "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" });
    let traced = json!({ "name": "find_pets", "arguments": {}, "_meta": meta });
    let result = peer.ask("tools/call", traced).await["result"].clone();
    assert_eq!(result["structuredContent"]["headers"]["traceparent"], meta["traceparent"]);
}

#[tokio::test]
async fn what_does_not_fit_is_told_and_not_sent() {
    let mut peer = pets(|_| {}).await;
    for (tool, arguments, why) in [
        ("put_pets_id", json!({ "name": "Rex" }), "id is missing"),
        ("put_pets_id", json!({ "id": "..", "name": "Rex" }), "lead to another path"),
        ("put_pets_id", json!({ "id": "", "name": "Rex" }), "id is empty"),
        ("find_pets", json!({ "api_key": "mine" }), "api_key is no argument"),
        ("find_pets", json!({ "X-Trace": ["a\nb"] }), "X-Trace has characters"),
        ("find_pets", json!([]), "have to be an object"),
        ("note", json!({ "id": 7 }), "body is missing"),
    ] {
        let result = peer.call(tool, arguments).await;
        assert_eq!(result["isError"], true, "{result}");
        assert!(result["content"][0]["text"].as_str().is_some_and(|text| text.contains(why)), "{why}: {result}");
    }
}

#[tokio::test]
async fn answers_become_results() {
    let mut peer = pets(|_| {}).await;
    for (name, expected) in [
        ("picture", json!({ "content": [{ "type": "image", "data": "iVBORw==", "mimeType": "image/png" }] })),
        (
            "archive",
            json!({ "content": [{ "type": "resource", "resource": {
                "uri": "openapi://pets/report", "mimeType": "application/zip", "blob": "UEs=" } }] }),
        ),
        ("text", json!({ "content": [{ "type": "text", "text": "some text" }] })),
        ("nothing", json!({ "content": [{ "type": "text", "text": "HTTP 204 No Content" }] })),
        ("number", json!({ "content": [{ "type": "text", "text": "[1.0, 12345678901234567890123]" }] })),
        (
            "missing",
            json!({ "isError": true, "content": [{ "type": "text",
                "text": "HTTP 404 Not Found\n{\"error\":\"there is no such report\"}" }] }),
        ),
    ] {
        assert_eq!(peer.call("report", json!({ "name": name })).await, expected, "{name}");
    }
    let long = peer.call("report", json!({ "name": "long" })).await;
    assert!(long["content"][0]["text"].as_str().is_some_and(|text| text.len() < 20_000 && text.ends_with(" …")));
    let owner = peer.call("getOwner", json!({ "id": "ann" })).await;
    assert_eq!(owner["structuredContent"], json!({ "name": "a \"b\\", "size": 1.5 }));
    assert_eq!(owner["content"][0]["text"], "{\n  \"name\": \"a \\\"b\\\\\",\n  \"size\": 1.50\n}");
    let odd = peer.call("getOwner", json!({ "id": "odd" })).await;
    assert!(odd["isError"] == true && odd.get("structuredContent").is_none(), "{odd}");
}

#[tokio::test]
async fn failures_are_the_peers_to_see() {
    let mut peer = pets(|definition| definition.limits.max_message_bytes = 1024).await;
    let id = peer.send("tools/call", json!({ "name": "report", "arguments": { "name": "long" } }));
    assert!(matches!(peer.next().await, Event::Failed(of, Failure::TooLarge(1024)) if of == id));
    let authorization =
        AuthorizationOptions { per_tenant: true, client_id: None, client_secret: None, scopes: Vec::new() };
    let mut peer = pets(|definition| definition.authorization = Some(authorization)).await;
    peer.send("tools/call", json!({ "name": "get_locked" }));
    match peer.next().await {
        Event::Failed(_, Failure::Unauthorized(Some(wanted))) => assert_eq!(wanted, "Bearer scope=\"pets\""),
        other => panic!("{other:?}"),
    }
    let gone = definition("/nowhere.yaml", None);
    assert!(matches!(Peer::open(gone, HeaderMap::new()).await, Err(Failure::Unreachable(_))));
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_is_dropped() {
    let mut peer = pets(|_| {}).await;
    let never =
        |peer: &mut Peer| peer.send("tools/call", json!({ "name": "report", "arguments": { "name": "never" } }));
    let (one, two, _) = (never(&mut peer), never(&mut peer), never(&mut peer));
    peer.link.forget(one);
    let text =
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": two } }).to_string();
    peer.link.send(Outgoing { text, purpose: Purpose::Notification { method: "notifications/cancelled".into() } });
    let Peer { link, tasks, mut events, .. } = peer;
    drop(link);
    tasks.close();
    tokio::time::timeout(Duration::from_secs(20), tasks.wait()).await.expect("all calls are gone");
    assert!(events.recv().await.is_none(), "none of them is answered");
}

#[tokio::test]
async fn a_description_may_come_from_a_url_and_say_where_the_api_is() {
    let url = api().await;
    let mut peer =
        Peer::open(definition(&format!("{url}/pets.yaml"), None), HeaderMap::new()).await.expect("it is there");
    assert_eq!(peer.told("find_pets", json!({})).await["uri"], "/v1/pets?api_key=se+cret");
    let missing = Peer::open(definition(&format!("{url}/reports/missing"), None), HeaderMap::new()).await;
    assert!(matches!(missing, Err(Failure::Unreachable(why)) if why.contains("404")));
}

#[test]
fn what_is_no_description_is_refused() {
    for (text, why) in [
        ("{", "EOF"),
        ("a: [", ""),
        ("a: 1", "has no `openapi`"),
        ("swagger: '2.0'", "has no `openapi`"),
        ("openapi: 4.0.0", "is of version 4.0.0"),
    ] {
        let error = document::Document::parse(text.as_bytes()).expect_err(text);
        assert!(error.contains(why), "{text}: {error}");
    }
    let bomb = "openapi: 3.0.0\na: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f]\n";
    assert!(document::Document::parse(bomb.as_bytes()).is_err(), "what grows without end is refused");
}

#[test]
fn a_description_of_3_1_is_read_in_json() {
    let text = json!({
        "openapi": "3.1.0", "info": { "title": "New", "version": "2" },
        "servers": [{ "url": "https://{host}/api", "variables": { "host": { "default": "new.example" } } }],
        "paths": { "/x/{y}": {
            "parameters": [{ "name": "y", "in": "path", "required": true, "schema": { "type": ["string", "null"] } }],
            "post": {
                "requestBody": { "required": true, "content": { "application/json": { "schema": true } } },
                "responses": { "200": { "description": "", "content": { "application/json": { "schema": { "type": "array" } } } } },
            },
            "get": { "requestBody": { "required": true, "content": { "multipart/form-data": {} } }, "responses": {} },
        } },
    });
    let document = document::Document::parse(text.to_string().as_bytes()).expect("it is good");
    let api = Api::read(&document, None, &definition("a", None)).expect("it can be read");
    assert_eq!(api.operations.keys().collect::<Vec<_>>(), ["post_x_y"]);
    assert_eq!(api.server.as_ref().map(url::Url::as_str), Some("https://new.example/api"));
    let members: Value = serde_json::from_str(&format!("{{{}}}", api.tools)).expect("it is JSON");
    let input = &members["tools"][0]["inputSchema"];
    assert_eq!(input["properties"], json!({ "y": { "type": ["string", "null"] }, "body": true }));
    assert_eq!(input["required"], json!(["y", "body"]));
}
