//! A tenant exported and deleted: all that is theirs, and nothing else.

use crate::support::{Client, PASSWORD, TestServer, email};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Has something in every table of a tenant.
async fn fill(server: &TestServer, name: &str) -> (Client, String) {
    let mut owner = server.sign_up(name).await;
    let company = owner.tool("crm_company_create", json!({ "name": "Pine", "idempotency_key": "k" })).await;
    let contact = json!({ "name": format!("Nora of {name}"), "company_id": company["id"] });
    let contact = owner.tool("crm_contact_create", contact).await;
    owner.tool("crm_contact_update", json!({ "id": contact["id"], "version": 1, "job_title": "Mate" })).await;
    let deal = owner.tool("crm_deal_create", json!({ "name": "Boats", "contact_id": contact["id"] })).await;
    owner.tool("crm_activity_create", json!({ "kind": "note", "subject": "Met", "deal_id": deal["id"] })).await;
    owner.tool("tenant_invite", json!({})).await;
    owner.tool("credential_set", json!({ "name": "wiki", "value": "a secret" })).await;
    owner.tool("upstream_add", json!({ "name": "wiki", "url": "https://wiki.example.com/mcp" })).await;
    drop(server.join(&mut owner, &format!("member-of-{name}"), "member").await);
    let whoami = owner.tool("auth_whoami", json!({})).await;
    let (user, tenant) = (&whoami["user"]["id"], whoami["tenant"]["id"].as_str().expect("an id").to_owned());
    let database = Connection::open(server.database()).expect("it opens");
    for sql in [
        "INSERT INTO token_family (tenant_id, id, user_id, epoch, created_at, expires_at) VALUES (?1, 'f' || ?1, ?2, 1, 1, 1)",
        "INSERT INTO refresh_token (tenant_id, token_hash, family_id, created_at) SELECT ?1, 'h' || ?1 || ?2, 'f' || ?1, 1",
        "INSERT INTO resume (tenant_id, id, user_id, session_id, proof, epoch, signed_in_at, secret_hash, created_at, expires_at)
         SELECT ?1, 'r' || ?1, ?2, 's', '{}', 1, 1, 'h', 1, 1",
        "INSERT INTO upstream_token (tenant_id, upstream, user_id, sealed, updated_at) SELECT ?1, 'wiki', ?2, sealed, 1 FROM credential WHERE tenant_id = ?1",
        "INSERT INTO provisioned (tenant_id, user_id) VALUES (?1, ?2)",
        "INSERT INTO api_key (tenant_id, id, user_id, name, role, key_hash, created_at) VALUES (?1, 'k', ?2, 'CI', 'viewer', 'h' || ?1, 1)",
    ] {
        database.execute(sql, (&tenant, user.as_str())).expect(sql);
    }
    (owner, tenant)
}

/// How many rows each table has that name this tenant.
fn rows(server: &TestServer, tenant: &str) -> BTreeMap<String, i64> {
    let database = Connection::open(server.database()).expect("it opens");
    let sql = "SELECT m.name FROM sqlite_schema m, pragma_table_info(m.name) c
                WHERE m.type = 'table' AND c.name = 'tenant_id'";
    let mut statement = database.prepare(sql).expect("it is SQL");
    let tables = statement.query_map([], |row| row.get::<_, String>(0)).expect("there are tables");
    let count = |sql: String| database.query_row(&sql, [tenant], |row| row.get(0)).expect("a count");
    let mut rows: BTreeMap<_, _> = tables
        .map(|table| table.expect("a name"))
        .map(|table| (table.clone(), count(format!("SELECT COUNT(*) FROM {table} WHERE tenant_id = ?"))))
        .collect();
    rows.insert("tenant".into(), count("SELECT COUNT(*) FROM tenant WHERE id = ?".into()));
    rows
}

#[tokio::test]
async fn a_deleted_tenant_leaves_its_export_and_no_row() {
    let server = TestServer::start().await;
    let (mut ann, tenant) = fill(&server, "ann").await;
    let (mut eve, foreign) = fill(&server, "eve").await;
    let (before, others) = (rows(&server, &tenant), rows(&server, &foreign));
    assert!(before.len() >= 14 && before.values().all(|count| *count > 0), "{before:?}");

    let file = server.database().with_file_name("ann.jsonl");
    let export = file.display().to_string();
    let delete = ["tenants", "delete", &tenant];
    for (arguments, why) in [
        (&["--export", &export][..], r#"--confirm "ann's""#),
        (&["--export", &export, "--confirm", "eve's"], r#"--confirm "ann's""#),
        (&["--confirm", "ann's"], "--without-export"),
    ] {
        let refused = server.admin(&[&delete, arguments].concat()).await.refused();
        assert!(refused.contains(why), "{refused}");
    }
    assert_eq!(rows(&server, &tenant), before);
    server.admin(&[&delete[..], &["--export", &export, "--confirm", "ann's"]].concat()).await.done();

    let left = rows(&server, &tenant);
    assert!(left.values().all(|count| *count == 0), "{left:?}");
    ann.send_or_lost("tools/call", json!({ "name": "crm_contact_list", "arguments": {} })).await;
    ann.closed().await;
    assert_eq!(rows(&server, &foreign), others);
    assert_eq!(eve.tool("crm_search", json!({ "query": "nora" })).await["hits"].as_array().map(Vec::len), Some(1));
    server.admin(&["check"]).await.done();

    let text = std::fs::read_to_string(&file).expect("it is there");
    assert!(!text.contains("hash") && !text.contains("sealed"), "no hash is in it, and no credential");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
    assert_eq!(lines[0]["tenant_id"], json!(tenant));
    let mut exported: BTreeMap<String, i64> = BTreeMap::new();
    for line in &lines[1..] {
        *exported.entry(line["table"].as_str().expect("a table").to_owned()).or_default() += 1;
    }
    assert_eq!(exported.remove("app_user"), Some(2));
    for (table, count) in before.iter().filter(|(table, _)| !table.starts_with("search")) {
        // The suspension was noted meanwhile.
        let more = i64::from(table == "audit");
        assert_eq!(exported.get(table), Some(&(count + more)), "{table}");
    }
    for foreign in ["eve", &foreign, "last_tenant_id"] {
        assert!(!text.contains(foreign), "nothing of another tenant is in it");
    }

    // Accounts stay; whoever is a member of nothing else has nowhere to go.
    let credentials = json!({ "email": email("ann"), "password": PASSWORD });
    assert_eq!(server.connect().await.refused("auth_sign_in", credentials).await.code, "not_allowed");
    let identity = server
        .connect()
        .await
        .tool("auth_sign_in", json!({ "email": email("member-of-ann"), "password": PASSWORD }))
        .await;
    assert_eq!(identity["tenant"]["name"], "member-of-ann's");
}

#[tokio::test]
async fn an_export_alone_changes_nothing_and_spares_a_file_that_is_there() {
    let server = TestServer::start().await;
    let (mut ann, tenant) = fill(&server, "ann").await;
    let before = rows(&server, &tenant);
    server.admin(&["tenants", "export", &tenant, "ann.jsonl"]).await.done();
    assert!(server.admin(&["tenants", "export", &tenant, "ann.jsonl"]).await.refused().contains("ann.jsonl"));
    assert_eq!(rows(&server, &tenant), before);
    ann.tool("crm_contact_list", json!({})).await;
    let unknown = server.admin(&["tenants", "export", "nonsense", "x.jsonl"]).await.refused();
    assert!(unknown.contains("tenants list"), "{unknown}");
}
