//! Connections are lost, and what the host notices of that.

use super::host::{Host, code};
use crate::support::{Gate, Process, TestServer, email, soon, until};
use serde_json::json;

#[tokio::test]
async fn a_cut_connection_is_not_noticed() {
    let (gate, tool) = Gate::new();
    let server = TestServer::with_tools(vec![tool], |_| {}).await;
    let (proxy, mut host) = Host::start_behind_proxy(server.address()).await;
    host.initialize("2025-11-25", json!({})).await;
    host.sign_up("ann").await;
    host.all_heard().await;
    let call = host.send_call("test_wait", json!({})).await;
    gate.entered().await;
    proxy.cut();
    gate.open();
    gate.left().await;
    assert_eq!(host.response(&call).await["result"]["structuredContent"], json!({ "done": true }));
    let made = host.tool("crm_contact_create", json!({ "name": "Bo" })).await;
    for _ in 0..5 {
        proxy.cut();
        let found = host.tool("crm_contact_get", json!({ "id": made["id"] })).await;
        assert_eq!(found["id"], made["id"], "who is signed in is so still");
    }
    let heard = host.all_heard().await;
    assert!(heard.iter().all(|message| message["method"] != "notifications/message"), "{heard:?}");
    assert!(proxy.connections() >= 6);
    let ended = host.leave().await;
    assert!(ended.status.success());
    assert_eq!(ended.said.lines().count(), 1, "it says where it is connected, and no more: {}", ended.said);
    until("the session's end", || server.manager().counts() == [0; 6]).await;
    server.stop().await;
}

#[tokio::test]
async fn after_a_restart_the_host_goes_on_as_the_same_user() {
    let directory = tempfile::tempdir().expect("there is room for a database");
    let server = Process::start(directory.path());
    let (proxy, mut host) = Host::start_behind_proxy(server.address()).await;
    host.initialize("2025-11-25", json!({})).await;
    host.sign_up("ann").await;
    let made = host.tool("crm_contact_create", json!({ "name": "Bo" })).await;
    let uri = format!("crm://contacts/{}", made["id"].as_str().expect("an id"));
    host.request("resources/subscribe", json!({ "uri": uri })).await;
    host.all_heard().await;
    drop(server);
    let server = Process::start(directory.path());
    proxy.lead_to(Some(server.address()));
    let who = host.tool("auth_whoami", json!({})).await;
    assert_eq!(who["user"]["email"], email("ann"), "{who}");
    // What may have changed meanwhile is to be looked at again.
    host.notification("notifications/tools/list_changed").await;
    assert_eq!(host.notification("notifications/resources/updated").await["params"]["uri"], uri);
    // What was subscribed to still is.
    let mut other = server.connect().await;
    other.sign_in("ann").await;
    let change = json!({ "id": made["id"], "version": made["version"], "name": "Bob" });
    other.tool("crm_contact_update", change).await;
    assert_eq!(host.notification("notifications/resources/updated").await["params"]["uri"], uri);
    let ended = host.leave().await;
    assert!(ended.said.contains("again") && ended.said.contains("new session"), "{}", ended.said);
    assert!(ended.rest.iter().all(|message| message.get("id").is_none()), "no answer of its own is passed on");
}

#[tokio::test]
async fn a_modern_stream_is_opened_again_and_the_host_is_not_told_twice() {
    let directory = tempfile::tempdir().expect("there is room for a database");
    let server = Process::start(directory.path());
    let (proxy, mut host) = Host::start_behind_proxy(server.address()).await;
    host.sign_up("ann").await;
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": sessile::wire::MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let filter = json!({ "_meta": meta, "notifications": { "toolsListChanged": true } });
    let stream = host.send("subscriptions/listen", filter).await;
    host.notification("notifications/subscriptions/acknowledged").await;
    drop(server);
    let server = Process::start(directory.path());
    proxy.lead_to(Some(server.address()));
    host.tool("auth_whoami", json!({})).await;
    host.tool("auth_sign_out", json!({})).await;
    // Those for its legacy requests say no stream.
    loop {
        let changed = host.notification("notifications/tools/list_changed").await;
        if changed["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] == stream {
            break;
        }
    }
    let heard = host.all_heard().await;
    let again = "notifications/subscriptions/acknowledged";
    assert!(heard.iter().all(|message| message["method"] != again), "{heard:?}");
    host.leave().await;
}

#[tokio::test]
async fn whoever_signed_out_is_not_signed_in_by_a_lost_connection() {
    let server = TestServer::start().await;
    let (proxy, mut host) = Host::start_behind_proxy(server.address()).await;
    host.sign_up("ann").await;
    host.tool("auth_sign_out", json!({})).await;
    host.all_heard().await;
    proxy.cut();
    assert_eq!(host.tool("auth_whoami", json!({})).await["signed_in"], false);
    host.sign_in("ann").await;
    host.leave().await;
    server.stop().await;
}

#[tokio::test]
async fn a_host_is_told_when_its_user_is_not_signed_in_any_more() {
    let directory = tempfile::tempdir().expect("there is room for a database");
    let server = Process::start(directory.path());
    let (proxy, mut host) = Host::start_behind_proxy(server.address()).await;
    host.initialize("2025-11-25", json!({})).await;
    host.sign_up("ann").await;
    host.all_heard().await;
    drop(server);
    // Another server, which knows nobody.
    let elsewhere = tempfile::tempdir().expect("there is room for a database");
    let server = Process::start(elsewhere.path());
    proxy.lead_to(Some(server.address()));
    assert_eq!(host.tool("auth_whoami", json!({})).await["signed_in"], false);
    let told = soon("the news", host.notification("notifications/message")).await;
    assert!(told["params"]["data"].as_str().expect("a text").contains("sign in again"), "{told}");
    let refused = host.send_call("crm_contact_list", json!({})).await;
    assert_eq!(code(&host.response(&refused).await), Some("not_signed_in"));
    host.leave().await;
}
