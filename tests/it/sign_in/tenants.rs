//! One user in several tenants: joining, switching, and what is seen from where.

use crate::support::{PASSWORD, TestServer, email};
use serde_json::{Value, json};

fn names(identity: &Value) -> Vec<&str> {
    identity["tenants"].as_array().expect("a list").iter().filter_map(|one| one["name"].as_str()).collect()
}

#[tokio::test]
async fn a_switch_changes_all_that_follows_on_the_connection() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let mut bob = server.join(&mut ann, "bob", "viewer").await;
    ann.tool("crm_company_create", json!({ "name": "Seen by both" })).await;

    let count = |list: Value| list["items"].as_array().map(Vec::len);
    assert_eq!(count(bob.tool("crm_company_list", json!({})).await), Some(1));
    let identity = bob.tool("tenant_switch", json!({ "to": "bob's" })).await;
    assert_eq!((names(&identity), &identity["role"]), (vec!["ann's", "bob's"], &json!("owner")));
    assert_eq!(count(bob.tool("crm_company_list", json!({})).await), Some(0));
    bob.notification("notifications/tools/list_changed").await;
    bob.notification("notifications/resources/list_changed").await;

    // By its id as well; and the next sign-in is to where he was last.
    let id = identity["tenants"][0]["id"].clone();
    assert_eq!(bob.tool("tenant_switch", json!({ "to": id })).await["tenant"]["name"], "ann's");
    assert_eq!(server.connect().await.sign_in("bob").await["tenant"]["name"], "ann's");
}

#[tokio::test]
async fn a_tenant_that_one_is_no_member_of_is_like_one_that_does_not_exist() {
    let server = TestServer::start().await;
    let (mut ann, mut eve) = (server.sign_up("ann").await, server.sign_up("eve").await);
    let eves = eve.tool("auth_whoami", json!({})).await["tenant"]["id"].as_str().expect("an id").to_owned();
    let unknown = "01890000-0000-7000-8000-000000000000";
    let refusal = ann.refused("tenant_switch", json!({ "to": unknown })).await;
    assert_eq!(refusal.code, "not_found");
    for to in [eves.as_str(), "eve's"] {
        let other = ann.refused("tenant_switch", json!({ "to": to })).await;
        assert_eq!((other.code, other.text.replace(to, unknown)), (refusal.code.clone(), refusal.text.clone()));
    }
    assert_eq!(ann.tool("auth_whoami", json!({})).await["tenant"]["name"], "ann's");
}

#[tokio::test]
async fn an_invitation_works_once_and_not_for_who_is_in_already() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let invited = ann.tool("tenant_invite", json!({ "role": "member" })).await;
    let code = json!({ "code": invited["code"] });
    assert_eq!(ann.refused("tenant_join", code.clone()).await.code, "already_exists");
    let mut bob = server.sign_up("bob").await;
    assert_eq!(bob.tool("tenant_join", code.clone()).await["role"], "member");
    let mut eve = server.sign_up("eve").await;
    let used = eve.refused("tenant_join", code).await;
    let wrong = eve.refused("tenant_join", json!({ "code": "sessile_invite_0" })).await;
    assert_eq!((used.code.as_str(), &used), ("not_found", &wrong));
}

#[tokio::test]
async fn an_invitation_is_redeemed_once_by_two_who_try_together() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let (mut bob, mut eve) = (server.sign_up("bob").await, server.sign_up("eve").await);
    for _ in 0..5 {
        let code = json!({ "code": ann.tool("tenant_invite", json!({})).await["code"] });
        let his = bob.send_call("tenant_join", code.clone()).await;
        let hers = eve.send_call("tenant_join", code).await;
        let (his, hers) = (bob.response(&his).await, eve.response(&hers).await);
        let joined = [&his, &hers].map(|answer| answer["result"]["isError"] != true);
        assert_ne!(joined[0], joined[1], "{his}\n{hers}");
        let winner = if joined[0] { &his } else { &hers };
        let id = &winner["result"]["structuredContent"]["user"]["id"];
        ann.tool("tenant_remove_member", json!({ "user_id": id })).await;
        let (gone, name) = if joined[0] { (&mut bob, "bob") } else { (&mut eve, "eve") };
        assert_eq!(gone.closed().await.0, 4006);
        *gone = server.sign_in(name).await;
    }
}

#[tokio::test]
async fn invitations_of_who_was_removed_or_lowered_are_void() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    for (name, change) in [("bob", "tenant_remove_member"), ("rob", "tenant_set_role")] {
        let mut admin = server.join(&mut ann, name, "admin").await;
        let code = admin.tool("tenant_invite", json!({ "role": "admin" })).await["code"].clone();
        let id = admin.tool("auth_whoami", json!({})).await["user"]["id"].clone();
        let mut arguments = json!({ "user_id": id });
        if change == "tenant_set_role" {
            arguments["role"] = json!("member");
        }
        ann.tool(change, arguments).await;
        let mut guest = server.sign_up(&format!("guest-of-{name}")).await;
        assert_eq!(guest.refused("tenant_join", json!({ "code": code })).await.code, "not_found", "{change}");
    }
}

#[tokio::test]
async fn signing_in_as_somebody_else_leaves_nothing_of_the_first() {
    let server = TestServer::start().await;
    let mut client = server.sign_up("ann").await;
    let company = client.tool("crm_company_create", json!({ "name": "Ann's" })).await;
    let uri = format!("crm://companies/{}", company["id"].as_str().expect("an id"));
    client.result("resources/subscribe", json!({ "uri": uri })).await;
    drop(server.sign_up("eve").await);

    client.tool("auth_sign_in", json!({ "email": email("eve"), "password": PASSWORD })).await;
    client.forget().await;
    assert_eq!(client.refused("crm_company_get", json!({ "id": company["id"] })).await.code, "not_found");
    let change = json!({ "id": company["id"], "version": 1, "name": "Ann's still" });
    server.sign_in("ann").await.tool("crm_company_update", change).await;
    client.expect_silence().await;
    let [_, _, users, watched, topics, _] = server.manager().counts();
    assert_eq!((users, watched, topics), (1, 1, 0));
}

#[tokio::test]
async fn who_was_removed_from_their_only_tenant_comes_back_by_an_invitation() {
    let server = TestServer::start().await;
    let (mut ann, mut bob) = (server.sign_up("ann").await, server.sign_up("bob").await);
    let bobs_id = bob.tool("auth_whoami", json!({})).await["user"]["id"].clone();
    let invited = bob.tool("tenant_invite", json!({ "role": "owner" })).await;
    ann.tool("tenant_join", json!({ "code": invited["code"] })).await;
    ann.tool("tenant_remove_member", json!({ "user_id": bobs_id })).await;

    let mut again = server.connect().await;
    let sign_in = json!({ "email": email("bob"), "password": PASSWORD });
    let refusal = again.refused("auth_sign_in", sign_in.clone()).await;
    assert_eq!(refusal.code, "not_allowed");
    assert!(refusal.text.contains("invitation"), "{}", refusal.text);

    let invited = ann.tool("tenant_invite", json!({ "role": "viewer" })).await;
    let with =
        |code: &Value, password: &str| json!({ "email": email("bob"), "password": password, "invitation": code });
    // Neither a wrong password nor a wrong code uses it up.
    assert_eq!(
        again.refused("auth_sign_in", with(&invited["code"], "a wrong guess")).await.code,
        "invalid_credentials"
    );
    assert_eq!(again.refused("auth_sign_in", with(&json!("mistyped"), PASSWORD)).await.code, "not_found");
    let identity = again.tool("auth_sign_in", with(&invited["code"], PASSWORD)).await;
    assert_eq!((&identity["tenant"]["name"], &identity["role"]), (&json!("bob's"), &json!("viewer")));
}
