//! Seeing and ending sessions: one's own, and those of one's tenant.

use crate::support::{Client, TestServer};
use serde_json::{Value, json};

const UNKNOWN: &str = "01890000-0000-7000-8000-000000000000";

async fn session_id(client: &mut Client) -> String {
    client.tool("auth_whoami", json!({})).await["session_id"].as_str().expect("a session has an id").to_owned()
}

fn emails(list: &Value) -> Vec<&str> {
    list["sessions"].as_array().expect("a list").iter().filter_map(|one| one["email"].as_str()).collect()
}

#[tokio::test]
async fn one_sees_ones_own_sessions_and_ends_them_with_4004() {
    let server = TestServer::start().await;
    let mut here = server.sign_up("ann").await;
    let mut there = server.connect().await;
    there.initialize("2025-11-25").await;
    there.sign_in("ann").await;
    drop(server.sign_up("eve").await);

    let list = here.tool("auth_sessions", json!({})).await;
    let (ours, theirs) = (session_id(&mut here).await, session_id(&mut there).await);
    let shown: Vec<_> = list["sessions"].as_array().expect("a list").iter().collect();
    assert_eq!(shown.len(), 2, "{list}");
    let (this, that) = if shown[0]["current"] == true { (shown[0], shown[1]) } else { (shown[1], shown[0]) };
    assert_eq!((&this["id"], &that["id"]), (&json!(ours), &json!(theirs)));
    assert_eq!(
        (&that["current"], &that["client"], &that["address"]),
        (&json!(false), &json!("it 1"), &json!("127.0.0.1"))
    );

    assert_eq!(here.tool("auth_end_session", json!({ "session_id": theirs })).await, json!({ "ended": true }));
    assert_eq!(there.closed().await, (4004, "session-ended".to_owned()));
    drop(there);
    crate::support::until("it is gone", || server.manager().counts()[0] < 3).await;
    assert_eq!(emails(&here.tool("auth_sessions", json!({})).await).len(), 1);
    // One's own can be ended as well; the answer still comes.
    here.tool("auth_end_session", json!({ "session_id": ours })).await;
    assert_eq!(here.closed().await.0, 4004);
}

#[tokio::test]
async fn a_session_that_is_not_ones_own_is_like_one_that_does_not_exist() {
    let server = TestServer::start().await;
    let (mut ann, mut eve) = (server.sign_up("ann").await, server.sign_up("eve").await);
    let mut stranger = server.connect().await;
    let (eves, strangers) = (session_id(&mut eve).await, session_id(&mut stranger).await);
    for tool in ["auth_end_session", "tenant_end_session"] {
        let unknown = ann.refused(tool, json!({ "session_id": UNKNOWN })).await;
        assert_eq!(unknown.code, "not_found");
        for id in [eves.as_str(), &strangers, "nonsense"] {
            let refusal = ann.refused(tool, json!({ "session_id": id })).await;
            assert_eq!(refusal.text.replace(id, UNKNOWN), unknown.text.replace(id, UNKNOWN), "{tool}, {id:?}");
            assert_eq!(refusal.code, unknown.code);
        }
    }
    eve.tool("auth_whoami", json!({})).await;
}

#[tokio::test]
async fn an_admin_sees_and_ends_the_sessions_of_the_tenant_and_no_others() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let mut bob = server.join(&mut ann, "bob", "member").await;
    // Bob also works in a tenant of his own, on another connection.
    let mut bob_at_home = server.sign_in("bob").await;
    bob_at_home.tool("tenant_switch", json!({ "to": "bob's" })).await;
    drop(server.sign_up("eve").await);

    let list = ann.tool("tenant_sessions", json!({})).await;
    let mut shown = emails(&list);
    shown.sort_unstable();
    assert_eq!(shown, ["ann@example.com", "bob@example.com"]);

    let at_home = session_id(&mut bob_at_home).await;
    assert_eq!(ann.refused("tenant_end_session", json!({ "session_id": at_home })).await.code, "not_found");
    let bobs = session_id(&mut bob).await;
    ann.tool("tenant_end_session", json!({ "session_id": bobs })).await;
    assert_eq!(bob.closed().await, (4004, "session-ended".to_owned()));
    bob_at_home.tool("auth_whoami", json!({})).await;
}
