//! The audit log has what was done about people and sessions, for the tenant's admins alone.

use crate::support::{Client, PASSWORD, TestServer, email};
use serde_json::{Value, json};

/// Action, actor and detail of all entries, oldest first.
async fn log(client: &mut Client, arguments: Value) -> Vec<(String, String, String)> {
    let mut all = Vec::new();
    let mut arguments = arguments;
    loop {
        let page = client.tool("tenant_audit_log", arguments.clone()).await;
        for entry in page["entries"].as_array().expect("a list") {
            let text = |member: &str| entry[member].as_str().unwrap_or_default().to_owned();
            all.push((text("action"), text("actor"), text("detail")));
        }
        match page.get("next_cursor") {
            Some(cursor) => arguments["cursor"] = cursor.clone(),
            None => break,
        }
    }
    all.reverse();
    all
}

#[tokio::test]
async fn each_of_these_is_an_entry() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let mut bob = server.join(&mut ann, "bob", "member").await;
    let mut second = server.sign_in("bob").await;
    bob.refused("auth_sign_in", json!({ "email": email("bob"), "password": "a wrong guess" })).await;
    let change = |current: &str| json!({ "current_password": current, "new_password": "another long one" });
    bob.refused("auth_change_password", change("a wrong guess")).await;
    let seconds_id = second.tool("auth_whoami", json!({})).await["session_id"].clone();
    bob.tool("auth_end_session", json!({ "session_id": seconds_id })).await;
    bob.tool("auth_change_password", change(PASSWORD)).await;
    let me = bob.tool("auth_whoami", json!({})).await;
    ann.tool("tenant_set_role", json!({ "user_id": me["user"]["id"], "role": "admin" })).await;
    bob.tool("tenant_switch", json!({ "to": "bob's" })).await;
    bob.tool("tenant_switch", json!({ "to": "ann's" })).await;
    ann.tool("tenant_end_session", json!({ "session_id": me["session_id"] })).await;
    ann.tool("tenant_remove_member", json!({ "user_id": me["user"]["id"] })).await;
    ann.tool("auth_sign_out", json!({})).await;
    ann.sign_in("ann").await;

    let entries = log(&mut ann, json!({ "limit": 4 })).await;
    let seen: Vec<_> = entries.iter().map(|(action, actor, _)| (action.as_str(), actor.as_str())).collect();
    let (a, b) = ("ann@example.com", "bob@example.com");
    assert_eq!(
        seen,
        [
            ("auth.sign_up", a),
            ("auth.sign_in", a),
            ("tenant.invite", a),
            ("tenant.join", b),
            ("tenant.switch", b),
            ("auth.sign_in", b),
            ("auth.sign_in_failed", b),
            ("auth.change_password_failed", b),
            ("auth.end_session", b),
            ("auth.change_password", b),
            ("tenant.set_role", a),
            ("tenant.switch", b),
            ("tenant.end_session", a),
            ("tenant.remove_member", a),
            ("auth.sign_out", a),
            ("auth.sign_in", a),
        ]
    );
    let detail = |action: &str| &entries.iter().find(|entry| entry.0 == action).expect(action).2;
    assert!(detail("auth.sign_in_failed").contains("127.0.0.1"), "it says from where");
    assert!(detail("tenant.set_role").contains("from member to admin"), "{}", detail("tenant.set_role"));
    assert!(entries.iter().all(|(_, _, detail)| !detail.contains("guess") && !detail.contains(PASSWORD)));

    let only: Vec<_> = log(&mut ann, json!({ "action": "tenant." })).await.into_iter().map(|entry| entry.0).collect();
    assert!(only.iter().all(|action| action.starts_with("tenant.")) && only.len() == 7, "{only:?}");
    assert_eq!(log(&mut ann, json!({ "action": "auth.sign_out" })).await.len(), 1);
}

#[tokio::test]
async fn what_happens_in_one_tenant_is_not_in_anothers_log() {
    let server = TestServer::start().await;
    let (mut ann, mut eve) = (server.sign_up("ann").await, server.sign_up("eve").await);
    ann.tool("tenant_invite", json!({})).await;
    let actors: Vec<_> = log(&mut eve, json!({})).await.into_iter().map(|entry| entry.1).collect();
    assert!(actors.iter().all(|actor| actor == "eve@example.com"), "{actors:?}");
}

#[tokio::test]
async fn what_is_done_with_a_key_names_the_key() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let made = ann.tool("auth_create_api_key", json!({ "name": "nightly export", "role": "owner" })).await;
    let mut script = server.connect_by(made["key"].as_str().expect("a key")).await;
    script.tool("tenant_invite", json!({ "role": "viewer" })).await;
    ann.tool("tenant_invite", json!({ "role": "viewer" })).await;
    // The last thing that it does is to revoke itself.
    script.tool("auth_revoke_api_key", json!({ "key_id": made["id"] })).await;
    assert_eq!(script.closed().await, (4007, "credential-revoked".to_owned()));
    let actors = |entries: Vec<(String, String, String)>| entries.into_iter().map(|entry| entry.1).collect::<Vec<_>>();
    let by_key = "ann@example.com (key nightly export)";
    let invited = actors(log(&mut ann, json!({ "action": "tenant.invite" })).await);
    assert_eq!(invited, [by_key, "ann@example.com"]);
    assert_eq!(actors(log(&mut ann, json!({ "action": "auth.revoke_api_key" })).await), [by_key]);
    assert_eq!(actors(log(&mut ann, json!({ "action": "auth.create_api_key" })).await), ["ann@example.com"]);
}

#[tokio::test]
async fn a_sign_in_for_which_there_is_no_room_is_none() {
    let server = TestServer::with(|options| options.sessions.max_sessions_per_user = 1).await;
    let mut ann = server.sign_up("ann").await;
    let before = log(&mut ann, json!({})).await;
    let mut second = server.connect().await;
    let sign_in = json!({ "email": email("ann"), "password": PASSWORD });
    assert_eq!(second.refused("auth_sign_in", sign_in.clone()).await.code, "limit");
    assert_eq!(log(&mut ann, json!({})).await, before);
    ann.tool("auth_sign_out", json!({})).await;
    second.tool("auth_sign_in", sign_in).await;
    let after: Vec<_> = log(&mut second, json!({})).await.into_iter().skip(before.len()).map(|entry| entry.0).collect();
    assert_eq!(after, ["auth.sign_out", "auth.sign_in"]);
}
