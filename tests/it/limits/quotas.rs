//! How much a tenant may have.

use crate::support::{PASSWORD, TestServer, email};
use rusqlite::Connection;
use serde_json::json;

#[tokio::test]
async fn a_tenant_has_so_many_records_and_no_more() {
    let server = TestServer::with(|options| options.quotas.max_records = 3).await;
    let (mut ann, mut eve) = (server.sign_up("ann").await, server.sign_up("eve").await);
    let company = ann.tool("crm_company_create", json!({ "name": "Pine" })).await;
    ann.tool("crm_contact_create", json!({ "name": "Nora", "company_id": company["id"] })).await;
    let too_many = json!({ "csv": "name,email\nA,a@example.com\nB,b@example.com\n" });
    let refusal = ann.refused("crm_import_contacts", too_many).await;
    assert_eq!(refusal.code, "limit", "{}", refusal.text);
    assert!(refusal.text.contains("3 records"), "{}", refusal.text);
    ann.tool("crm_import_contacts", json!({ "csv": "name,email\nA,a@example.com\n" })).await;
    for (kind, arguments) in
        [("deal", json!({ "name": "Boats" })), ("activity", json!({ "kind": "note", "subject": "Met" }))]
    {
        let refusal = ann.refused(&format!("crm_{kind}_create"), arguments.clone()).await;
        assert_eq!(refusal.code, "limit", "{kind}");
        // It is about the one tenant.
        eve.tool(&format!("crm_{kind}_create"), arguments).await;
    }
    // What is there can be changed, and what goes makes room.
    ann.tool("crm_company_update", json!({ "id": company["id"], "version": 1, "name": "Spruce" })).await;
    ann.tool("crm_company_delete", json!({ "id": company["id"] })).await;
    ann.tool("crm_deal_create", json!({ "name": "Boats" })).await;
    assert_eq!(ann.refused("crm_deal_create", json!({ "name": "Boats" })).await.code, "limit");
    let database = Connection::open(server.database()).expect("it opens");
    let mut counts = database.prepare("SELECT record_count FROM tenant ORDER BY name").expect("it is SQL");
    let counts = counts.query_map([], |row| row.get(0)).expect("there are tenants");
    assert_eq!(counts.collect::<Result<Vec<i64>, _>>().expect("counts"), [3, 2]);
    server.admin(&["check"]).await.done();
}

#[tokio::test]
async fn a_tenant_has_so_many_members_and_an_invitation_waits_for_room() {
    let server = TestServer::with(|options| options.quotas.max_members = 2).await;
    let mut ann = server.sign_up("ann").await;
    let mut bob = server.join(&mut ann, "bob", "member").await;
    let invited = ann.tool("tenant_invite", json!({})).await;
    let mut eve = server.sign_up("eve").await;
    let code = json!({ "code": invited["code"] });
    let refusal = eve.refused("tenant_join", code.clone()).await;
    assert_eq!(refusal.code, "limit");
    assert!(refusal.text.contains("2 members"), "{}", refusal.text);
    let bob_is = bob.tool("auth_whoami", json!({})).await;
    ann.tool("tenant_remove_member", json!({ "user_id": bob_is["user"]["id"] })).await;
    eve.tool("tenant_join", code).await;
}

#[tokio::test]
async fn a_tenant_has_so_many_sessions() {
    let server = TestServer::with(|options| options.sessions.max_sessions_per_tenant = 2).await;
    let mut ann = server.sign_up("ann").await;
    let mut bob = server.join(&mut ann, "bob", "member").await;
    let mut another = server.connect().await;
    let credentials = |name: &str| json!({ "email": email(name), "password": PASSWORD });
    let refusal = another.refused("auth_sign_in", credentials("ann")).await;
    assert_eq!(refusal.code, "limit");
    assert!(refusal.text.contains("This tenant"), "{}", refusal.text);
    // Whoever is in may sign in again there, and makes room by going elsewhere.
    ann.sign_in("ann").await;
    bob.tool("tenant_switch", json!({ "to": "bob's" })).await;
    another.sign_in("ann").await;
    let back = bob.refused("tenant_switch", json!({ "to": "ann's" })).await;
    assert_eq!(back.code, "limit");
    assert_eq!(bob.tool("auth_whoami", json!({})).await["tenant"]["name"], "bob's");
    drop((ann, bob, another));
    server.stop().await;
}
