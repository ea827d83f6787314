//! A credential's value is nowhere but where it is used.

use crate::support::admin::admin_with;
use crate::support::{MASTER_KEY, Process, TestServer, master_key};
use serde_json::json;
use std::fs;
use std::path::Path;

const VALUE: &str = "hunter2-the-value";

#[tokio::test]
async fn it_is_sealed_in_every_file_and_absent_from_logs_results_and_the_command_line() {
    let directory = tempfile::tempdir().expect("there is room for a database");
    let environment = [("SESSILE_MASTER_KEY", MASTER_KEY), ("RUST_LOG", "sessile=trace,info")];
    let server = Process::start_with(directory.path(), &environment);
    let mut ann = server.connect().await;
    ann.sign_up("ann").await;
    let mut said = Vec::new();
    for (tool, arguments) in [
        ("credential_set", json!({ "name": "github", "value": VALUE })),
        ("credential_set", json!({ "name": "no good name", "value": VALUE })),
        ("credential_set", json!({ "name": "github", "value": [VALUE] })),
        ("credential_set", json!({ "name": "github", "value": format!("{VALUE}\0") })),
        ("credential_set", json!({ "name": "github", "value": VALUE.repeat(2000) })),
        ("credential_set", json!({ "name": "github", "value": VALUE, "x": 1 })),
        ("credential_list", json!({})),
        ("upstream_add", json!({ "name": "git", "url": "https://git.example.com/${credential:github}" })),
        ("upstream_list", json!({})),
        ("tenant_audit_log", json!({})),
        ("credential_remove", json!({ "name": "nothing" })),
    ] {
        let id = ann.send("tools/call", json!({ "name": tool, "arguments": arguments })).await;
        said.push(ann.response(&id).await.to_string());
    }
    assert!(said[0].contains("The credential github is set"), "{}", said[0]);
    assert!(said[1..6].iter().all(|answer| answer.contains("invalid_arguments")), "{said:?}");
    assert!(said[9].contains("credential.set") && said[9].contains("upstream.add"), "{}", said[9]);
    // While it runs there is the write-ahead log, too.
    let database = directory.path().join("sessile.db");
    admin_with(&database, &["backup", "backup.db"], &environment).await.done();
    let tenant = ann.tool("auth_whoami", json!({})).await["tenant"]["id"].as_str().expect("an id").to_owned();
    admin_with(&database, &["tenants", "export", &tenant, "export.jsonl"], &environment).await.done();
    nowhere(directory.path(), &[VALUE, MASTER_KEY]);
    #[cfg(target_os = "linux")]
    assert!(!server.command_line().contains(MASTER_KEY));
    assert!(said.iter().all(|answer| !answer.contains(VALUE)), "{said:?}");
    assert!(server.log().contains("signed"), "there is a log");
    drop(server);
    nowhere(directory.path(), &[VALUE, MASTER_KEY]);
}

/// Looks into every file of a directory.
fn nowhere(directory: &Path, secrets: &[&str]) {
    let mut looked = 0;
    for entry in fs::read_dir(directory).expect("it can be listed") {
        let path = entry.expect("it can be listed").path();
        let bytes = fs::read(&path).expect("it can be read");
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{} holds a secret", path.display());
        }
        looked += 1;
    }
    assert!(looked >= 4, "there are a database, its log and more");
}

#[tokio::test]
async fn admins_alone_see_names_and_of_their_own_tenant_alone() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let mut eve = server.sign_up("eve").await;
    ann.tool("credential_set", json!({ "name": "github", "value": VALUE })).await;
    let listed = ann.tool("credential_list", json!({})).await;
    assert_eq!(listed["credentials"][0]["name"], "github");
    assert_eq!(listed["credentials"][0]["updated_by"], "ann@example.com");
    assert_eq!(eve.tool("credential_list", json!({})).await["credentials"], json!([]));
    // To others it is like one that there is not.
    let foreign = eve.refused("credential_remove", json!({ "name": "github" })).await;
    let unknown = eve.refused("credential_remove", json!({ "name": "gitlab" })).await;
    assert_eq!(foreign.text.replace("github", "gitlab"), unknown.text);
    // It can be replaced and removed, and then it is gone.
    ann.tool("credential_set", json!({ "name": "github", "value": "another" })).await;
    assert_eq!(ann.tool("credential_list", json!({})).await["credentials"].as_array().map(Vec::len), Some(1));
    ann.tool("credential_remove", json!({ "name": "github" })).await;
    assert_eq!(ann.refused("credential_remove", json!({ "name": "github" })).await.code, "not_found");
    let log = ann.tool("tenant_audit_log", json!({ "action": "credential." })).await;
    let entries: Vec<_> = log["entries"].as_array().expect("a list").iter().map(|one| one["detail"].as_str()).collect();
    assert_eq!(entries, [Some("github"); 3]);
    server.stop().await;
}

#[tokio::test]
async fn there_is_room_for_so_many() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    for number in 0..200 {
        ann.tool("credential_set", json!({ "name": format!("c{number}"), "value": "x" })).await;
    }
    let refusal = ann.refused("credential_set", json!({ "name": "more", "value": "x" })).await;
    assert_eq!(refusal.code, "limit", "{}", refusal.text);
    ann.tool("credential_set", json!({ "name": "c7", "value": "y" })).await;
    server.stop().await;
}

#[tokio::test]
async fn without_a_master_key_it_is_said_what_the_operator_has_to_do() {
    let server = TestServer::with(|options| options.master_key = Default::default()).await;
    let mut ann = server.sign_up("ann").await;
    let refusal = ann.refused("credential_set", json!({ "name": "github", "value": VALUE })).await;
    assert_eq!(refusal.code, "not_allowed");
    assert!(
        refusal.text.contains("SESSILE_MASTER_KEY") && refusal.text.contains("master-key generate"),
        "{}",
        refusal.text
    );
    assert_eq!(ann.tool("credential_list", json!({})).await["credentials"], json!([]));
    let shown = format!("{:?}", master_key(MASTER_KEY));
    assert!(!shown.contains(MASTER_KEY), "{shown}");
    server.stop().await;
}
