//! API keys: what they open, what they may, and what ends them.

use crate::support::http::upgrade;
use crate::support::{Client, PASSWORD, TestServer};
use serde_json::{Value, json};

async fn key(client: &mut Client, arguments: Value) -> (String, Value) {
    let created = client.tool("auth_create_api_key", arguments).await;
    (created["key"].as_str().expect("a key").to_owned(), created["id"].clone())
}

/// What an upgrade with this key is answered with.
async fn status(server: &TestServer, key: &str) -> u16 {
    let response = upgrade(server.address(), &[("Authorization", &format!("Bearer {key}"))]).await;
    assert!(!format!("{response:?}").contains(key), "it is echoed");
    response.status
}

#[tokio::test]
async fn a_key_opens_a_connection_as_its_owner_with_at_most_its_role() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    for (role, may_write) in [("viewer", false), ("member", true), ("owner", true)] {
        let (key, id) = key(&mut ann, json!({ "name": role, "role": role, "expires_in_days": 3 })).await;
        assert!(key.starts_with("sessile_key_"));
        let mut script = server.connect_by(&key).await;
        let whoami = script.tool("auth_whoami", json!({})).await;
        assert_eq!((&whoami["proof"], &whoami["role"]), (&json!("api_key"), &json!(role)));
        assert_eq!(whoami["user"]["email"], "ann@example.com");
        assert!(whoami["until"].is_string(), "{whoami}");
        let company = json!({ "name": "crm_company_create", "arguments": { "name": "Pine" } });
        let written = script.result("tools/call", company).await;
        assert_eq!(written["isError"] != true, may_write, "{role}: {written}");
        let listed = ann.tool("auth_api_keys", json!({})).await;
        assert_eq!(listed["keys"][0]["id"], id);
        assert!(!listed.to_string().contains(&key), "it is shown once");
        script.close().await;
    }
    let log = ann.tool("tenant_audit_log", json!({ "action": "auth.sign_in" })).await;
    let entries = log["entries"].as_array().expect("a list");
    let details: Vec<_> = entries.iter().filter_map(|entry| entry.get("detail")).collect();
    assert_eq!(details.len(), 3, "{details:?}");
    assert!(details.iter().all(|detail| detail.as_str().expect("a text").contains("API key")), "{details:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_key_is_bound_to_its_tenant_and_manages_no_account() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let mut bob = server.join(&mut ann, "bob", "admin").await;
    let (first, first_id) = key(&mut bob, json!({ "name": "first", "role": "admin" })).await;
    let (_, second_id) = key(&mut bob, json!({ "name": "second" })).await;
    let mut script = server.connect_by(&first).await;
    let mut elsewhere = server.sign_up("eve").await;
    let code = elsewhere.tool("tenant_invite", json!({})).await["code"].clone();
    for (tool, arguments) in [
        ("tenant_switch", json!({ "to": "bob's" })),
        ("tenant_join", json!({ "code": code })),
        ("auth_change_password", json!({ "current_password": PASSWORD, "new_password": "another long one" })),
        ("auth_create_api_key", json!({ "name": "third" })),
        ("auth_revoke_api_key", json!({ "key_id": second_id })),
    ] {
        assert_eq!(script.refused(tool, arguments).await.code, "not_allowed", "{tool}");
    }
    // Nothing of it was done: the code is still good, and so is the other key.
    ann.tool("tenant_join", json!({ "code": code })).await;
    let keys = bob.tool("auth_api_keys", json!({})).await;
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(2));
    // It may give itself up, and learns that it has before it ends.
    assert_eq!(script.tool("auth_revoke_api_key", json!({ "key_id": first_id })).await, json!({ "revoked": true }));
    assert_eq!(script.closed().await, (4007, "credential-revoked".to_owned()));
}

#[tokio::test]
async fn members_see_and_revoke_their_own_and_admins_all() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let mut bob = server.join(&mut ann, "bob", "member").await;
    let (anns, anns_id) = key(&mut ann, json!({ "name": "hers" })).await;
    let (bobs, bobs_id) = key(&mut bob, json!({ "name": "his" })).await;
    assert_eq!(bob.refused("auth_create_api_key", json!({ "name": "x", "role": "admin" })).await.code, "not_allowed");
    assert_eq!(bob.refused("auth_api_keys", json!({ "all": true })).await.code, "not_allowed");
    let ids = |listed: Value| {
        let keys = listed["keys"].as_array().expect("a list").clone();
        keys.into_iter().map(|key| key["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(bob.tool("auth_api_keys", json!({})).await), std::slice::from_ref(&bobs_id));
    let page = ann.tool("auth_api_keys", json!({ "all": true, "limit": 1 })).await;
    let cursor = page["next_cursor"].clone();
    assert_eq!(ids(page), std::slice::from_ref(&bobs_id));
    assert_eq!(
        ids(ann.tool("auth_api_keys", json!({ "all": true, "cursor": cursor })).await),
        std::slice::from_ref(&anns_id)
    );

    let foreign = bob.refused("auth_revoke_api_key", json!({ "key_id": anns_id })).await;
    assert_eq!(foreign.code, "not_found");
    let mut script = server.connect_by(&bobs).await;
    ann.tool("auth_revoke_api_key", json!({ "key_id": bobs_id })).await;
    assert_eq!(script.closed().await.0, 4007);
    assert_eq!([status(&server, &bobs).await, status(&server, &anns).await], [401, 101]);
}

#[tokio::test]
async fn a_key_follows_its_owners_place_in_the_tenant() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let mut bob = server.join(&mut ann, "bob", "admin").await;
    let bobs_id = bob.tool("auth_whoami", json!({})).await["user"]["id"].clone();
    let (key, _) = key(&mut bob, json!({ "name": "his", "role": "admin" })).await;
    let mut script = server.connect_by(&key).await;
    for (role, capped) in [("viewer", "viewer"), ("member", "member"), ("owner", "admin"), ("admin", "admin")] {
        ann.tool("tenant_set_role", json!({ "user_id": bobs_id, "role": role })).await;
        assert_eq!(script.tool("auth_whoami", json!({})).await["role"], capped, "as {role}");
        let company = json!({ "name": "crm_company_create", "arguments": { "name": "Pine" } });
        let written = script.result("tools/call", company).await;
        assert_eq!(written["isError"] != true, capped != "viewer", "as {role}: {written}");
    }
    // A password is another proof: to change it is not to take back the keys.
    bob.tool("auth_change_password", json!({ "current_password": PASSWORD, "new_password": "another long one" })).await;
    script.tool("crm_company_create", json!({ "name": "Pine" })).await;

    ann.tool("tenant_remove_member", json!({ "user_id": bobs_id })).await;
    assert_eq!(script.closed().await.0, 4006);
    assert_eq!(status(&server, &key).await, 401);
}

#[tokio::test]
async fn nobody_gets_in_to_a_suspended_tenant_or_with_a_disabled_account() {
    let server = TestServer::start().await;
    for (number, (close, set, unset)) in [
        (
            (4010, "tenant-suspended"),
            "UPDATE tenant SET suspended_at = 1 WHERE id = $1",
            "UPDATE tenant SET suspended_at = NULL WHERE id = $1",
        ),
        (
            (4009, "account-disabled"),
            "UPDATE app_user SET disabled_at = 1 WHERE id = $1",
            "UPDATE app_user SET disabled_at = NULL WHERE id = $1",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("ann{number}");
        let mut ann = server.sign_up(&name).await;
        let whoami = ann.tool("auth_whoami", json!({})).await;
        let user = &whoami["user"]["id"];
        let id = if number == 0 { &whoami["tenant"]["id"] } else { user };
        let (key, _) = key(&mut ann, json!({ "name": "hers" })).await;
        let token = server.tokens(&mut ann).await["access_token"].as_str().expect("a token").to_owned();
        let mut connections =
            [ann, server.connect_by(&key).await, server.connect_by(&token).await, server.connect_by(&token).await];
        server.administer(set, id, user).await;
        for connection in &mut connections {
            assert_eq!(connection.closed().await, (close.0, close.1.to_owned()));
        }
        assert_eq!([status(&server, &key).await, status(&server, &token).await], [403, 403]);
        let mut again = server.connect().await;
        let arguments = json!({ "email": format!("{name}@example.com"), "password": PASSWORD });
        let refusal = again.refused("auth_sign_in", arguments).await;
        assert_eq!(refusal.code, "not_allowed", "{}", refusal.text);

        server.administer(unset, id, user).await;
        assert_eq!([status(&server, &key).await, status(&server, &token).await], [101, 101]);
        again.sign_in(&name).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn there_are_at_most_fifty_and_their_use_is_noted() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    for number in 0..50 {
        ann.tool("auth_create_api_key", json!({ "name": format!("key {number}") })).await;
    }
    let refusal = ann.refused("auth_create_api_key", json!({ "name": "one more" })).await;
    assert_eq!(refusal.code, "limit");
    let id = ann.tool("auth_api_keys", json!({})).await["keys"][0]["id"].clone();
    ann.tool("auth_revoke_api_key", json!({ "key_id": id })).await;
    let (key, _) = key(&mut ann, json!({ "name": "one more" })).await;
    let last_used = |listed: Value| listed["keys"][0].get("last_used_at").is_some();
    assert!(!last_used(ann.tool("auth_api_keys", json!({})).await));
    server.connect_by(&key).await;
    // The note was handed over before the audit's entry, which the connection waited for.
    assert!(last_used(ann.tool("auth_api_keys", json!({})).await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_written_after_the_answer_to_a_revocation() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    for round in 0..6 {
        let (by_key, id) = key(&mut ann, json!({ "name": "a script" })).await;
        let by_token = server.tokens(&mut ann).await["access_token"].as_str().expect("a token").to_owned();
        let is_key = round % 2 == 0;
        let mut script = server.connect_by(if is_key { &by_key } else { &by_token }).await;
        let principal = server.principal(&mut script).await;
        script.tool("crm_company_create", json!({ "name": "Pine" })).await;
        for _ in 0..40 {
            script.send_call("crm_company_create", json!({ "name": "Pine" })).await;
        }
        if is_key {
            ann.tool("auth_revoke_api_key", json!({ "key_id": id })).await;
        } else {
            assert!(server.manager().strategies().tokens.sign_out(&principal).await.expect("it is ended"));
        }
        let written = ann.tool("crm_export", json!({ "kind": "company" })).await;
        assert_eq!(script.closed_unheard().await.0, 4007);
        assert_eq!(ann.tool("crm_export", json!({ "kind": "company" })).await, written);
    }
}
