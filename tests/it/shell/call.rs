//! `sessile call` and `sessile tools`.

use super::{odd_tools, run, token, url};
use crate::support::{Gate, PASSWORD, TestServer, email};
use serde_json::json;
use std::net::TcpListener;

#[tokio::test]
async fn each_kind_of_failure_has_its_status() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let mut eve = server.sign_up("eve").await;
    let of_eve =
        eve.tool("crm_contact_create", json!({ "name": "Mona" })).await["id"].as_str().expect("an id").to_owned();
    let mut viewer = server.join(&mut ann, "vic", "viewer").await;
    let (owner, viewer) = (token(&server, &mut ann).await, token(&server, &mut viewer).await);
    let (owner, viewer) = (Some(owner.as_str()), Some(viewer.as_str()));
    // Bound and not served, so that nobody else gets the port.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let nobody = silent.local_addr().expect("an address").to_string();
    drop(silent);
    let url = url(&server);
    let foreign = format!("id={of_eve}");
    let email = format!("email={}", email("ann"));
    for (arguments, token, input, status, said) in [
        (&["call", &url, "auth_whoami"][..], None, "", 0, ""),
        (&["call", &url, "crm_contact_list", "limit=2"], owner, "", 0, ""),
        (&["call", &url, "crm_contact_list", "limt=2"], owner, "", 2, "did you mean limit?"),
        (&["call", &url, "crm_contact_list", "limit=two"], owner, "", 2, "\"two\" is not a whole number"),
        (&["call", &url, "crm_deal_list", "stage=wonn"], owner, "", 2, "did you mean won?"),
        (&["call", &url, "crm_contact_create"], owner, "", 2, "also needs name"),
        (&["call", &url, "crm_contact_list", "limit"], owner, "", 2, "name=value"),
        (&["call", &url, "crm_contact_list", "--json", "[1]"], owner, "", 2, "must be a JSON object"),
        (&["call", "not a host", "auth_whoami"], None, "", 2, "write a URL"),
        (&["call", &url, "crm_contact_list"], None, "", 3, "not_signed_in"),
        (&["call", &url, "crm_contact_create", "name=x"], viewer, "", 3, "not_allowed"),
        (&["call", &url, "auth_sign_in", &email, "password=-"], None, "a wrong one", 3, "invalid_credentials"),
        (&["call", &url, "auth_whoami"], Some("sessile_key_0000"), "", 3, "401"),
        (&["call", &url, "crm_contact_get", &foreign], owner, "", 4, "not_found"),
        (&["call", &url, "crm_contact_list", "limit=1000"], owner, "", 4, "invalid_arguments"),
        (&["call", &nobody, "auth_whoami"], None, "", 5, "cannot reach it"),
        (&["call", &url, "crm_contct_list"], owner, "", 7, "did you mean crm_contact_list?"),
        (&["tools", &url, "crm_contct_list"], owner, "", 7, "did you mean crm_contact_list?"),
        (&["tools", &nobody], None, "", 5, "cannot reach it"),
    ] {
        let ran = run(arguments, token, input).await;
        assert_eq!(ran.status, status, "{arguments:?}: {ran:?}");
        if status == 0 {
            ran.json();
        } else {
            assert_eq!(ran.out, "", "{arguments:?}: only results are printed");
            assert!(ran.err.starts_with("sessile: ") && ran.err.contains(said), "{arguments:?}: {ran:?}");
        }
    }
    drop((ann, eve));
    server.stop().await;
}

#[tokio::test]
async fn arguments_are_what_the_schema_asks_for() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let token = token(&server, &mut ann).await;
    let url = url(&server);
    let call = async |arguments: &[&str], input: &str| {
        let arguments = [&["call", &url], arguments].concat();
        run(&arguments, Some(&token), input).await.json()
    };
    let made = call(&["crm_deal_create", "name=7", "amount=12.50", "currency=EUR", "notes=-"], "from\nbelow\n").await;
    assert_eq!((&made["name"], &made["amount"]), (&json!("7"), &json!("12.50")));
    assert!(made["notes"].as_str().is_some_and(|notes| notes.starts_with("from\nbelow")), "{made}");
    let id = format!("id={}", made["id"].as_str().expect("an id"));
    let cleared = call(&["crm_deal_update", &id, "version=1", "notes=null"], "").await;
    assert!(cleared["notes"].is_null(), "{cleared}");
    let found = call(&["crm_search", "query=7", "kinds=deal,contact", "kinds=company"], "").await;
    assert_eq!(found["hits"][0]["id"], made["id"]);
    let listed = call(&["crm_deal_list", "--json", "-", "limit=1"], "{\"stage\":\"lead\"}").await;
    assert_eq!(listed["items"][0]["id"], made["id"]);
    let whole = call(&["crm_deal_list", "--full"], "").await;
    assert_eq!(whole["structuredContent"]["items"][0]["id"], made["id"]);
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("contacts.csv");
    std::fs::write(&file, "Name,Email\nMona,mona@example.com\n").expect("it can be written");
    let csv = format!("csv=@{}", file.display());
    let imported = call(&["crm_import_contacts", &csv, "format=sessile", "dry_run=true"], "").await;
    assert!(imported.is_object(), "{imported}");
}

#[tokio::test]
async fn a_secret_is_not_taken_where_others_see_it() {
    let server = TestServer::start().await;
    let _ann = server.sign_up("ann").await;
    let (url, email) = (url(&server), format!("email={}", email("ann")));
    let argument = format!("password={PASSWORD}");
    let object = json!({ "password": PASSWORD }).to_string();
    for arguments in [&["auth_sign_in", &email, &argument][..], &["auth_sign_in", &email, "--json", &object]] {
        let ran = run(&[&["call", &url], arguments].concat(), None, "").await;
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{ran:?}");
        assert!(ran.err.contains("password=-") && !ran.err.contains(PASSWORD), "{ran:?}");
    }
    // Also of a tool that is listed after a sign-in only.
    let ran = run(&["call", &url, "auth_change_password", &format!("new_{argument}")], None, "").await;
    assert!(ran.status == 2 && !ran.err.contains(PASSWORD), "{ran:?}");
    let signed_in =
        run(&["call", &url, "auth_sign_in", &email, "password=-"], None, &format!("{PASSWORD}\n")).await.json();
    assert_eq!(signed_in["role"], "owner");
}

#[tokio::test]
async fn what_takes_too_long_is_taken_back() {
    let (gate, tool) = Gate::new();
    let server = TestServer::with_tools(vec![tool], |_| {}).await;
    let url = url(&server);
    let ran = run(&["call", &url, "test_wait", "--timeout", "1"], None, "").await;
    assert_eq!((ran.status, ran.out.as_str()), (6, ""), "{ran:?}");
    assert!(ran.err.contains("not known"), "{ran:?}");
    gate.left().await;
}

#[tokio::test]
async fn a_question_is_declined_where_nobody_can_answer() {
    let server = TestServer::with_tools(odd_tools(), |_| {}).await;
    let ran = run(&["call", &url(&server), "test_ask"], None, "").await;
    assert!(ran.err.contains("declined") && ran.err.contains("Your color?"), "{ran:?}");
    assert!(ran.out.contains("decline"), "the tool is told: {ran:?}");
}

#[tokio::test]
async fn tools_are_listed_as_json_for_programs() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let token = token(&server, &mut ann).await;
    let url = url(&server);
    let names = |listed: serde_json::Value| {
        let all = listed.as_array().expect("a list").clone();
        all.iter().map(|tool| tool["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    let all = names(run(&["tools", &url], Some(&token), "").await.json());
    assert!(all.iter().any(|name| name == "crm_contact_list"));
    let few = names(run(&["tools", &url], None, "").await.json());
    assert!(few.iter().any(|name| name == "auth_sign_in") && !few.iter().any(|name| name == "crm_contact_list"));
    let one = run(&["tools", &url, "contact_list"], Some(&token), "").await.json();
    assert_eq!(one["name"], "crm_contact_list");
    assert!(one["inputSchema"]["properties"]["limit"].is_object());
}
