//! From a sign-up to a sign-out by plain JSON, and what ends a sign-in meanwhile.

use super::{bearing, credentials, post, refused, sign_up};
use crate::support::{TestServer, email};
use serde_json::{Value, json};

async fn refresh(server: &TestServer, tokens: &Value) -> super::Response {
    post(server, "/auth/refresh", &json!({ "refresh_token": tokens["refresh_token"] })).await
}

#[tokio::test]
async fn who_signs_up_or_in_gets_tokens_that_say_who_they_are() {
    let server = TestServer::start().await;
    let new = sign_up(&server, "ann").await;
    assert_eq!(new["user"]["email"], email("ann"));
    assert_eq!((&new["tenant"]["name"], &new["role"]), (&json!("ann's"), &json!("owner")));
    assert_eq!(new["tenants"], json!([{ "id": new["tenant"]["id"], "name": "ann's", "role": "owner" }]));
    let tokens = &new["tokens"];
    assert_eq!(
        [&tokens["token_type"], &tokens["expires_in"], &tokens["refresh_expires_in"]],
        [&json!("Bearer"), &json!(600), &json!(30 * 86_400)]
    );

    let response = post(&server, "/auth/sign-in", &credentials("ann")).await;
    assert_eq!((response.status, response.header("cache-control")), (200, Some("no-store")));
    let known = response.json();
    assert_eq!([&known["user"], &known["tenant"], &known["role"]], [&new["user"], &new["tenant"], &new["role"]]);

    for tokens in [&new["tokens"], &known["tokens"]] {
        let response = bearing(&server, "GET /auth/me", &tokens["access_token"]).await;
        assert_eq!((response.status, response.header("cache-control")), (200, Some("no-store")));
        let me = response.json();
        assert_eq!([&me["user"], &me["tenant"], &me["tenants"]], [&new["user"], &new["tenant"], &new["tenants"]]);
        assert_eq!((&me["role"], &me["proof"]), (&json!("owner"), &json!("access_token")));
        assert!(me["until"].is_string(), "{me}");
    }
    // The same token opens a WebSocket, and the audit log tells of each sign-in.
    let mut client = server.connect_by(known["tokens"]["access_token"].as_str().expect("a token")).await;
    let log = client.tool("tenant_audit_log", json!({})).await.to_string();
    assert!(log.contains("auth.sign_up") && log.contains("auth.sign_in"), "{log}");
    server.stop().await;
}

#[tokio::test]
async fn one_signs_in_to_the_tenant_that_one_names_or_is_invited_to() {
    let server = TestServer::start().await;
    let (mut ann, bob) = (server.sign_up("ann").await, sign_up(&server, "bob").await);
    let invited = ann.tool("tenant_invite", json!({ "role": "member" })).await;
    let mut with = credentials("bob");
    with["invitation"] = invited["code"].clone();
    let joined = post(&server, "/auth/sign-in", &with).await.json();
    assert_eq!((&joined["tenant"]["name"], &joined["role"]), (&json!("ann's"), &json!("member")));
    assert_eq!(joined["tenants"].as_array().map(Vec::len), Some(2));
    refused(&post(&server, "/auth/sign-in", &with).await, 404, "not_found");

    for (tenant, name) in [(&bob["tenant"]["id"], "bob's"), (&json!("ann's"), "ann's"), (&Value::Null, "ann's")] {
        let mut with = credentials("bob");
        with["tenant"] = tenant.clone();
        let response = post(&server, "/auth/sign-in", &with).await;
        assert_eq!((response.status, &response.json()["tenant"]["name"]), (200, &json!(name)), "{tenant}");
    }
    let mut with = credentials("bob");
    with["tenant"] = json!("nobody's");
    refused(&post(&server, "/auth/sign-in", &with).await, 404, "not_found");

    // Of two tenants with one name, the id says which.
    let mut eve = server.sign_up("eve").await;
    let second = json!({ "email": email("eva"), "password": crate::support::PASSWORD, "tenant_name": "eve's" });
    assert_eq!(post(&server, "/auth/sign-up", &second).await.status, 201);
    let mut with = credentials("eva");
    with["invitation"] = eve.tool("tenant_invite", json!({ "role": "viewer" })).await["code"].clone();
    assert_eq!(post(&server, "/auth/sign-in", &with).await.status, 200);
    with = credentials("eva");
    with["tenant"] = json!("eve's");
    refused(&post(&server, "/auth/sign-in", &with).await, 409, "conflict");
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_its_second_use_ends_all() {
    let server = TestServer::start().await;
    let first = sign_up(&server, "ann").await["tokens"].clone();
    let response = refresh(&server, &first).await;
    assert_eq!((response.status, response.header("cache-control")), (200, Some("no-store")));
    let second = response.json();
    assert_eq!(bearing(&server, "GET /auth/me", &second["access_token"]).await.status, 200);
    assert_ne!(first["refresh_token"], second["refresh_token"]);

    let message = refused(&refresh(&server, &first).await, 401, "invalid_token");
    assert!(message.contains("used before"), "{message}");
    for tokens in [&first, &second] {
        refused(&refresh(&server, tokens).await, 401, "invalid_token");
        refused(&bearing(&server, "GET /auth/me", &tokens["access_token"]).await, 401, "invalid_token");
    }
}

#[tokio::test]
async fn what_is_signed_out_ends_at_once() {
    let server = TestServer::start().await;
    let (one, other) = (sign_up(&server, "ann").await, post(&server, "/auth/sign-in", &credentials("ann")).await);
    let (one, other) = (&one["tokens"], &other.json()["tokens"]);
    let mut client = server.connect_by(one["access_token"].as_str().expect("a token")).await;
    let response = bearing(&server, "POST /auth/sign-out", &one["access_token"]).await;
    assert_eq!((response.status, &*response.body), (204, ""));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert_eq!(client.closed().await, (4007, "credential-revoked".to_owned()));
    for line in ["GET /auth/me", "POST /auth/sign-out"] {
        refused(&bearing(&server, line, &one["access_token"]).await, 401, "invalid_token");
    }
    refused(&refresh(&server, one).await, 401, "invalid_token");
    assert_eq!(bearing(&server, "GET /auth/me", &other["access_token"]).await.status, 200);
}

#[tokio::test]
async fn an_old_token_shows_the_role_as_it_is_now() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let mut bob = server.join(&mut ann, "bob", "admin").await;
    let id = bob.tool("auth_whoami", json!({})).await["user"]["id"].clone();
    let token = server.tokens(&mut bob).await["access_token"].clone();
    assert_eq!(bearing(&server, "GET /auth/me", &token).await.json()["role"], "admin");
    ann.tool("tenant_set_role", json!({ "user_id": id, "role": "viewer" })).await;
    assert_eq!(bearing(&server, "GET /auth/me", &token).await.json()["role"], "viewer");
    ann.tool("tenant_remove_member", json!({ "user_id": id })).await;
    let gone = bearing(&server, "GET /auth/me", &token).await;
    assert!(matches!(gone.status, 401 | 403), "{}", gone.body);
}

#[tokio::test]
async fn an_api_key_is_somebody_and_has_nothing_to_sign_out_of() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let made = ann.tool("auth_create_api_key", json!({ "name": "ci", "role": "viewer" })).await;
    let key = &made["key"];
    let me = bearing(&server, "GET /auth/me", key).await.json();
    assert_eq!((&me["role"], &me["proof"]), (&json!("viewer"), &json!("api_key")));
    assert_eq!(me.get("tenants"), None, "a key is good in one tenant alone");
    let message = refused(&bearing(&server, "POST /auth/sign-out", key).await, 403, "not_allowed");
    assert!(message.contains("auth_revoke_api_key"), "{message}");
}
