//! Upstreams that a tenant has added, and credentials.

use super::stage::{failure, gateway, nasty, pid, said, shows, tools};
use crate::support::TestServer;
use serde_json::json;
use sessile::tools::{Access, Output, Tool};
use sessile::wire::Era;

/// A server with one tool, to be an upstream.
async fn greeter() -> TestServer {
    let greet = Tool::raw("greet", Access::Anyone, json!({ "type": "object" }), |_, _| async {
        Ok(Output::text("hello".to_owned()))
    });
    TestServer::with_tools(vec![greet], |_| {}).await
}

#[tokio::test]
async fn what_a_tenant_adds_works_for_that_tenant_alone() {
    let upstream = greeter().await;
    let server = TestServer::with(|options| options.own_upstreams.allow_private = true).await;
    let mut ann = server.sign_up("ann").await;
    let mut bob = server.join(&mut ann, "bob", "member").await;
    let mut eve = server.sign_up("eve").await;
    for client in [&mut ann, &mut bob, &mut eve] {
        assert!(!shows(client, "far_").await);
        client.forget().await;
    }
    let url = format!("http://{}/mcp", upstream.address());
    ann.tool("upstream_add", json!({ "name": "far", "url": url })).await;
    for client in [&mut ann, &mut bob] {
        client.notification("notifications/tools/list_changed").await;
        let names = tools(client).await;
        assert!(names.contains(&"far_greet".to_owned()), "{names:?}");
        assert_eq!(said(client, "far_greet", json!({})).await, "hello");
    }
    eve.expect_silence().await;
    assert!(!shows(&mut eve, "far_").await);
    let error = eve.error("tools/call", json!({ "name": "far_greet", "arguments": {} })).await;
    assert_eq!(error["message"], "Unknown tool: far_greet. tools/list names those there are.");
    // Others may have one of that name; it is another one.
    eve.tool("upstream_add", json!({ "name": "far", "url": "http://127.0.0.1:9/mcp" })).await;
    let why = failure(&mut eve, "far_greet", json!({})).await;
    assert!(why.starts_with("The upstream far could not be reached"), "{why}");
    assert_eq!(said(&mut ann, "far_greet", json!({})).await, "hello");

    ann.forget().await;
    ann.tool("upstream_remove", json!({ "name": "far" })).await;
    ann.notification("notifications/tools/list_changed").await;
    assert!(!shows(&mut ann, "far_").await);
    ann.error("tools/call", json!({ "name": "far_greet", "arguments": {} })).await;
    crate::support::until("the upstream's sessions to end", || upstream.manager().counts()[0] == 0).await;
    drop((ann, bob, eve));
    server.stop().await;
    upstream.stop().await;
}

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_refused_when_it_is_called() {
    let upstream = greeter().await;
    let directory = tempfile::tempdir().expect("there is room for a database");
    let database = format!("sqlite:{}", directory.path().join("sessile.db").display());
    let url = format!("http://localhost:{}/mcp", upstream.address().port());
    for private in [true, false] {
        let server = TestServer::with(|options| {
            options.own_upstreams.allow_private = private;
            options.store.url.clone_from(&database);
        })
        .await;
        let mut ann = server.connect_in(Era::Modern).await;
        if private {
            ann.sign_up("ann").await;
            ann.tool("upstream_add", json!({ "name": "far", "url": url })).await;
            assert_eq!(said(&mut ann, "far_greet", json!({})).await, "hello");
        } else {
            ann.sign_in("ann").await;
            let why = failure(&mut ann, "far_greet", json!({})).await;
            assert!(
                why.starts_with("The upstream far could not be reached") && why.contains("public address"),
                "{why}"
            );
            assert!(!shows(&mut ann, "far_").await);
        }
        ann.close().await;
        server.stop().await;
    }
    upstream.stop().await;
}

#[tokio::test]
async fn credentials_reach_their_own_tenants_children_alone() {
    let server = gateway(&[nasty("one", "env = { TOKEN = \"Bearer ${credential:token}\", PLAIN = \"x\" }")]).await;
    let mut ann = server.sign_up("ann").await;
    let mut eve = server.sign_up_in(Era::Modern, "eve").await;
    // More often than a failure may happen by accident: it is none of the upstream's.
    for _ in 0..5 {
        let why = failure(&mut ann, "one_env", json!({ "name": "TOKEN" })).await;
        assert!(why.starts_with("The upstream one can't be called") && why.contains("token"), "{why}");
        assert!(why.contains("credential_set"), "it says what to do: {why}");
    }
    ann.tool("credential_set", json!({ "name": "token", "value": "anns-secret" })).await;
    assert_eq!(said(&mut ann, "one_env", json!({ "name": "TOKEN" })).await, "Bearer anns-secret");
    let first = pid(&mut ann, "one").await;
    failure(&mut eve, "one_env", json!({ "name": "TOKEN" })).await;
    eve.tool("credential_set", json!({ "name": "token", "value": "eves-secret" })).await;
    let all = said(&mut eve, "one_env", json!({})).await;
    assert!(all.contains("Bearer eves-secret") && !all.contains("anns-secret"), "{all}");
    for ours in ["SESSILE_MASTER_KEY", "CARGO"] {
        assert!(!all.contains(&format!("\"{ours}")), "{ours} is the server's own: {all}");
    }
    assert_eq!(pid(&mut ann, "one").await, first, "another tenant's credential is nothing to it");

    ann.tool("credential_set", json!({ "name": "token", "value": "another" })).await;
    assert_eq!(said(&mut ann, "one_env", json!({ "name": "TOKEN" })).await, "Bearer another");
    super::stage::gone(&[first]).await;
    ann.tool("credential_remove", json!({ "name": "token" })).await;
    let why = failure(&mut ann, "one_echo", json!({})).await;
    assert!(why.contains("can't be called"), "{why}");
    drop((ann, eve));
    server.stop().await;
}

#[tokio::test]
async fn another_credential_is_tried_at_once_however_often_the_one_before_was_refused() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/children/nasty.py");
    let picky = "[ \"$TOKEN\" = good ] || { echo 'a wrong token' >&2; exit 3; }; exec python3 \"$0\"";
    let command = json!(["sh", "-c", picky, script]);
    let server =
        gateway(&[format!("[upstream.one]\ncommand = {command}\nenv = {{ TOKEN = \"${{credential:token}}\" }}\n")])
            .await;
    let mut ann = server.sign_up("ann").await;
    ann.tool("credential_set", json!({ "name": "token", "value": "bad" })).await;
    crate::support::soon("it to rest", async {
        while !failure(&mut ann, "one_echo", json!({})).await.contains("is not tried again") {}
    })
    .await;
    let why = failure(&mut ann, "one_echo", json!({})).await;
    assert!(why.contains("a wrong token") && !why.contains("bad"), "{why}");
    ann.tool("credential_set", json!({ "name": "token", "value": "good" })).await;
    assert_eq!(said(&mut ann, "one_echo", json!({ "text": "well" })).await, "well");
    ann.close().await;
    server.stop().await;
}
