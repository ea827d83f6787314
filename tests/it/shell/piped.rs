//! The shell at the end of a pipe.

use super::{run, token, url};
use crate::support::{PASSWORD, TestServer, email};
use serde_json::{Value, json};

#[tokio::test]
async fn lines_become_lines_of_json() {
    let server = TestServer::start().await;
    let _ann = server.sign_up("ann").await;
    let input = format!(
        "sign in email={} password=\"{PASSWORD}\"\ncontact create \"Mona Lund\"\n\ncontacts list --limit 5\n\
         crm_search {{\"query\":\"mona\"}}\n{{\"id\":7,\"method\":\"ping\"}}\nwhoami\nexit\ncontacts list\n",
        email("ann")
    );
    let ran = run(&["shell", &url(&server)], None, &input).await;
    assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{ran:?}");
    assert!(!ran.out.contains('\u{1b}'), "no colour goes into a pipe");
    let lines: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 6, "{lines:?}");
    assert_eq!(lines[2]["items"][0]["id"], lines[1]["id"]);
    assert_eq!(lines[3]["hits"][0]["id"], lines[1]["id"]);
    assert_eq!(lines[4], json!({ "jsonrpc": "2.0", "id": 7, "result": {} }));
    assert_eq!(lines[5]["user"]["email"], json!(email("ann")));
}

#[tokio::test]
async fn the_status_is_that_of_the_first_failure_and_nothing_stops() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let token = token(&server, &mut ann).await;
    let ran = run(&["shell", &url(&server)], Some(&token), "contacts lst\nwhoami --jsn\nwhoami\n").await;
    assert_eq!(ran.status, 7, "{ran:?}");
    assert!(ran.err.contains("did you mean crm_contact_list?"), "{ran:?}");
    let whoami: Value = serde_json::from_str(&ran.out).expect("one result");
    assert_eq!(whoami["signed_in"], true);
}

#[tokio::test]
async fn sessions_of_the_tenant_and_of_oneself_are_told_apart() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let token = token(&server, &mut ann).await;
    let ran = run(&["shell", &url(&server)], Some(&token), "sessions\n").await;
    assert_eq!(ran.status, 2, "{ran:?}");
    assert!(ran.err.contains("auth_sessions, tenant_sessions"), "{ran:?}");
}
