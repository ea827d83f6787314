//! Upstreams that tenants add: what may be added, who sees it, and what makes room again.

use crate::support::{Client, TestServer};
use serde_json::{Value, json};
use sessile::store::Event;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn names(listed: &Value) -> Vec<&str> {
    listed["upstreams"].as_array().expect("a list").iter().map(|one| one["name"].as_str().expect("a name")).collect()
}

async fn add(client: &mut Client, mut more: Value) -> Value {
    more["url"] = more.get("url").cloned().unwrap_or_else(|| json!("https://mcp.example.com/mcp?x=1"));
    client.tool("upstream_add", more).await
}

#[tokio::test]
async fn an_upstream_is_seen_by_those_who_may_use_it_in_its_tenant_alone() {
    let server = TestServer::start().await;
    let told = Arc::new(AtomicUsize::new(0));
    let heard = Arc::clone(&told);
    server.store().on_commit(move |event| {
        heard.fetch_add(usize::from(matches!(event, Event::Upstreams { .. })), Ordering::Relaxed);
    });
    let mut ann = server.sign_up("ann").await;
    let mut eve = server.sign_up("eve").await;
    let mut vic = server.join(&mut ann, "vic", "viewer").await;
    let headers = json!({ "Authorization": "Bearer ${credential:wiki}" });
    let added = add(&mut ann, json!({ "name": "wiki", "headers": headers, "role": "viewer" })).await;
    add(
        &mut ann,
        json!({ "name": "git", "allow": ["get_*"], "isolation": "tenant", "audience": "https://mcp.example.com" }),
    )
    .await;
    assert_eq!(told.load(Ordering::Relaxed), 2);
    assert_eq!((&added["prefix"], &added["origin"], &added["kind"]), (&json!("wiki_"), &json!("own"), &json!("http")));
    assert_eq!(added["url"], "https://mcp.example.com/mcp", "without its query");
    assert_eq!(added["credentials"], json!([{ "name": "wiki", "set": false }]));
    ann.tool("credential_set", json!({ "name": "wiki", "value": "x" })).await;
    let listed = ann.tool("upstream_list", json!({})).await;
    assert_eq!(names(&listed), ["git", "wiki"]);
    assert_eq!(listed["upstreams"][1]["credentials"][0]["set"], true);
    assert_eq!(names(&vic.tool("upstream_list", json!({})).await), ["wiki"], "members and above use the other");
    assert!(names(&eve.tool("upstream_list", json!({})).await).is_empty());
    // Names are each tenant's own, and a foreign one is like none.
    add(&mut eve, json!({ "name": "wiki" })).await;
    let foreign = eve.refused("upstream_remove", json!({ "name": "git" })).await;
    let unknown = eve.refused("upstream_remove", json!({ "name": "got" })).await;
    assert_eq!(foreign.text.replace("git", "got"), unknown.text);
    ann.tool("upstream_remove", json!({ "name": "wiki" })).await;
    assert_eq!(names(&ann.tool("upstream_list", json!({})).await), ["git"]);
    assert_eq!(names(&eve.tool("upstream_list", json!({})).await), ["wiki"]);
    let log = ann.tool("tenant_audit_log", json!({ "action": "upstream." })).await;
    let actions: Vec<_> = log["entries"].as_array().expect("a list").iter().map(|one| one["action"].as_str()).collect();
    assert_eq!(actions, [Some("upstream.remove"), Some("upstream.add"), Some("upstream.add")]);
    server.stop().await;
}

#[tokio::test]
async fn what_can_not_be_added_is_refused_and_says_why() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    add(&mut ann, json!({ "name": "wiki", "prefix": "w_" })).await;
    let secret = "ghp_0123456789";
    for (change, why) in [
        (json!({ "name": "Wiki" }), "lower-case"),
        (json!({ "name": "wiki" }), "there is an upstream \"wiki\" already"),
        (json!({ "name": "b", "prefix": "w_" }), "can't be told from"),
        (json!({ "name": "b", "prefix": "w_b_" }), "can't be told from"),
        (json!({ "name": "b", "prefix": "w" }), "can't be told from"),
        (json!({ "name": "b", "prefix": "crm_" }), "the built-in tool crm_"),
        (json!({ "name": "b", "prefix": "" }), "prefix: must be"),
        (json!({ "name": "b", "prefix": "b b" }), "prefix: must be"),
        (json!({ "name": "b", "url": "npx server" }), "url: must"),
        (json!({ "name": "b", "url": "http://127.0.0.1:8080/mcp" }), "public host"),
        (json!({ "name": "b", "url": "https://me:pw@mcp.example.com/" }), "no user name"),
        (json!({ "name": "b", "url": "https://mcp.example.com/?token=ghp_0123456789" }), "credential_set"),
        (json!({ "name": "b", "headers": { "Authorization": format!("Bearer {secret}") } }), "credential_set"),
        (json!({ "name": "b", "headers": { "X-Api-Key": secret } }), "credential_set"),
        (json!({ "name": "b", "headers": { "X-Other": format!("bearer {secret}") } }), "credential_set"),
        (json!({ "name": "b", "headers": { "Host": "other" } }), "can't be set"),
        (json!({ "name": "b", "headers": { "Mcp-Session-Id": "1" } }), "can't be set"),
        (json!({ "name": "b", "headers": { "X-A": "1\r\nX-B: 2" } }), "visible ASCII"),
        (json!({ "name": "b", "headers": { "X A": "1" } }), "no name of a header"),
        (json!({ "name": "b", "headers": { "X-A": "${env:PATH}" } }), "is not known"),
        (json!({ "name": "b", "isolation": "shared" }), "isolation"),
        (json!({ "name": "b", "audience": "https://elsewhere.example.com" }), "must not be good elsewhere"),
        (
            json!({ "name": "b", "audience": "https://mcp.example.com", "headers": { "Authorization": "${credential:a}" } }),
            "give one of them",
        ),
        (json!({ "name": "b", "authorization": { "client_id": "x", "client_secret": secret } }), "credential_set"),
        (json!({ "name": "b", "authorization": {}, "isolation": "tenant" }), "per_tenant"),
        (json!({ "name": "b", "command": ["sh"] }), "unknown field"),
    ] {
        let mut arguments = change.clone();
        arguments["url"] = change.get("url").cloned().unwrap_or_else(|| json!("https://mcp.example.com/mcp"));
        let call = json!({ "name": "upstream_add", "arguments": arguments });
        let answer = ann.result("tools/call", call).await;
        let text = answer["content"][0]["text"].as_str().expect("a text");
        assert!(answer["isError"] == true && text.contains(why), "{change}: {text}");
        assert!(!text.contains(secret), "{text}");
    }
    let listed = ann.tool("upstream_list", json!({})).await;
    assert_eq!(names(&listed), ["wiki"], "nothing of it was done");
    server.stop().await;
}

#[tokio::test]
async fn there_is_room_for_so_many_and_private_ones_where_that_is_set() {
    let server = TestServer::with(|options| {
        options.own_upstreams.max_per_tenant = 2;
        options.own_upstreams.allow_private = true;
    })
    .await;
    let mut ann = server.sign_up("ann").await;
    for name in ["one", "two"] {
        add(&mut ann, json!({ "name": name, "url": "http://127.0.0.1:9/mcp" })).await;
    }
    let refusal = ann.refused("upstream_add", json!({ "name": "three", "url": "https://mcp.example.com" })).await;
    assert_eq!(refusal.code, "limit", "{}", refusal.text);
    ann.tool("upstream_remove", json!({ "name": "one" })).await;
    add(&mut ann, json!({ "name": "three", "authorization": { "scopes": ["read"] } })).await;
    server.stop().await;
}
