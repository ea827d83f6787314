//! A write with a key is made once, however often it is asked for.

use crate::support::{Client, Process, TestServer, until};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::path::Path;

const IMPORT: &str = "crm_import_contacts";

/// Arguments of each tool that takes a key, and others.
fn tools() -> [(&'static str, Value, Value); 5] {
    [
        ("crm_contact_create", json!({ "name": "Mona" }), json!({ "name": "Nora" })),
        ("crm_company_create", json!({ "name": "Pine" }), json!({ "name": "Pine", "domain": "pine.example" })),
        ("crm_deal_create", json!({ "name": "Boats" }), json!({ "name": "Boats", "stage": "won" })),
        ("crm_activity_create", json!({ "kind": "note", "subject": "A" }), json!({ "kind": "call", "subject": "A" })),
        (IMPORT, json!({ "csv": "name,email\nIda,\n" }), json!({ "csv": "name,email\nIda,\n", "duplicates": "merge" })),
    ]
}

fn with(key: &str, arguments: &Value) -> Value {
    let mut arguments = arguments.clone();
    arguments["idempotency_key"] = key.into();
    arguments
}

/// How many records there are in all tenants.
fn records(database: &Path) -> i64 {
    let database = Connection::open(database).expect("it opens");
    database.query_row("SELECT SUM(record_count) FROM tenant", [], |row| row.get(0)).expect("a sum")
}

#[tokio::test]
async fn repeated_with_the_same_arguments_it_is_told_and_with_others_refused() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    for (tool, arguments, others) in tools() {
        let first = ann.tool(tool, with("k", &arguments)).await;
        assert!(first.get("repeated").is_none(), "{tool}: {first}");
        let made = records(&server.database());
        let mut again = ann.tool(tool, with("k", &arguments)).await;
        assert_eq!(again["repeated"], true, "{tool}: {again}");
        again.as_object_mut().expect("an object").remove("repeated");
        if tool == IMPORT {
            assert_eq!((&again["created"], &again["lines"]), (&json!(1), &json!([])));
        } else {
            assert_eq!(again, first, "{tool}");
        }
        let refusal = ann.refused(tool, with("k", &others)).await;
        assert_eq!(refusal.code, "conflict", "{tool}: {}", refusal.text);
        assert!(refusal.text.contains("\"k\" came with other arguments"), "{}", refusal.text);
        assert_eq!(records(&server.database()), made, "{tool}");
        // Another key is another call.
        assert!(ann.tool(tool, with("l", &arguments)).await.get("repeated").is_none(), "{tool}");
        assert_eq!(records(&server.database()), made + 1, "{tool}");
    }
    server.admin(&["check"]).await.done();
}

#[tokio::test]
async fn the_same_arguments_may_be_spelled_otherwise() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let first = ann.tool("crm_deal_create", with("k", &json!({ "name": "Boats" }))).await;
    let same = json!({ "notes": null, "stage": "lead", "name": " Boats " });
    let again = ann.tool("crm_deal_create", with("k", &same)).await;
    assert_eq!((&again["id"], &again["repeated"]), (&first["id"], &json!(true)));
}

#[tokio::test]
async fn a_key_is_its_users_own_in_one_tenant_and_for_one_tool() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let mut bob = server.join(&mut ann, "bob", "member").await;
    let mut eve = server.sign_up("eve").await;
    let named = with("k", &json!({ "name": "Pine" }));
    let mut ids = Vec::new();
    for (client, tool) in
        [(&mut ann, "crm_company_create"), (&mut bob, "crm_company_create"), (&mut eve, "crm_company_create")]
    {
        let made = client.tool(tool, named.clone()).await;
        assert!(made.get("repeated").is_none(), "{made}");
        assert!(!ids.contains(&made["id"]));
        ids.push(made["id"].clone());
    }
    assert!(ann.tool("crm_contact_create", named.clone()).await.get("repeated").is_none());
    // The same user in another tenant.
    bob.tool("tenant_switch", json!({ "to": "bob's" })).await;
    assert!(bob.tool("crm_company_create", named.clone()).await.get("repeated").is_none());
    // And on another connection of the same user it is the same.
    let again = server.sign_in("ann").await.tool("crm_company_create", named).await;
    assert_eq!((&again["id"], &again["repeated"]), (&ids[0], &json!(true)));
}

#[tokio::test]
async fn of_several_at_once_one_is_made_and_the_others_are_told_of_it() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let mut other = server.sign_in("ann").await;
    for (tool, arguments, _) in tools() {
        let before = records(&server.database());
        let mut sent = Vec::new();
        for number in 0..8 {
            let client: &mut Client = if number % 2 == 0 { &mut ann } else { &mut other };
            sent.push(client.send_call(tool, with("k", &arguments)).await);
        }
        let mut answers = Vec::new();
        for (number, id) in sent.iter().enumerate() {
            let client = if number % 2 == 0 { &mut ann } else { &mut other };
            answers.push(client.response(id).await["result"]["structuredContent"].clone());
        }
        let first: Vec<_> = answers.iter().filter(|answer| answer.get("repeated").is_none()).collect();
        assert_eq!(first.len(), 1, "{tool}: {answers:?}");
        assert!(answers.iter().all(|answer| answer["id"] == first[0]["id"]), "{tool}: {answers:?}");
        assert_eq!(records(&server.database()), before + 1, "{tool}");
    }
    server.admin(&["check"]).await.done();
}

#[tokio::test]
async fn what_became_of_the_record_since_is_told() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let pine = ann.tool("crm_company_create", json!({ "name": "Pine" })).await;
    let named = with("k", &json!({ "name": "Mona", "company_id": pine["id"] }));
    let mona = ann.tool("crm_contact_create", named.clone()).await;
    ann.tool("crm_contact_update", json!({ "id": mona["id"], "version": 1, "name": "Mona Lund" })).await;
    // What it referred to need not be there any more: nothing is made.
    ann.tool("crm_company_delete", json!({ "id": pine["id"] })).await;
    let again = ann.tool("crm_contact_create", named.clone()).await;
    assert_eq!((&again["name"], &again["version"]), (&json!("Mona Lund"), &json!(3)));

    ann.tool("crm_contact_delete", json!({ "id": mona["id"] })).await;
    let gone = ann.refused("crm_contact_create", named).await;
    assert_eq!(gone.code, "not_found");
    assert!(gone.text.contains("was deleted since; nothing was written"), "{}", gone.text);
    assert_eq!(records(&server.database()), 0);
}

#[tokio::test]
async fn what_fails_and_a_dry_run_use_no_key() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let nobody = json!({ "name": "Mona", "company_id": "0199c0de-0000-7000-8000-000000000001" });
    assert_eq!(ann.refused("crm_contact_create", with("k", &nobody)).await.code, "not_found");
    assert!(ann.tool("crm_contact_create", with("k", &json!({ "name": "Mona" }))).await.get("repeated").is_none());
    let file = json!({ "csv": "name,email\nIda,\n", "dry_run": true });
    for _ in 0..2 {
        let dry = ann.tool(IMPORT, with("k", &file)).await;
        assert_eq!((&dry["created"], &dry["lines"][0]["outcome"]), (&json!(1), &json!("created")));
    }
    assert!(ann.tool(IMPORT, with("k", &json!({ "csv": "name,email\nIda,\n" }))).await.get("repeated").is_none());
}

#[tokio::test]
async fn an_import_that_wrote_nothing_is_remembered_as_well() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let ida = ann.tool("crm_contact_create", json!({ "name": "Ida", "email": "ida@example.com" })).await;
    let file = with("k", &json!({ "csv": "name,email\nIda,ida@example.com\n" }));
    assert_eq!(ann.tool(IMPORT, file.clone()).await["skipped"], 1);
    ann.tool("crm_contact_delete", json!({ "id": ida["id"] })).await;
    let again = ann.tool(IMPORT, file).await;
    assert_eq!((&again["skipped"], &again["created"], &again["repeated"]), (&json!(1), &json!(0), &json!(true)));
    assert_eq!(records(&server.database()), 0);
}

#[tokio::test]
async fn a_key_outlives_the_process_and_is_forgotten_after_a_day() {
    let directory = tempfile::tempdir().expect("there is room for a database");
    let path = directory.path().join("sessile.db");
    let named = with("k", &json!({ "name": "Mona" }));
    let server = Process::start(directory.path());
    let mut ann = server.connect().await;
    ann.sign_up("ann").await;
    let first = ann.tool("crm_contact_create", named.clone()).await;
    drop((ann, server));

    let server = Process::start(directory.path());
    let mut ann = server.connect().await;
    ann.sign_in("ann").await;
    let again = ann.tool("crm_contact_create", named.clone()).await;
    assert_eq!((&again["id"], &again["repeated"]), (&first["id"], &json!(true)));
    // The call is a day old, and its key still there.
    let database = Connection::open(&path).expect("it opens");
    let age = |by: i64| {
        let aged = database.execute("UPDATE idempotency SET created_at = created_at - ?1", [by]);
        assert_eq!(aged.expect("it is SQL"), 1);
    };
    age(86_000_000);
    assert_eq!(ann.tool("crm_contact_create", named.clone()).await["repeated"], true);
    age(500_000);
    let anew = ann.tool("crm_contact_create", named.clone()).await;
    assert!(anew.get("repeated").is_none() && anew["id"] != first["id"], "{anew}");
    assert_eq!(ann.tool("crm_contact_create", named.clone()).await["id"], anew["id"]);

    // What is too old to count is deleted.
    age(86_500_000);
    drop((ann, server));
    let server = Process::start(directory.path());
    let keys =
        || database.query_row("SELECT COUNT(*) FROM idempotency", [], |row| row.get::<_, i64>(0)).expect("a count");
    until("the old key is gone", || keys() == 0).await;
    drop(server);
}

#[tokio::test]
async fn keys_are_visible_characters_and_not_many() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let long = "k".repeat(129);
    for bad in [json!(""), json!("a b"), json!("a\n"), json!("ä"), json!(long), json!(7), json!(["k"])] {
        for (tool, mut arguments, _) in tools() {
            arguments["idempotency_key"] = bad.clone();
            let refusal = ann.refused(tool, arguments).await;
            assert_eq!(refusal.code, "invalid_arguments", "{bad}");
            assert!(refusal.text.contains("idempotency_key: "), "{bad}: {}", refusal.text);
        }
    }
    for good in [&*"k".repeat(128), "!", "~", "0199c0de-0000-7000-8000-000000000001"] {
        ann.tool("crm_contact_create", with(good, &json!({ "name": "Mona" }))).await;
    }
    assert!(ann.tool("crm_contact_create", json!({ "name": "Mona", "idempotency_key": null })).await["id"].is_string());

    let database = Connection::open(server.database()).expect("it opens");
    let fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
                INSERT INTO idempotency SELECT tenant_id, user_id, 'x', i, '', '', created_at FROM n, idempotency
                WHERE key = '!'";
    database.execute(fill, [10_000 - 4]).expect("it is SQL");
    let refusal = ann.refused("crm_contact_create", with("one-more", &json!({ "name": "Mona" }))).await;
    assert_eq!(refusal.code, "limit", "{}", refusal.text);
    assert_eq!(ann.tool("crm_contact_create", with("!", &json!({ "name": "Mona" }))).await["repeated"], true);
    ann.tool("crm_contact_create", json!({ "name": "Mona" })).await;
    // It is about the one user.
    server.sign_up("eve").await.tool("crm_contact_create", with("k", &json!({ "name": "Mona" }))).await;
}
