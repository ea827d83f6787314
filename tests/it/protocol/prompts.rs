//! Prompts and completion: made of the tenant's data, and of no other's.

use crate::support::{Client, TestServer, Way};
use serde_json::{Value, json};
use sessile::wire::Era;

/// A client that is signed in to a tenant with one contact.
async fn with_contact(server: &TestServer, era: Era, name: &str, contact: &str) -> (Client, String) {
    let mut client = server.sign_up_in(era, name).await;
    let record =
        client.tool("crm_contact_create", json!({ "name": contact, "email": format!("{name}@c.example") })).await;
    client.forget().await;
    (client, record["id"].as_str().expect("an id").to_owned())
}

async fn prompt(client: &mut Client, name: &str, arguments: Value) -> String {
    let result = client.result("prompts/get", json!({ "name": name, "arguments": arguments })).await;
    assert_eq!(result["messages"][0]["role"], "user");
    result["messages"][0]["content"]["text"].as_str().expect("a prompt has text").to_owned()
}

async fn complete(client: &mut Client, reference: Value, argument: &str, value: &str) -> Vec<String> {
    let params = json!({ "ref": reference, "argument": { "name": argument, "value": value } });
    let result = client.result("completion/complete", params).await;
    let values = result["completion"]["values"].as_array().expect("a list").clone();
    assert_eq!(result["completion"]["total"], values.len());
    values.iter().map(|value| value.as_str().expect("it is text").to_owned()).collect()
}

pub(crate) async fn every_prompt_that_is_listed_can_be_had(way: Way) {
    let server = TestServer::over(way, |_| {}).await;
    for era in way.eras() {
        let (mut client, id) = with_contact(&server, era, &format!("{era:?}"), "Mona Lund").await;
        let listed = client.result("prompts/list", json!({})).await;
        let names: Vec<_> =
            listed["prompts"].as_array().expect("a list").iter().map(|one| one["name"].clone()).collect();
        assert_eq!(names, ["daily_brief", "meeting_prep"]);
        for named in ["Mona Lund", "mona", id.as_str(), &format!("{era:?}@c.example")] {
            assert!(prompt(&mut client, "meeting_prep", json!({ "contact": named })).await.contains("Mona Lund"));
        }
        let brief = prompt(&mut client, "daily_brief", json!({ "date": "2026-02-28" })).await;
        assert!(brief.contains("Saturday, 2026-02-28"), "{brief}");
        client
            .tool("crm_activity_create", json!({ "kind": "task", "subject": "Call back", "due_date": "2026-02-28" }))
            .await;
        assert!(prompt(&mut client, "daily_brief", json!({ "date": "2026-02-28" })).await.contains("Call back"));
        prompt(&mut client, "daily_brief", json!({})).await;
    }
}

pub(crate) async fn what_is_wrong_with_a_request_for_a_prompt_is_said(way: Way) {
    let server = TestServer::over(way, |_| {}).await;
    for era in way.eras() {
        let mut stranger = server.connect_in(era).await;
        let error = stranger.error("prompts/get", json!({ "name": "daily_brief" })).await;
        assert!(error["message"].as_str().is_some_and(|text| text.contains("auth_sign_in")), "{error}");
        let (mut client, _) = with_contact(&server, era, &format!("{era:?}"), "Mona Lund").await;
        for (params, part) in [
            (json!({}), "name"),
            (json!({ "name": "frobnicate" }), "frobnicate"),
            (json!({ "name": "meeting_prep" }), "contact"),
            (json!({ "name": "meeting_prep", "arguments": { "contact": "Nobody" } }), "Nobody"),
            (json!({ "name": "meeting_prep", "arguments": { "contact": "" } }), "contact"),
            (json!({ "name": "meeting_prep", "arguments": [] }), "object"),
            (json!({ "name": "daily_brief", "arguments": { "date": "2026-02-30" } }), "date"),
            (json!({ "name": "daily_brief", "arguments": { "day": "2026-02-03" } }), "day"),
        ] {
            let error = client.error("prompts/get", params.clone()).await;
            assert_eq!(error["code"], -32602, "{params}");
            assert!(error["message"].as_str().is_some_and(|text| text.contains(part)), "{params}: {error}");
        }
    }
}

pub(crate) async fn completion_offers_what_fits_and_exists(way: Way) {
    let server = TestServer::over(way, |_| {}).await;
    for era in way.eras() {
        let (mut client, id) = with_contact(&server, era, &format!("{era:?}"), "Mona Lund").await;
        client.tool("crm_contact_create", json!({ "name": "Nora Berg" })).await;
        let meeting = json!({ "type": "ref/prompt", "name": "meeting_prep" });
        let template = json!({ "type": "ref/resource", "uri": "crm://contacts/{id}" });
        assert_eq!(complete(&mut client, meeting.clone(), "contact", "mo").await, ["Mona Lund"]);
        assert_eq!(complete(&mut client, meeting.clone(), "contact", "").await.len(), 2);
        assert_eq!(complete(&mut client, meeting.clone(), "contact", "zz").await.len(), 0);
        assert_eq!(complete(&mut client, template.clone(), "id", &id).await, [id]);
        let brief = json!({ "type": "ref/prompt", "name": "daily_brief" });
        assert_eq!(complete(&mut client, brief, "date", "tomorrow").await.len(), 1);
        for (reference, argument) in [
            (json!({ "type": "ref/prompt", "name": "frobnicate" }), "x"),
            (json!({ "type": "ref/resource", "uri": "crm://boats/{id}" }), "id"),
            (json!({ "type": "ref/tool", "name": "auth_whoami" }), "x"),
            (meeting.clone(), "date"),
        ] {
            let params = json!({ "ref": reference, "argument": { "name": argument, "value": "" } });
            assert_eq!(client.error("completion/complete", params).await["code"], -32602, "{reference}");
        }
        let mut stranger = server.connect_in(era).await;
        assert_eq!(complete(&mut stranger, meeting, "contact", "").await.len(), 0);
        assert_eq!(complete(&mut stranger, template, "id", "").await.len(), 0);
    }
}

pub(crate) async fn another_tenants_people_are_nowhere_to_be_found(way: Way) {
    let server = TestServer::over(way, |_| {}).await;
    let (mut ann, _) = with_contact(&server, Era::Legacy, "ann", "Mona Lund").await;
    let (_, eves) = with_contact(&server, Era::Legacy, "eve", "Zoe Quist").await;
    let ask = async |client: &mut Client, contact: &str| {
        let params = json!({ "name": "meeting_prep", "arguments": { "contact": contact } });
        client.error("prompts/get", params).await.to_string().replace(contact, "WHOM")
    };
    let unknown = ask(&mut ann, "01890000-0000-7000-8000-000000000000").await;
    for contact in [eves.as_str(), "Zoe Quist", "zoe", "eve@c.example"] {
        assert_eq!(ask(&mut ann, contact).await, unknown, "{contact}");
    }
    let template = json!({ "type": "ref/resource", "uri": "crm://contacts/{id}" });
    assert_eq!(complete(&mut ann, template, "id", &eves).await.len(), 0);
    let meeting = json!({ "type": "ref/prompt", "name": "meeting_prep" });
    assert_eq!(complete(&mut ann, meeting, "contact", "z").await.len(), 0);
    assert!(!prompt(&mut ann, "daily_brief", json!({})).await.contains("Quist"));
}
