//! Records as resources: reading, listing and watching them, within the tenant.

use crate::support::{Client, TestServer, Way};
use serde_json::{Value, json};
use sessile::wire::Era;

const UPDATED: &str = "notifications/resources/updated";
const LIST_CHANGED: &str = "notifications/resources/list_changed";

/// Makes a contact, and gives its id and URI.
async fn contact(client: &mut Client, name: &str) -> (String, String) {
    let record = client.tool("crm_contact_create", json!({ "name": name })).await;
    let id = record["id"].as_str().expect("a record has an id").to_owned();
    let uri = format!("crm://contacts/{id}");
    client.forget().await;
    (id, uri)
}

async fn rename(client: &mut Client, id: &str, version: i64) {
    let change = json!({ "id": id, "version": version, "name": format!("Version {version}") });
    client.tool("crm_contact_update", change).await;
}

/// The method and the URI of each notification.
fn news(heard: &[Value]) -> Vec<(&str, &str)> {
    fn text<'a>(message: &'a Value, pointer: &str) -> &'a str {
        message.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }
    heard.iter().map(|message| (text(message, "/method"), text(message, "/params/uri"))).collect()
}

pub(crate) async fn a_resource_is_the_record_as_its_tool_reads_it(way: Way) {
    let server = TestServer::over(way, |_| {}).await;
    let mut ann = server.sign_up("ann").await;
    let link = |of: &str, record: &Value| (format!("{of}_id"), record["id"].clone());
    let company = ann.tool("crm_company_create", json!({ "name": "Pine" })).await;
    let mut contact = json!({ "name": "Mona", "email": "mona@example.com" });
    let (field, id) = link("company", &company);
    contact[field] = id;
    let contact = ann.tool("crm_contact_create", contact).await;
    let deal = ann.tool("crm_deal_create", json!({ "name": "Boats", "amount": "10.50", "currency": "EUR" })).await;
    let activity = ann.tool("crm_activity_create", json!({ "kind": "task", "subject": "Call" })).await;
    for era in way.eras() {
        let mut client = server.connect_in(era).await;
        client.sign_in("ann").await;
        for (kind, plural, record) in [
            ("company", "companies", &company),
            ("contact", "contacts", &contact),
            ("deal", "deals", &deal),
            ("activity", "activities", &activity),
        ] {
            let uri = format!("crm://{plural}/{}", record["id"].as_str().expect("an id"));
            let read = client.result("resources/read", json!({ "uri": uri })).await;
            let contents = &read["contents"][0];
            assert_eq!((&contents["uri"], &contents["mimeType"]), (&json!(uri), &json!("application/json")));
            let text = contents["text"].as_str().expect("it is text");
            let by_tool = client.tool(&format!("crm_{kind}_get"), json!({ "id": record["id"] })).await;
            assert_eq!(serde_json::from_str::<Value>(text).expect("it is JSON"), by_tool, "{kind}");
        }
    }
}

pub(crate) async fn unknown_malformed_and_foreign_resources_all_look_the_same(way: Way) {
    let server = TestServer::over(way, |_| {}).await;
    let (_, eves) = contact(&mut server.sign_up("eve").await, "Eve's").await;
    let unknown = "crm://contacts/01890000-0000-7000-8000-000000000000";
    drop(server.sign_up("ann").await);
    for era in way.eras() {
        let code = if era == Era::Legacy { -32002 } else { -32602 };
        let mut ann = server.connect_in(era).await;
        ann.sign_in("ann").await;
        let of_another_kind = eves.replace("contacts", "deals");
        let upper = eves.to_uppercase().replace("CRM://CONTACTS", "crm://contacts");
        let methods: &[_] =
            if era == Era::Legacy { &["resources/read", "resources/subscribe"] } else { &["resources/read"] };
        for method in methods {
            let expected = ann.error(method, json!({ "uri": unknown })).await;
            assert_eq!((&expected["code"], &expected["data"]["uri"]), (&json!(code), &json!(unknown)));
            for uri in
                [&eves, &of_another_kind, &upper, "crm://contacts/", "crm://contacts/1", "file:///etc/passwd", ""]
            {
                let mut error = ann.error(method, json!({ "uri": uri })).await;
                assert_eq!(error["data"]["uri"], json!(uri));
                error["data"]["uri"] = json!(unknown);
                assert_eq!(error, expected, "{method} {uri}");
            }
        }
        ann.error("resources/read", json!({})).await;
        let mut stranger = server.connect_in(era).await;
        assert_eq!(stranger.error("resources/read", json!({ "uri": eves })).await["code"], code);
    }
}

pub(crate) async fn the_list_has_the_tenants_records_page_by_page(way: Way) {
    let server = TestServer::over(way, |_| {}).await;
    let mut ann = server.sign_up("ann").await;
    contact(&mut server.sign_up("eve").await, "Eve's").await;
    let mut made = Vec::new();
    for number in 0..60 {
        made.push(contact(&mut ann, &format!("Contact {number}")).await.1);
        let company = ann.tool("crm_company_create", json!({ "name": format!("Company {number}") })).await;
        made.push(format!("crm://companies/{}", company["id"].as_str().expect("an id")));
    }
    for era in way.eras() {
        let mut client = server.connect_in(era).await;
        assert_eq!(client.result("resources/list", json!({})).await["resources"], json!([]), "nobody is signed in");
        client.sign_in("ann").await;
        let (mut listed, mut params, mut pages) = (Vec::new(), json!({}), 0);
        loop {
            let page = client.result("resources/list", params).await;
            pages += 1;
            listed.extend(page["resources"].as_array().expect("a list").iter().map(|one| one["uri"].clone()));
            match page.get("nextCursor") {
                Some(cursor) => params = json!({ "cursor": cursor }),
                None => break,
            }
        }
        assert_eq!(pages, 2);
        let mut listed: Vec<_> = listed.iter().filter_map(Value::as_str).collect();
        listed.sort_unstable();
        made.sort_unstable();
        assert_eq!(listed, made);
        let templates = client.result("resources/templates/list", json!({})).await;
        let uris: Vec<_> =
            templates["resourceTemplates"].as_array().expect("a list").iter().map(|one| &one["uriTemplate"]).collect();
        assert_eq!(uris, ["crm://companies/{id}", "crm://contacts/{id}", "crm://deals/{id}", "crm://activities/{id}"]);
    }
}

#[tokio::test]
async fn a_legacy_client_hears_of_what_it_subscribed_to_until_it_unsubscribes() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let mut desk = server.sign_in("ann").await;
    let mut eve = server.sign_up("eve").await;
    let (id, uri) = contact(&mut ann, "Mona").await;
    let (other, _) = contact(&mut ann, "Nora").await;
    // Eve may ask as she likes.
    eve.error("resources/subscribe", json!({ "uri": uri })).await;
    ann.result("resources/subscribe", json!({ "uri": uri })).await;
    ann.result("resources/subscribe", json!({ "uri": uri })).await;

    rename(&mut desk, &id, 1).await;
    rename(&mut desk, &other, 1).await;
    assert_eq!(news(&ann.all_heard().await), [(UPDATED, uri.as_str())]);
    // Its own changes are changes too.
    rename(&mut ann, &id, 2).await;
    assert_eq!(news(&ann.all_heard().await), [(UPDATED, uri.as_str())]);

    ann.result("resources/unsubscribe", json!({ "uri": uri })).await;
    ann.result("resources/unsubscribe", json!({ "uri": "crm://contacts/never" })).await;
    rename(&mut desk, &id, 3).await;
    for client in [&mut ann, &mut desk, &mut eve] {
        client.expect_silence().await;
    }
    assert_eq!(server.manager().counts()[4], 0, "nothing is watched any more");
}

#[tokio::test]
async fn a_legacy_client_that_has_listed_hears_once_that_the_list_changed() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let mut desk = server.sign_in("ann").await;
    let mut eve = server.sign_up("eve").await;
    for client in [&mut ann, &mut eve] {
        client.result("resources/list", json!({})).await;
    }
    let (id, _) = contact(&mut desk, "Mona").await;
    contact(&mut desk, "Nora").await;
    assert_eq!(news(&ann.all_heard().await), [(LIST_CHANGED, "")]);
    ann.result("resources/list", json!({})).await;
    rename(&mut desk, &id, 1).await;
    ann.expect_silence().await;
    desk.tool("crm_contact_delete", json!({ "id": id })).await;
    assert_eq!(news(&ann.all_heard().await), [(LIST_CHANGED, "")]);
    eve.expect_silence().await;
    desk.expect_silence().await;
}

#[tokio::test]
async fn a_modern_client_hears_of_what_it_named_and_may_name() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let mut eve = server.sign_up_in(Era::Modern, "eve").await;
    let (id, uri) = contact(&mut ann, "Mona").await;
    let (other, other_uri) = contact(&mut ann, "Nora").await;
    let (_, eves) = contact(&mut eve, "Eve's").await;
    let mut desk = server.connect_in(Era::Modern).await;
    desk.sign_in("ann").await;

    async fn listen(client: &mut Client, filter: Value) -> (Value, Value) {
        let stream = client.send("subscriptions/listen", json!({ "notifications": filter })).await;
        (stream, client.next().await["params"]["notifications"].clone())
    }
    let wanted = json!([uri, eves, "crm://contacts/nonsense", "file:///etc/passwd"]);
    let (stream, honoured) = listen(&mut desk, json!({ "resourceSubscriptions": wanted })).await;
    assert_eq!(honoured, json!({ "resourceSubscriptions": [uri] }));
    let (list, honoured) = listen(&mut desk, json!({ "resourcesListChanged": true })).await;
    assert_eq!(honoured, json!({ "resourcesListChanged": true }));
    let filter = json!({ "resourceSubscriptions": [uri, other_uri], "resourcesListChanged": true });
    assert_eq!(listen(&mut eve, filter).await.1, json!({ "resourcesListChanged": true }));

    rename(&mut ann, &id, 1).await;
    rename(&mut ann, &other, 1).await;
    let heard = desk.all_heard().await;
    assert_eq!(news(&heard), [(UPDATED, uri.as_str())]);
    let subscription = |message: &Value| message["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"].clone();
    assert_eq!(subscription(&heard[0]), stream);
    ann.tool("crm_contact_delete", json!({ "id": id })).await;
    let mut heard = desk.all_heard().await;
    heard.sort_by_key(|message| message["method"].to_string());
    assert_eq!(news(&heard), [(LIST_CHANGED, ""), (UPDATED, uri.as_str())]);
    assert_eq!([subscription(&heard[0]), subscription(&heard[1])], [list.clone(), stream]);

    desk.cancel(&list).await;
    contact(&mut ann, "Later").await;
    desk.expect_silence().await;
    eve.expect_silence().await;
}

#[tokio::test]
async fn subscriptions_end_with_the_tenant_they_were_made_in() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let mut bob = server.join(&mut ann, "bob", "member").await;
    let (id, uri) = contact(&mut ann, "Mona").await;
    bob.result("resources/subscribe", json!({ "uri": uri })).await;
    bob.tool("tenant_switch", json!({ "to": "bob's" })).await;
    bob.forget().await;
    rename(&mut ann, &id, 1).await;
    bob.expect_silence().await;
    assert_eq!(bob.error("resources/subscribe", json!({ "uri": uri })).await["code"], -32002);
    // Back again, he is asked to subscribe again.
    bob.tool("tenant_switch", json!({ "to": "ann's" })).await;
    bob.forget().await;
    rename(&mut ann, &id, 2).await;
    bob.expect_silence().await;
}

#[tokio::test]
async fn who_is_signed_out_or_removed_hears_nothing_more() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let mut desk = server.sign_in("ann").await;
    let mut bob = server.join(&mut ann, "bob", "viewer").await;
    let (id, uri) = contact(&mut ann, "Mona").await;
    for client in [&mut desk, &mut bob] {
        client.result("resources/subscribe", json!({ "uri": uri })).await;
    }
    desk.tool("auth_sign_out", json!({})).await;
    desk.forget().await;
    let bobs_id = bob.tool("auth_whoami", json!({})).await["user"]["id"].clone();
    ann.tool("tenant_remove_member", json!({ "user_id": bobs_id })).await;
    rename(&mut ann, &id, 1).await;
    desk.expect_silence().await;
    bob.closed().await;
    assert!(!news(&bob.heard()).iter().any(|(method, _)| *method == UPDATED));
    assert_eq!(server.manager().counts()[4], 0);
}

#[tokio::test]
async fn a_stream_about_the_list_goes_on_for_who_signs_in_again() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let mut desk = server.connect_in(Era::Modern).await;
    desk.sign_in("ann").await;
    desk.send("subscriptions/listen", json!({ "notifications": { "resourcesListChanged": true } })).await;
    desk.next().await;
    for name in ["One", "Two"] {
        contact(&mut ann, name).await;
        assert_eq!(news(&desk.all_heard().await), [(LIST_CHANGED, "")], "{name}");
        // Once more, in the same tenant.
        desk.sign_in("ann").await;
        desk.expect_silence().await;
    }
}
