//! Records that several people work on at once.

use crate::support::{Client, Refusal, TestServer, Way};
use serde_json::{Value, json};

const PEOPLE: usize = 12;

/// So many connections of members of one tenant, and what each is called.
async fn people(server: &TestServer) -> Vec<(Client, String)> {
    let mut ann = server.sign_up("ann").await;
    let mut people = Vec::new();
    for number in 1..PEOPLE {
        let name = format!("member{number}");
        people.push((server.join(&mut ann, &name, "member").await, name));
    }
    people.push((ann, "ann".into()));
    people
}

/// Has all make their call at once, and gives what came of each.
async fn all_at_once(
    people: &mut [(Client, String)],
    call: impl Fn(&str) -> (&'static str, Value),
) -> Vec<Result<Value, Refusal>> {
    let mut sent = Vec::new();
    for (client, name) in people.iter_mut() {
        let (tool, arguments) = call(name);
        sent.push(client.send_call(tool, arguments).await);
    }
    let mut outcomes = Vec::new();
    for ((client, _), id) in people.iter_mut().zip(&sent) {
        let result = client.response(id).await["result"].clone();
        let failed = result["isError"] == true;
        outcomes.push(if failed { Err(Refusal::of(&result)) } else { Ok(result["structuredContent"].clone()) });
    }
    outcomes
}

pub(crate) async fn of_many_updates_of_one_version_one_is_made_and_the_rest_learn_of_it(way: Way) {
    let server = TestServer::over(way, |_| {}).await;
    let mut people = people(&server).await;
    let contact = people[0].0.tool("crm_contact_create", json!({ "name": "Mona" })).await;
    for version in 1..=10 {
        let outcomes = all_at_once(&mut people, |name| {
            let title = format!("Called so by {name} in round {version}");
            ("crm_contact_update", json!({ "id": contact["id"], "version": version, "job_title": title }))
        })
        .await;
        let winners: Vec<_> = outcomes.iter().zip(&people).filter(|(outcome, _)| outcome.is_ok()).collect();
        let [(winner, (_, name))] = winners[..] else { panic!("{} made their change: {outcomes:?}", winners.len()) };
        let winner = winner.as_ref().expect("it won");
        assert_eq!(winner["version"], version + 1);
        for refusal in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
            assert_eq!(refusal.code, "conflict", "{}", refusal.text);
            let text = &refusal.text;
            let title = winner["job_title"].as_str().expect("it was set");
            assert!(
                text.contains(&format!("{name}@example.com")) && text.contains(title),
                "it says who and what: {text}"
            );
        }
        let now = people[0].0.tool("crm_contact_get", json!({ "id": contact["id"] })).await;
        assert_eq!(now["job_title"], winner["job_title"]);
    }
}

pub(crate) async fn of_many_who_delete_a_record_one_does(way: Way) {
    let server = TestServer::over(way, |_| {}).await;
    let mut people = people(&server).await;
    for _ in 0..5 {
        let company = people[0].0.tool("crm_company_create", json!({ "name": "Pine" })).await;
        let outcomes = all_at_once(&mut people, |_| ("crm_company_delete", json!({ "id": company["id"] }))).await;
        let (done, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!(done.len(), 1);
        assert!(refused.iter().flat_map(|refusal| refusal.as_ref().err()).all(|refusal| refusal.code == "not_found"));
    }
}

pub(crate) async fn nothing_ever_refers_to_what_is_deleted(way: Way) {
    let server = TestServer::over(way, |_| {}).await;
    let mut people = people(&server).await;
    for _ in 0..5 {
        let company = people[0].0.tool("crm_company_create", json!({ "name": "Pine" })).await;
        // One deletes it, and the rest attach their contacts to it.
        let outcomes = all_at_once(&mut people, |name| match name {
            "ann" => ("crm_company_delete", json!({ "id": company["id"] })),
            name => ("crm_contact_create", json!({ "name": name, "company_id": company["id"] })),
        })
        .await;
        let refused: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
        assert!(refused.iter().all(|refusal| refusal.code == "not_found"), "{refused:?}");
        let left = people[0].0.tool("crm_contact_list", json!({ "company_id": company["id"] })).await;
        assert_eq!(left["items"], json!([]));
    }
    for contact in
        people[0].0.tool("crm_contact_list", json!({ "limit": 100 })).await["items"].as_array().expect("a list")
    {
        assert!(contact.get("company_id").is_none(), "{contact}");
    }
}

pub(crate) async fn what_is_acknowledged_is_there_for_everybody_at_once(way: Way) {
    let server = TestServer::over(way, |_| {}).await;
    let (mut ann, mut desk) = (server.sign_up("ann").await, server.sign_in("ann").await);
    for number in 0..50 {
        let name = format!("Number{number}");
        let made = ann.tool("crm_contact_create", json!({ "name": name })).await;
        assert_eq!(desk.tool("crm_contact_get", json!({ "id": made["id"] })).await, made);
        let found = desk.tool("crm_search", json!({ "query": name })).await;
        assert_eq!(found["hits"][0]["id"], made["id"]);
        let listed = desk.tool("crm_contact_list", json!({ "query": name, "sort": "-created_at", "limit": 1 })).await;
        assert_eq!(listed["items"][0], made);
    }
}
