//! The credential: how it is replaced, and what whoever comes with a wrong one is told.

use super::counting::Counting;
use super::{audit, cut_for_good, cut_off, outcome, run, stored};
use crate::support::{PASSWORD, TestServer, email, until};
use serde_json::{Value, json};

/// What the server says to who comes with this.
async fn told(server: &TestServer, token: Option<&str>, credential: &Value) -> (Counting, Value) {
    let mut client = Counting::silent(server.address(), token).await;
    let told = client.ask(json!({ "credential": credential, "received": 0 })).await;
    (client, told)
}

/// The same as text, but for the new session's id.
async fn told_text(server: &TestServer, credential: &Value) -> String {
    let (_, told) = told(server, None, credential).await;
    told.to_string().replace(told["session"].as_str().expect("an id"), "SESSION")
}

#[tokio::test]
async fn it_looks_as_it_should_and_only_a_hash_of_it_is_stored() {
    let server = TestServer::start().await;
    let ann = Counting::sign_up(&server, "ann").await;
    let credential = ann.credential.clone().expect("there is one");
    assert!(credential.starts_with("ssr_") && credential.len() == 70, "{credential}");
    let sql = "SELECT id || session_id || proof || secret_hash FROM resume";
    let mut row = server.store().get(sql, Vec::new()).await.expect("it can be read").expect("there is one");
    let kept = row.text().expect("a text");
    assert!(!kept.contains(&credential[27..]), "{kept}");
    server.stop().await;
}

#[tokio::test]
async fn all_that_is_wrong_looks_alike() {
    let server = TestServer::with(|options| options.sessions.resume.max_waiting = 0).await;
    let mut ann = Counting::sign_up(&server, "ann").await;
    let good = ann.credential.clone().expect("there is one");
    cut_for_good(&server, &mut ann).await;
    let mut texts = Vec::new();
    for bad in ["", "x", "ssr_", &good[..69], &format!("{good}A"), &good.to_uppercase(), &"a".repeat(100_000)] {
        texts.push((bad.chars().take(80).collect(), told_text(&server, &json!(bad)).await));
    }
    let unknown = format!("ssr_{}{}", "A".repeat(22), &good[26..]);
    texts.push(("unknown".to_owned(), told_text(&server, &json!(unknown)).await));
    assert_eq!(stored(&server).await, 1);
    // Expired.
    run(&server, "UPDATE resume SET expires_at = 1").await;
    texts.push(("expired".to_owned(), told_text(&server, &json!(good)).await));
    assert_eq!(stored(&server).await, 0);
    // A wrong secret, and what that leaves of the right one.
    let mut ann = Counting::sign_in(&server, "ann").await;
    let good = ann.credential.clone().expect("there is one");
    cut_for_good(&server, &mut ann).await;
    let mut wrong = good.clone().into_bytes();
    wrong[40] = if wrong[40] == b'A' { b'B' } else { b'A' };
    let wrong = String::from_utf8(wrong).expect("it is text");
    texts.push(("stolen".to_owned(), told_text(&server, &json!(wrong)).await));
    texts.push(("ended by that".to_owned(), told_text(&server, &json!(good)).await));
    // A disabled account.
    let mut ann = Counting::sign_in(&server, "ann").await;
    let good = ann.credential.clone().expect("there is one");
    cut_for_good(&server, &mut ann).await;
    run(&server, "UPDATE app_user SET disabled_at = 1").await;
    texts.push(("disabled".to_owned(), told_text(&server, &json!(good)).await));
    for (what, text) in &texts {
        assert_eq!(text, r#"{"outcome":"refused","received":0,"session":"SESSION","waits_seconds":120}"#, "{what}");
    }
    let audit = audit(&server).await;
    let actions: Vec<_> = audit.iter().map(|(action, _)| action.as_str()).collect();
    // Refusals are noted once a minute.
    assert_eq!(actions, ["auth.refused", "auth.resume_reuse"], "{audit:?}");
    assert!(audit[0].1.contains("expired") && audit[1].1.contains("from 127.0.0.1"), "{audit:?}");
    server.stop().await;
}

#[tokio::test]
async fn another_ones_is_refused_to_who_has_shown_a_token() {
    let server = TestServer::start().await;
    let mut ann = Counting::sign_up(&server, "ann").await;
    let mut eve = server.sign_up("eve").await;
    let key = eve.tool("auth_create_api_key", json!({ "name": "key", "role": "member" })).await;
    cut_off(&server, &mut ann).await;
    let (mut client, answer) = told(&server, key["key"].as_str(), &json!(ann.credential)).await;
    assert_eq!(outcome(&answer), "refused");
    assert!(answer["credential"].is_string(), "Eve is signed in, and can come back as herself: {answer}");
    assert_eq!(client.email().await, "eve@example.com");
    assert_eq!(outcome(&ann.come_back().await), "resumed", "Ann's is as good as before");
    server.stop().await;
}

#[tokio::test]
async fn a_new_one_comes_with_each_use_and_the_one_before_is_good_until_that_has_arrived() {
    let server = TestServer::start().await;
    let mut ann = Counting::sign_up(&server, "ann").await;
    let first = ann.credential.clone();
    for _ in 0..3 {
        // The answer gets lost, with what was in it.
        cut_off(&server, &mut ann).await;
        ann.credential.clone_from(&first);
        assert_eq!(outcome(&ann.come_back().await), "resumed");
        assert_ne!(ann.credential, first);
    }
    ann.put_control("received", json!({ "count": ann.got })).await;
    ann.email().await;
    until("it is confirmed", || server.manager().resumable() == (1, 0)).await;
    let sql = "SELECT 1 FROM resume WHERE previous_hash IS NULL";
    while server.store().get(sql, Vec::new()).await.expect("it can be read").is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    // It may have been on its way, on a connection that Ann has given up: that ends nothing.
    let (_, answer) = told(&server, None, &json!(first)).await;
    assert_eq!(outcome(&answer), "refused");
    assert_eq!(ann.email().await, "ann@example.com");
    // A secret that was never good, or long ago.
    let mut wrong = ann.credential.clone().expect("there is one");
    wrong.replace_range(40..48, "AAAAAAAA");
    let (_, answer) = told(&server, None, &json!(wrong)).await;
    assert_eq!(outcome(&answer), "refused");
    assert_eq!(ann.closed().await, (4007, "credential-revoked".into()), "somebody is a thief");
    assert_eq!(outcome(&ann.come_back().await), "refused");
    assert_eq!(stored(&server).await, 0);
    let audit = audit(&server).await;
    assert_eq!(audit.last().map(|(action, _)| action.as_str()), Some("auth.resume_reuse"));
    assert_eq!(audit.iter().filter(|(action, _)| action == "auth.resume").count(), 3);
    server.stop().await;
}

#[tokio::test]
async fn one_that_a_message_may_have_crossed_is_not_confirmed_by_it() {
    let server = TestServer::start().await;
    let mut ann = Counting::sign_up(&server, "ann").await;
    let first = ann.credential.clone();
    ann.tool("auth_sign_in", json!({ "email": email("ann"), "password": PASSWORD })).await;
    assert_ne!(ann.credential().await, first);
    ann.email().await;
    // She has said much since, and never saw the second.
    cut_off(&server, &mut ann).await;
    ann.credential = first;
    assert_eq!(outcome(&ann.come_back().await), "resumed");
    server.stop().await;
}

#[tokio::test]
async fn it_follows_the_identity() {
    let server = TestServer::start().await;
    let mut eve = server.sign_up("eve").await;
    let invited = eve.tool("tenant_invite", json!({ "role": "member" })).await;
    let mut ann = Counting::sign_up(&server, "ann").await;
    let first = ann.credential.clone();
    ann.tool("tenant_join", json!({ "code": invited["code"] })).await;
    let second = ann.credential().await;
    cut_off(&server, &mut ann).await;
    assert_eq!(outcome(&ann.come_back().await), "resumed");
    let whoami = ann.tool("auth_whoami", json!({})).await;
    assert_eq!(whoami["tenant"]["name"], "eve's");
    // Her own change of password: what was issued before is void, whoever has it.
    ann.tool("auth_change_password", json!({ "current_password": PASSWORD, "new_password": "another one" })).await;
    let third = ann.credential().await;
    assert!(first != second && second != third);
    for void in [&first, &second] {
        let (_, answer) = told(&server, None, &json!(void)).await;
        assert_eq!(outcome(&answer), "refused");
    }
    cut_off(&server, &mut ann).await;
    assert_eq!(outcome(&ann.come_back().await), "resumed");
    // Nobody, and then somebody else.
    ann.tool("auth_sign_out", json!({})).await;
    let fourth = ann.credential.clone();
    assert_eq!(ann.credential().await, None);
    ann.tool("auth_sign_in", json!({ "email": email("eve"), "password": PASSWORD })).await;
    assert!(ann.credential().await.is_some());
    let (_, answer) = told(&server, None, &json!(fourth)).await;
    assert_eq!(outcome(&answer), "refused");
    cut_off(&server, &mut ann).await;
    assert_eq!(outcome(&ann.come_back().await), "resumed");
    assert_eq!(ann.email().await, "eve@example.com");
    assert_eq!(stored(&server).await, 1);
    server.stop().await;
}

#[tokio::test]
async fn who_shows_a_token_has_one_from_the_beginning() {
    let server = TestServer::with(|options| options.sessions.resume.max_waiting = 0).await;
    let mut ann = server.sign_up("ann").await;
    let key = ann.tool("auth_create_api_key", json!({ "name": "key", "role": "viewer" })).await;
    let mut script = Counting::silent(server.address(), key["key"].as_str()).await;
    let answer = script.ask(json!({})).await;
    assert_eq!(outcome(&answer), "new");
    assert!(answer["credential"].is_string() && answer["expires_at"].is_string(), "{answer}");
    cut_for_good(&server, &mut script).await;
    // With the token, and without.
    assert_eq!(outcome(&script.come_back().await), "signed_in");
    cut_for_good(&server, &mut script).await;
    let mut script = script.without_token();
    assert_eq!(outcome(&script.come_back().await), "signed_in");
    let whoami = script.tool("auth_whoami", json!({})).await;
    assert_eq!((&whoami["proof"], &whoami["role"]), (&json!("api_key"), &json!("viewer")));
    server.stop().await;
}
