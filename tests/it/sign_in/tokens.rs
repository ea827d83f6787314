//! Access and refresh tokens: what they open, and what ends them.

use crate::support::http::upgrade;
use crate::support::{Client, PASSWORD, TestServer, email};
use serde_json::{Value, json};
use sessile::auth::Token;
use sessile::error::Error;
use sessile::mcp::Step;
use sessile::session::Channel;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn text(tokens: &Value, name: &str) -> String {
    tokens[name].as_str().expect("a token").to_owned()
}

async fn access_token(server: &TestServer, client: &mut Client) -> String {
    text(&server.tokens(client).await, "access_token")
}

async fn status(server: &TestServer, token: &str) -> u16 {
    upgrade(server.address(), &[("Authorization", &format!("Bearer {token}"))]).await.status
}

async fn refresh(server: &TestServer, token: &str) -> Result<Value, Error> {
    let token = Token::new(token).expect("it may be one");
    let tokens = server.manager().strategies().tokens.refresh(&token, HERE).await?;
    Ok(serde_json::to_value(tokens).expect("tokens can be written"))
}

#[tokio::test]
async fn an_access_token_opens_a_connection_that_is_signed_in() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let token = access_token(&server, &mut ann).await;
    let entry = format!("mcp.auth.{token}, mcp");
    for headers in [("Authorization", format!("bearer {token}")), ("Sec-WebSocket-Protocol", entry)] {
        let response = upgrade(server.address(), &[(headers.0, &headers.1)]).await;
        assert_eq!(response.status, 101, "{}: {}", headers.0, response.body);
        assert!(!format!("{response:?}").contains(&token), "{}: it is echoed", headers.0);
    }
    let mut client = server.connect_by(&token).await;
    let whoami = client.tool("auth_whoami", json!({})).await;
    assert_eq!((&whoami["proof"], &whoami["role"]), (&json!("access_token"), &json!("owner")));
    assert!(whoami["until"].is_string(), "{whoami}");
    // What is proved so may manage the account, and the tokens end with the password.
    client.sign_up("bob").await;
    let mut client = server.connect_by(&token).await;
    let change = json!({ "current_password": PASSWORD, "new_password": "another long one" });
    let mut second = server.connect_by(&token).await;
    client.tool("auth_change_password", change).await;
    assert_eq!(second.closed().await.0, 4005);
    assert_eq!(client.tool("auth_whoami", json!({})).await["proof"], "password");
    assert_eq!(status(&server, &token).await, 401);
    server.stop().await;
}

#[tokio::test]
async fn what_ends_a_sign_in_ends_its_connections_within_one_call() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let mut bob = server.join(&mut ann, "bob", "member").await;
    let bobs_id = bob.tool("auth_whoami", json!({})).await["user"]["id"].clone();

    // A role is another one at once.
    let token = access_token(&server, &mut bob).await;
    let mut client = server.connect_by(&token).await;
    ann.tool("tenant_set_role", json!({ "user_id": bobs_id, "role": "viewer" })).await;
    let refusal = client.refused("crm_company_create", json!({ "name": "Pine" })).await;
    assert_eq!(refusal.code, "not_allowed");

    // Who signs out ends what that sign-in gave, and nothing else.
    let other = access_token(&server, &mut bob).await;
    let principal = server.principal(&mut client).await;
    assert!(server.manager().strategies().tokens.sign_out(&principal).await.expect("it is ended"));
    assert_eq!(client.closed().await, (4007, "credential-revoked".to_owned()));
    assert_eq!([status(&server, &token).await, status(&server, &other).await], [401, 101]);

    let mut client = server.connect_by(&other).await;
    ann.tool("tenant_remove_member", json!({ "user_id": bobs_id })).await;
    assert_eq!(client.closed().await.0, 4006);
    assert_eq!(status(&server, &other).await, 401);
}

#[tokio::test]
async fn a_refresh_token_is_good_for_one_use_and_a_second_one_ends_all() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let first = server.tokens(&mut ann).await;
    let second = refresh(&server, &text(&first, "refresh_token")).await.expect("it is good");
    assert_eq!((&second["token_type"], &second["expires_in"]), (&json!("Bearer"), &json!(600)));
    let mut client = server.connect_by(&text(&second, "access_token")).await;
    let third = refresh(&server, &text(&second, "refresh_token")).await.expect("it is good");

    let reuse = refresh(&server, &text(&first, "refresh_token")).await.expect_err("it was used");
    assert_eq!(reuse.code(), "invalid_token");
    assert_eq!(client.closed().await.0, 4007);
    for tokens in [first, second, third] {
        assert_eq!(status(&server, &text(&tokens, "access_token")).await, 401);
        assert!(refresh(&server, &text(&tokens, "refresh_token")).await.is_err());
    }
    assert!(refresh(&server, "sessile_refresh_00").await.is_err());
    let log = ann.tool("tenant_audit_log", json!({ "action": "auth.refresh_reuse" })).await;
    assert_eq!(log["entries"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn of_two_who_refresh_at_once_at_most_one_is_served() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    for _ in 0..10 {
        let token = text(&server.tokens(&mut ann).await, "refresh_token");
        let (one, other) = tokio::join!(refresh(&server, &token), refresh(&server, &token));
        let served: Vec<_> = [one, other].into_iter().flatten().collect();
        assert!(served.len() <= 1);
        for tokens in served {
            assert!(refresh(&server, &text(&tokens, "refresh_token")).await.is_err(), "the family is ended");
        }
    }
}

#[tokio::test]
async fn an_idle_connection_ends_when_its_sign_in_does() {
    let server = TestServer::with(|options| {
        options.tokens.refresh = Duration::from_millis(500);
        options.sessions.ping_interval = Duration::from_millis(50);
    })
    .await;
    let mut ann = server.sign_up("ann").await;
    let token = access_token(&server, &mut ann).await;
    let mut client = server.connect_by(&token).await;
    assert_eq!(client.closed().await, (4008, "credential-expired".to_owned()));
    assert_eq!(status(&server, &token).await, 401);
}

#[tokio::test]
async fn a_key_that_was_replaced_still_verifies_what_it_signed() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let old = access_token(&server, &mut ann).await;
    let keys = || async {
        let set = server.manager().strategies().tokens.keys().jwks().await.expect("there are keys");
        let set: Value = serde_json::from_str(&set).expect("JSON");
        assert!(!set.to_string().contains("\"d\""), "it has no private part");
        set["keys"].as_array().expect("a list").len()
    };
    assert_eq!(keys().await, 1);
    server.manager().strategies().tokens.keys().rotate().await.expect("it is replaced");
    let new = access_token(&server, &mut ann).await;
    assert_ne!(old.split('.').next(), new.split('.').next(), "another key signs");
    assert_eq!([status(&server, &old).await, status(&server, &new).await], [101, 101]);
    assert_eq!(keys().await, 2);
    // Once no token that it signed can be good any more, it is of no use.
    let write = sessile::store::Write::new().run("UPDATE signing_key SET retired_at = 1 WHERE retired_at > 1", vec![]);
    server.store().write(write).await.expect("it runs");
    server.manager().strategies().tokens.keys().look().await.expect("it looks");
    assert_eq!(keys().await, 1);
}

/// Calls a tool as a request that brings its own proof, if any.
async fn per_request(server: &TestServer, token: Option<&str>, name: &str, arguments: Value) -> Value {
    let manager = server.manager();
    let open = manager.open_per_request(HERE).expect("there is room");
    if let Some(token) = token {
        let token = Token::new(token).expect("it may be one");
        let principal = manager.strategies().bearers.admit(&token, HERE).await.expect("it is good");
        manager.sign_in(&open, principal).expect("there is room");
    }
    let before = open.principal().map(|principal| principal.tenant());
    let params = json!({ "name": name, "arguments": arguments });
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
    let channel = Channel::request(Arc::clone(&open), open.principal(), Arc::default());
    let answer = match server.dispatcher().receive(&channel, &call) {
        Step::Run(running) => running.await.expect("an answer"),
        Step::Answer(answer) => answer,
        other => panic!("there should be an answer: {other:?}"),
    };
    assert_eq!(open.principal().map(|principal| principal.tenant()), before, "{name} changed the session");
    let answer: Value = serde_json::from_str(&answer.text).expect("JSON");
    let words = answer["result"]["content"].to_string();
    if let Some(tokens) = answer["result"]["structuredContent"].get("tokens") {
        for token in ["access_token", "refresh_token"] {
            assert!(!words.contains(&text(tokens, token)), "{name}: a token is among the words");
        }
    }
    answer["result"].clone()
}

#[tokio::test]
async fn where_each_request_brings_its_proof_a_sign_in_gives_tokens() {
    let server = TestServer::start().await;
    let mut eve = server.sign_up("eve").await;
    let code = eve.tool("tenant_invite", json!({})).await["code"].clone();
    let sign_up = json!({ "email": email("ann"), "password": PASSWORD, "tenant_name": "ann's" });
    let mut tokens = Vec::new();
    let mut take = |result: Value| {
        assert_eq!(result["structuredContent"]["tokens"]["token_type"], "Bearer", "{result}");
        tokens.push(text(&result["structuredContent"]["tokens"], "access_token"));
        tokens.last().expect("there is one").clone()
    };
    take(per_request(&server, None, "auth_sign_up", sign_up).await);
    let arguments = json!({ "email": email("ann"), "password": PASSWORD });
    let home = take(per_request(&server, None, "auth_sign_in", arguments).await);
    let away = take(per_request(&server, Some(&home), "tenant_join", json!({ "code": code })).await);
    let back = take(per_request(&server, Some(&away), "tenant_switch", json!({ "to": "ann's" })).await);
    for (token, tenant) in [(&home, "ann's"), (&away, "eve's"), (&back, "ann's")] {
        let whoami = per_request(&server, Some(token), "auth_whoami", json!({})).await;
        assert_eq!(whoami["structuredContent"]["tenant"]["name"], tenant);
    }
    assert_eq!(per_request(&server, Some(&back), "auth_sign_out", json!({})).await["isError"], Value::Null);
    assert_eq!([status(&server, &home).await, status(&server, &back).await], [101, 401]);
    let change = json!({ "current_password": PASSWORD, "new_password": "another long one" });
    let last = take(per_request(&server, Some(&home), "auth_change_password", change).await);
    for token in tokens {
        assert_eq!(status(&server, &token).await == 101, token == last);
    }
    let mut ann = server.connect_by(&last).await;
    let key = text(&ann.tool("auth_create_api_key", json!({ "name": "a script" })).await, "key");
    assert_eq!(per_request(&server, Some(&key), "auth_sign_out", json!({})).await["isError"], true);
    ann.close().await;
    server.stop().await;
}
