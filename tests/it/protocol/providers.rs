//! Servers that bring their own tools, resources and prompts.

use crate::support::{Client, TestServer};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use sessile::error::Result;
use sessile::server::Server;
use sessile::session::Announcer;
use sessile::tools::{
    Access, Arguments, Content, Contents, Context, Crm, Members, Output, Page, Prompts, Question, Resources, Tool,
    Watched,
};
use sessile::wire::{Era, MODERN};
use std::time::Duration;

const ERAS: [Era; 2] = [Era::Legacy, Era::Modern];

/// Three resources on two pages, a prompt, and a resource that asks.
#[derive(Debug)]
struct Shelf;

impl Resources for Shelf {
    fn list<'a>(&'a self, _: &'a Context, cursor: Option<&'a str>) -> BoxFuture<'a, Result<Page>> {
        let page = match cursor {
            None => Page::json(r#"[{"uri":"x:1","name":"1","size":1.0},{"uri":"x:2","name":"2"}]"#)
                .next(Some("more".into())),
            Some(_) => Page::json(r#"[{"uri":"x:3","name":"3"}]"#),
        };
        Box::pin(async { Ok(page) })
    }

    fn read<'a>(&'a self, context: &'a Context, uri: &'a str) -> BoxFuture<'a, Result<Option<Members>>> {
        Box::pin(async move {
            let text = match uri {
                "x:1" => "one".to_owned(),
                "x:ask" => {
                    let schema = json!({ "type": "object", "properties": { "a": { "type": "string" } } });
                    context.ask("a", Question::form("Which one?", &schema)).await?["content"]["a"].to_string()
                }
                "x:mine" => context.scope()?.principal().email().to_owned(),
                _ => return Ok(None),
            };
            Ok(Some(Members::contents(&[Contents::text(uri, "text/plain", text)]).public(Duration::from_secs(5))))
        })
    }

    fn watched<'a>(&'a self, _: &'a Context, uri: &'a str) -> BoxFuture<'a, Result<Option<Watched>>> {
        Box::pin(async move { Ok((uri == "x:1").then_some(Watched::Announced)) })
    }
}

impl Prompts for Shelf {
    fn list<'a>(&'a self, _: &'a Context, _: Option<&'a str>) -> BoxFuture<'a, Result<Page>> {
        Box::pin(async { Ok(Page::of(&[json!({ "name": "say" })])) })
    }

    fn get<'a>(&'a self, _: &'a Context, name: &'a str, said: &'a Arguments) -> BoxFuture<'a, Result<Option<Members>>> {
        Box::pin(async move {
            if name != "say" {
                return Ok(None);
            }
            Ok(Some(Members::messages("Says it", &[Content::text(said.text("what")?)])))
        })
    }

    fn list_changes(&self) -> bool {
        true
    }
}

fn raw_tool() -> Tool {
    let schema = json!({ "$defs": { "n": { "type": "integer" } }, "type": "object", "properties": { "n": { "$ref": "#/$defs/n" } } });
    Tool::raw("raw", Access::Anyone, schema, |_, arguments| async move {
        let blocks = vec![
            Content::text("text").with("annotations", json!({ "audience": ["user"] })),
            Content::image(b"image", "image/png"),
            Content::audio(b"audio", "audio/wav"),
            Content::embedded(&Contents::bytes("x:1", "text/plain", b"blob")),
            Content::link("x:1", "one").with("description", "The first"),
        ];
        let failed = arguments.value()["fail"] == true;
        let output = Output::new(blocks).structured(&arguments.value()).meta("example.com/m", 1);
        Ok(if failed { output.failed() } else { output })
    })
    .described("Raw", "Gives one of each block.")
}

/// A server with nothing of the CRM.
async fn own() -> (TestServer, Announcer) {
    let mut announcer = None;
    let server = TestServer::made(
        |_| {},
        |options| {
            let server = Server::builder(options)
                .named("own", "Own", "7")
                .tools([raw_tool()])
                .resources(Shelf)
                .prompts(Shelf)
                .build()?;
            announcer = Some(server.announcer());
            Ok(server)
        },
    );
    let server = server.await;
    (server, announcer.expect("it was made"))
}

fn uris(result: &Value) -> Vec<&str> {
    result["resources"].as_array().expect("a list").iter().filter_map(|one| one["uri"].as_str()).collect()
}

#[tokio::test]
async fn a_server_says_what_it_has_and_has_no_more() {
    let (server, _) = own().await;
    let mut client = server.connect().await;
    let initialized = client.initialize("2025-11-25").await;
    assert_eq!(initialized["serverInfo"], json!({ "name": "own", "title": "Own", "version": "7" }));
    assert!(initialized.get("instructions").is_none());
    let mut modern = server.connect_in(Era::Modern).await;
    let discovered = modern.result("server/discover", json!({})).await;
    assert_eq!(discovered["capabilities"], initialized["capabilities"]);
    assert_eq!(discovered["capabilities"]["prompts"], json!({ "listChanged": true }));
    assert!(discovered["capabilities"].get("completions").is_none());
    assert_eq!(discovered["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "own");
    for client in [&mut client, &mut modern] {
        let error = client.error("completion/complete", json!({})).await;
        assert_eq!(error["code"], -32601);
    }

    let bare = TestServer::made(|_| {}, |options| Server::builder(options).build()).await;
    for era in ERAS {
        let mut client = bare.connect_in(era).await;
        assert_eq!(client.result("tools/list", json!({})).await["tools"], json!([]));
        for method in ["resources/list", "resources/templates/list", "resources/read", "prompts/list", "prompts/get"] {
            assert_eq!(client.error(method, json!({ "uri": "x:1", "name": "say" })).await["code"], -32601, "{method}");
        }
    }
}

#[tokio::test]
async fn a_raw_tool_gives_any_content_as_it_is() {
    let (server, _) = own().await;
    for era in ERAS {
        let mut client = server.connect_in(era).await;
        let listed = client.result("tools/list", json!({})).await;
        assert_eq!(listed["tools"][0]["inputSchema"]["$defs"], json!({ "n": { "type": "integer" } }));
        assert!(listed["tools"][0].get("outputSchema").is_none());
        for fail in [true, false] {
            let arguments = json!({ "n": 1, "fail": fail });
            let result = client.result("tools/call", json!({ "name": "raw", "arguments": arguments })).await;
            let kinds: Vec<_> = result["content"].as_array().expect("a list").iter().map(|one| &one["type"]).collect();
            assert_eq!(kinds, ["text", "image", "audio", "resource", "resource_link"]);
            assert_eq!(result["structuredContent"], arguments);
            assert_eq!(result["_meta"]["example.com/m"], 1);
            assert_eq!(result.get("isError").is_some(), fail);
        }
        for arguments in [json!([]), json!("x"), json!(1)] {
            let refusal = client.refused("raw", arguments).await;
            assert_eq!(refusal.code, "invalid_arguments");
        }
    }
}

#[tokio::test]
async fn what_a_provider_gives_goes_out_as_it_is() {
    let (server, _) = own().await;
    let mut client = server.connect_in(Era::Modern).await;
    let meta =
        json!({ "io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {} });
    let list = json!({ "jsonrpc": "2.0", "id": 1000, "method": "resources/list", "params": { "_meta": meta } });
    client.send_text(&list.to_string()).await;
    let text = client.next_text().await;
    assert!(text.contains(r#""resources":[{"uri":"x:1","name":"1","size":1.0},{"uri":"x:2","name":"2"}]"#), "{text}");
    let next = client.result("resources/list", json!({ "cursor": "more" })).await;
    assert_eq!((uris(&next), next.get("nextCursor")), (vec!["x:3"], None));
    let read = client.result("resources/read", json!({ "uri": "x:1" })).await;
    assert_eq!((&read["ttlMs"], &read["cacheScope"]), (&json!(5000), &json!("public")));
    let prompt = client.result("prompts/get", json!({ "name": "say", "arguments": { "what": "Hello" } })).await;
    assert_eq!(prompt["messages"][0]["content"]["text"], "Hello");
    for (method, params) in [
        ("prompts/get", json!({ "name": "say" })),
        ("prompts/get", json!({ "name": "shout" })),
        ("resources/read", json!({ "uri": "x:9" })),
        ("resources/read", json!({ "uri": "x:mine" })),
    ] {
        assert_eq!(client.error(method, params.clone()).await["code"], -32602, "{params}");
    }
}

#[tokio::test]
async fn several_providers_have_one_list() {
    let make = |options| {
        Server::builder(options)
            .tools(sessile::tools::all())
            .resources(Crm)
            .resources(Shelf)
            .prompts(Crm)
            .prompts(Shelf)
            .build()
    };
    let server = TestServer::made(|_| {}, make).await;
    for era in ERAS {
        let name = format!("{era:?}");
        let mut client = server.sign_up_in(era, &name).await;
        let id = client.tool("crm_contact_create", json!({ "name": "Mona" })).await["id"].clone();
        client.forget().await;
        let contact = format!("crm://contacts/{}", id.as_str().expect("an id"));
        let (mut all, mut cursor) = (Vec::new(), None::<Value>);
        loop {
            let params = cursor.take().map_or(json!({}), |cursor| json!({ "cursor": cursor }));
            let page = client.result("resources/list", params).await;
            all.extend(uris(&page).into_iter().map(str::to_owned));
            match page.get("nextCursor") {
                Some(next) => cursor = Some(next.clone()),
                None => break,
            }
        }
        assert_eq!(all, [contact.as_str(), "x:1", "x:2", "x:3"]);
        for uri in all.iter().take(2).map(String::as_str).chain(["x:mine"]) {
            assert_eq!(client.result("resources/read", json!({ "uri": uri })).await["contents"][0]["uri"], uri);
        }
        for cursor in ["", "1", "2:", "x:y", "0:frobnicate", "-1:"] {
            assert_eq!(client.error("resources/list", json!({ "cursor": cursor })).await["code"], -32602, "{cursor}");
        }
        for name in ["say", "daily_brief"] {
            client.result("prompts/get", json!({ "name": name, "arguments": if name == "say" { json!({ "what": "x" }) } else { json!({}) } })).await;
        }
        let mut stranger = server.connect_in(era).await;
        stranger.result("resources/read", json!({ "uri": "x:1" })).await;
        let error = stranger.error("resources/read", json!({ "uri": contact })).await;
        assert!(error["message"].as_str().is_some_and(|text| text.contains("auth_sign_in")), "{error}");
    }
}

#[tokio::test]
async fn a_resource_can_ask_before_it_is_read() {
    let (server, _) = own().await;
    let mut client = server.connect_in(Era::Modern).await;
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": { "elicitation": {} },
    });
    let first = client.result("resources/read", json!({ "uri": "x:ask", "_meta": meta })).await;
    assert_eq!(first["resultType"], "input_required");
    let answers = json!({ "a": { "action": "accept", "content": { "a": "that" } } });
    let round =
        |uri| json!({ "uri": uri, "_meta": meta, "inputResponses": answers, "requestState": first["requestState"] });
    let second = client.result("resources/read", round("x:ask")).await;
    assert_eq!(second["contents"][0]["text"], "\"that\"");
    assert_eq!(client.error("resources/read", round("x:1")).await["code"], -32602);
    assert_eq!(client.error("resources/read", json!({ "uri": "x:ask" })).await["code"], -32021);

    let mut legacy = server.connect().await;
    legacy.initialize_with("2025-11-25", json!({ "elicitation": {} })).await;
    let id = legacy.send("resources/read", json!({ "uri": "x:ask" })).await;
    let question = legacy.notification("elicitation/create").await;
    legacy.answer(&question, answers["a"].clone()).await;
    assert_eq!(legacy.response(&id).await["result"]["contents"][0]["text"], "\"that\"");
}

fn methods(heard: &[Value]) -> Vec<&str> {
    heard.iter().filter_map(|message| message["method"].as_str()).collect()
}

async fn listen(client: &mut Client, filter: Value) -> Value {
    client.send("subscriptions/listen", json!({ "notifications": filter })).await;
    client.notification("notifications/subscriptions/acknowledged").await["params"]["notifications"].clone()
}

#[tokio::test]
async fn announcements_reach_who_wants_to_know() {
    let (server, announcer) = own().await;
    let announce = || {
        announcer.updated("x:1");
        announcer.updated("x:2");
        announcer.resources_changed();
        announcer.prompts_changed();
        announcer.tools_changed();
    };
    let mut legacy = server.connect().await;
    legacy.initialize("2025-11-25").await;
    legacy.result("resources/subscribe", json!({ "uri": "x:1" })).await;
    assert_eq!(legacy.error("resources/subscribe", json!({ "uri": "x:2" })).await["code"], -32002);
    legacy.result("resources/list", json!({})).await;
    announce();
    let mut heard = legacy.all_heard().await;
    heard.sort_by_key(|message| message["method"].as_str().map(str::to_owned));
    let lists = ["prompts/list_changed", "resources/list_changed", "resources/updated", "tools/list_changed"];
    assert_eq!(methods(&heard), lists.map(|name| format!("notifications/{name}")));
    legacy.result("resources/unsubscribe", json!({ "uri": "x:1" })).await;
    announcer.updated("x:1");
    legacy.expect_silence().await;

    let mut modern = server.connect_in(Era::Modern).await;
    let wanted = json!({ "promptsListChanged": true, "resourceSubscriptions": ["x:1", "x:2"] });
    let accepted = listen(&mut modern, wanted).await;
    assert_eq!(accepted, json!({ "promptsListChanged": true, "resourceSubscriptions": ["x:1"] }));
    announce();
    let heard = modern.all_heard().await;
    assert_eq!(methods(&heard), ["notifications/prompts/list_changed", "notifications/resources/updated"]);
    listen(&mut modern, json!({ "resourcesListChanged": true })).await;
    announcer.resources_changed();
    assert_eq!(methods(&modern.all_heard().await), ["notifications/resources/list_changed"]);
    drop((legacy, modern, announcer));
    server.stop().await;
}
