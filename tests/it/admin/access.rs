//! Suspending, disabling, ending sessions and new passwords, while clients are connected.

use crate::support::{Client, PASSWORD, TestServer, email};
use serde_json::{Value, json};

/// The id of the tenant that a client works in.
async fn tenant(client: &mut Client) -> String {
    let whoami = client.tool("auth_whoami", json!({})).await;
    whoami["tenant"]["id"].as_str().expect("an id").to_owned()
}

/// Checks that whoever is connected gets no further: the session ends, with this name.
async fn is_out(client: &mut Client, reason: &str) {
    client.send_or_lost("tools/call", json!({ "name": "crm_contact_list", "arguments": {} })).await;
    assert_eq!(client.closed().await.1, reason);
    let answers: Vec<_> = client.heard().into_iter().filter(|message| message.get("result").is_some()).collect();
    assert!(answers.iter().all(|answer| answer["result"]["isError"] == true), "{answers:?}");
}

fn credentials(name: &str) -> Value {
    json!({ "email": email(name), "password": PASSWORD })
}

#[tokio::test]
async fn a_suspended_tenant_lets_nobody_in_until_it_is_resumed() {
    let server = TestServer::start().await;
    let (mut ann, mut eve) = (server.sign_up("ann").await, server.sign_up("eve").await);
    let mut bob = server.join(&mut ann, "bob", "member").await;
    let id = tenant(&mut ann).await;
    let said = server.admin(&["tenants", "suspend", &id]).await.done();
    assert!(said.contains("ann's") && said.contains(&id), "{said}");
    is_out(&mut ann, "tenant-suspended").await;
    is_out(&mut bob, "tenant-suspended").await;
    eve.tool("crm_contact_list", json!({})).await;
    let listed = server.admin(&["tenants", "list", "--json"]).await.json();
    let suspended: Vec<_> =
        listed.as_array().expect("a list").iter().map(|one| one["suspended_at"].is_string()).collect();
    assert_eq!(suspended.iter().filter(|is| **is).count(), 1, "{listed}");

    assert_eq!(server.connect().await.refused("auth_sign_in", credentials("ann")).await.code, "not_allowed");
    // Who is a member elsewhere gets in there.
    let identity = server.connect().await.tool("auth_sign_in", credentials("bob")).await;
    assert_ne!(identity["tenant"]["id"], json!(id));

    server.admin(&["tenants", "resume", &id]).await.done();
    let mut ann = server.sign_in("ann").await;
    let log = ann.tool("tenant_audit_log", json!({ "action": "admin." })).await;
    let told: Vec<_> =
        log["entries"].as_array().expect("a list").iter().map(|one| (&one["action"], &one["actor"])).collect();
    let by = json!("sessile admin");
    assert_eq!(told, [(&json!("admin.resume_tenant"), &by), (&json!("admin.suspend_tenant"), &by)]);
}

#[tokio::test]
async fn a_disabled_user_gets_in_nowhere_until_they_are_enabled() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let mut bob = server.join(&mut ann, "bob", "member").await;
    let mut bob_at_home = server.sign_in("bob").await;
    server.admin(&["users", "disable", "BOB@example.com"]).await.done();
    is_out(&mut bob, "account-disabled").await;
    is_out(&mut bob_at_home, "account-disabled").await;
    ann.tool("crm_contact_list", json!({})).await;
    assert_eq!(server.connect().await.refused("auth_sign_in", credentials("bob")).await.code, "not_allowed");
    let wrong = json!({ "email": email("bob"), "password": "a wrong guess" });
    assert_eq!(server.connect().await.refused("auth_sign_in", wrong).await.code, "invalid_credentials");
    server.admin(&["users", "enable", &email("bob")]).await.done();
    drop(server.sign_in("bob").await);
}

#[tokio::test]
async fn ending_sessions_closes_them_and_lets_people_come_back() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let mut bob = server.join(&mut ann, "bob", "member").await;
    let mut bob_at_home = server.connect().await;
    bob_at_home.sign_in("bob").await;
    bob_at_home.tool("tenant_switch", json!({ "to": "bob's" })).await;
    bob_at_home.forget().await;
    let id = tenant(&mut ann).await;
    server.admin(&["sessions", "end", "--tenant", &id]).await.done();
    assert_eq!(ann.closed().await, (4004, "session-ended".to_owned()));
    assert_eq!(bob.closed().await, (4004, "session-ended".to_owned()));
    bob_at_home.tool("crm_contact_list", json!({})).await;
    let mut ann = server.sign_in("ann").await;
    server.admin(&["sessions", "end", "--user", &email("bob")]).await.done();
    assert_eq!(bob_at_home.closed().await.0, 4004);
    ann.tool("crm_contact_list", json!({})).await;
    drop(server.sign_in("bob").await);
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_with_a_code_that_works_once() {
    let server = TestServer::start().await;
    let mut before = server.sign_up("ann").await;
    let first = server.admin(&["users", "reset-password", &email("ann"), "--json"]).await.json();
    let second = server.admin(&["users", "reset-password", &email("ann"), "--json"]).await.json();
    assert!(second["code"].as_str().is_some_and(|code| code.starts_with("sessile_reset_")), "{second}");
    before.tool("crm_contact_list", json!({})).await;

    let mut client = server.connect().await;
    let reset = |code: &Value, password: &str| json!({ "code": code, "new_password": password });
    let replaced = client.refused("auth_reset_password", reset(&first["code"], "another good one")).await;
    assert_eq!(replaced.code, "invalid_credentials", "{}", replaced.text);
    client.tool("auth_reset_password", reset(&second["code"], "another good one")).await;
    assert_eq!(client.tool("auth_whoami", json!({})).await["signed_in"], false, "it signs nobody in");
    assert_eq!(before.closed().await, (4005, "password-changed".to_owned()));
    let used = client.refused("auth_reset_password", reset(&second["code"], "yet another one")).await;
    assert_eq!(used, replaced);

    assert_eq!(client.refused("auth_sign_in", credentials("ann")).await.code, "invalid_credentials");
    client.tool("auth_sign_in", json!({ "email": email("ann"), "password": "another good one" })).await;
    let log = client.tool("tenant_audit_log", json!({})).await;
    let actions: Vec<_> = log["entries"].as_array().expect("a list").iter().map(|one| one["action"].clone()).collect();
    for action in ["auth.reset_password", "admin.reset_password"] {
        assert!(actions.contains(&json!(action)), "{actions:?}");
    }
}

#[tokio::test]
async fn guessing_codes_is_slowed_down() {
    let server = TestServer::with(|options| options.throttle.free_failures = 1).await;
    let mut client = server.connect().await;
    for guess in 0..10 {
        let guess = json!({ "code": format!("sessile_reset_{guess}"), "new_password": "a good long one" });
        assert_eq!(client.refused("auth_reset_password", guess).await.code, "invalid_credentials");
    }
    let guess = json!({ "code": "sessile_reset_x", "new_password": "a good long one" });
    assert_eq!(client.refused("auth_reset_password", guess).await.code, "too_many_attempts");
}

#[tokio::test]
async fn an_owner_without_an_account_gets_one_with_a_code() {
    let server = TestServer::start().await;
    drop(server.sign_up("ann").await);
    let there = server.admin(&["tenants", "create", "Weald", "--owner", &email("ann"), "--json"]).await.json();
    assert_eq!(there["code"], Value::Null, "she has a password: {there}");
    let made = server.admin(&["tenants", "create", "Down", "--owner", "new@example.com", "--json"]).await.json();
    let mut client = server.connect().await;
    let nothing_yet = client.refused("auth_sign_in", credentials("new")).await;
    assert_eq!(nothing_yet.code, "invalid_credentials");
    client.tool("auth_reset_password", json!({ "code": made["code"], "new_password": PASSWORD })).await;
    let identity = client.tool("auth_sign_in", credentials("new")).await;
    assert_eq!((&identity["tenant"]["name"], &identity["role"]), (&json!("Down"), &json!("owner")));
    for (name, owner) in [("", "ann@example.com"), ("Weald", "ann")] {
        server.admin(&["tenants", "create", name, "--owner", owner]).await.refused();
    }
}
