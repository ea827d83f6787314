//! A role that changes takes effect on open connections, at once.

use crate::support::{Client, TestServer};
use serde_json::{Value, json};
use sessile::wire::Era;

const TOOLS: &str = "notifications/tools/list_changed";

async fn user_id(client: &mut Client) -> Value {
    client.tool("auth_whoami", json!({})).await["user"]["id"].clone()
}

fn has(heard: &[Value], method: &str) -> bool {
    heard.iter().any(|message| message["method"] == method)
}

async fn tools(client: &mut Client) -> Vec<String> {
    let listed = client.result("tools/list", json!({})).await;
    let name = |tool: &Value| tool["name"].as_str().expect("a tool has a name").to_owned();
    listed["tools"].as_array().expect("a list").iter().map(name).collect()
}

#[tokio::test]
async fn another_role_is_in_force_with_the_answer_that_says_so() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let mut bob = server.join(&mut ann, "bob", "viewer").await;
    let bobs_id = user_id(&mut bob).await;
    let company = || json!({ "name": "Pine" });
    let as_viewer = tools(&mut bob).await;

    for (role, may_write, may_invite) in
        [("member", true, false), ("admin", true, true), ("viewer", false, false), ("owner", true, true)]
    {
        ann.tool("tenant_set_role", json!({ "user_id": bobs_id, "role": role })).await;
        let written = bob.result("tools/call", json!({ "name": "crm_company_create", "arguments": company() })).await;
        assert_eq!(written["isError"] != true, may_write, "as {role}: {written}");
        let invited = bob.result("tools/call", json!({ "name": "tenant_invite", "arguments": {} })).await;
        assert_eq!(invited["isError"] != true, may_invite, "as {role}: {invited}");
        assert!(has(&bob.all_heard().await, TOOLS), "as {role}");
        assert_eq!(tools(&mut bob).await == as_viewer, role == "viewer", "as {role}");
        assert_eq!(bob.tool("auth_whoami", json!({})).await["role"], role);
    }
    ann.expect_silence().await;
}

#[tokio::test]
async fn an_idle_client_hears_of_its_new_role() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let mut bob = server.join(&mut ann, "bob", "viewer").await;
    let bobs_id = user_id(&mut bob).await;
    let mut modern = server.connect_in(Era::Modern).await;
    modern.sign_in("bob").await;
    modern.send("subscriptions/listen", json!({ "notifications": { "toolsListChanged": true } })).await;
    modern.next().await;

    ann.tool("tenant_set_role", json!({ "user_id": bobs_id, "role": "admin" })).await;
    // They say nothing themselves, and are told all the same.
    bob.notification(TOOLS).await;
    modern.notification(TOOLS).await;
}

#[tokio::test]
async fn a_member_who_is_removed_is_closed_with_4006_in_that_tenant_alone() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let mut bob = server.join(&mut ann, "bob", "admin").await;
    let bobs_id = user_id(&mut bob).await;
    let mut bob_at_home = server.sign_in("bob").await;
    bob_at_home.tool("tenant_switch", json!({ "to": "bob's" })).await;
    bob_at_home.forget().await;

    assert_eq!(ann.tool("tenant_remove_member", json!({ "user_id": bobs_id })).await, json!({ "removed": true }));
    assert_eq!(bob.closed().await, (4006, "membership-ended".to_owned()));
    assert_eq!(bob_at_home.tool("auth_whoami", json!({})).await["role"], "owner");
    let refusal = bob_at_home.refused("tenant_switch", json!({ "to": "ann's" })).await;
    assert_eq!(refusal.code, "not_found");
    // He signs in to what is left to him.
    assert_eq!(server.connect().await.sign_in("bob").await["tenant"]["name"], "bob's");
}

#[tokio::test]
async fn a_call_that_comes_with_the_removal_is_not_served() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    for round in 0..5 {
        let name = format!("bob{round}");
        let mut bob = server.join(&mut ann, &name, "member").await;
        let bobs_id = user_id(&mut bob).await;
        ann.tool("tenant_remove_member", json!({ "user_id": bobs_id })).await;
        bob.send_or_lost("tools/call", json!({ "name": "crm_company_create", "arguments": { "name": name } })).await;
        assert_eq!(bob.closed().await.0, 4006);
        let answers: Vec<_> = bob.heard().into_iter().filter(|message| message.get("result").is_some()).collect();
        assert!(answers.iter().all(|answer| answer["result"]["isError"] == true), "{answers:?}");
    }
    assert_eq!(ann.tool("crm_company_list", json!({})).await["items"], json!([]));
}

#[tokio::test]
async fn the_last_owner_stays() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let anns_id = user_id(&mut ann).await;
    for (tool, arguments) in [
        ("tenant_set_role", json!({ "user_id": anns_id, "role": "viewer" })),
        ("tenant_remove_member", json!({ "user_id": anns_id })),
    ] {
        assert_eq!(ann.refused(tool, arguments).await.code, "not_allowed", "{tool}");
    }
    // With a second one, both may try to leave at once, and one of them stays.
    for round in 0..5 {
        let name = format!("bob{round}");
        let mut bob = server.join(&mut ann, &name, "owner").await;
        let bobs_id = user_id(&mut bob).await;
        let down = |id: &Value| json!({ "user_id": id, "role": "admin" });
        let hers = ann.send_call("tenant_set_role", down(&anns_id)).await;
        let his = bob.send_call("tenant_set_role", down(&bobs_id)).await;
        let (hers, his) = (ann.response(&hers).await, bob.response(&his).await);
        let stayed = [&hers, &his].map(|answer| answer["result"]["isError"] == true);
        assert_ne!(stayed[0], stayed[1], "{hers}\n{his}");
        if !stayed[0] {
            bob.tool("tenant_set_role", json!({ "user_id": anns_id, "role": "owner" })).await;
        }
        ann.tool("tenant_remove_member", json!({ "user_id": bobs_id })).await;
    }
}

#[tokio::test]
async fn admins_do_not_touch_owners_and_make_none() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let anns_id = user_id(&mut ann).await;
    let mut bob = server.join(&mut ann, "bob", "admin").await;
    let bobs_id = user_id(&mut bob).await;
    for (tool, arguments) in [
        ("tenant_set_role", json!({ "user_id": anns_id, "role": "viewer" })),
        ("tenant_set_role", json!({ "user_id": bobs_id, "role": "owner" })),
        ("tenant_remove_member", json!({ "user_id": anns_id })),
        ("tenant_invite", json!({ "role": "owner" })),
    ] {
        assert_eq!(bob.refused(tool, arguments.clone()).await.code, "not_allowed", "{tool} {arguments}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_that_changes_while_calls_come_in_is_never_a_fault() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let mut bob = server.join(&mut ann, "bob", "member").await;
    let bobs_id = user_id(&mut bob).await;
    let changing = tokio::spawn(async move {
        for round in 0..600 {
            let role = ["viewer", "member"][round % 2];
            ann.tool("tenant_set_role", json!({ "user_id": bobs_id, "role": role })).await;
        }
    });
    while !changing.is_finished() {
        let mut sent = Vec::new();
        for _ in 0..20 {
            sent.push(bob.send_call("tenant_members", json!({})).await);
            sent.push(bob.send("resources/list", json!({})).await);
        }
        for id in sent {
            let answer = bob.response(&id).await;
            // He may do this in either role, so the one thing that can be in the way is a fault.
            assert!(answer["result"]["isError"] != true && answer.get("error").is_none(), "{answer}");
        }
        bob.heard();
    }
    changing.await.expect("the changes are made");
}
