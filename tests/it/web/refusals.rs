//! What is refused, with which status, and what it says: never a secret.

use super::{bearing, credentials, post, refused, sign_up};
use crate::support::http::{request, send};
use crate::support::{PASSWORD, TestServer, email};
use serde_json::json;
use sessile::session::RateOptions;
use std::time::Duration;

const JSON: (&str, &str) = ("Content-Type", "application/json");

#[tokio::test]
async fn what_is_not_as_the_schema_says_is_refused_by_name() {
    let server = TestServer::start().await;
    for (path, body, names) in [
        ("/auth/sign-up", json!({}), "email"),
        ("/auth/sign-up", json!({ "email": "ann", "password": PASSWORD, "tenant_name": "T" }), "email"),
        ("/auth/sign-up", json!({ "email": email("ann"), "password": "short", "tenant_name": "T" }), "password"),
        ("/auth/sign-up", json!({ "email": email("ann"), "password": PASSWORD, "tenant_name": " " }), "tenant_name"),
        (
            "/auth/sign-up",
            json!({ "email": email("ann"), "password": PASSWORD, "tenant_name": "T", "role": "owner" }),
            "role",
        ),
        ("/auth/sign-in", json!({ "email": email("ann") }), "password"),
        ("/auth/refresh", json!({}), "refresh_token"),
        ("/auth/sign-in", json!({ "email": email("ann"), "password": 12_345_678 }), "password"),
        ("/auth/sign-in", json!({ "email": email("ann"), "password": PASSWORD, "tenant": 1 }), "tenant"),
        ("/auth/sign-in", json!([email("ann"), PASSWORD]), "object"),
        ("/auth/refresh", json!({ "refresh_token": "" }), "refresh_token"),
        ("/auth/refresh", json!({ "refresh_token": "a b" }), "refresh_token"),
        ("/auth/refresh", json!({ "refresh_token": "x".repeat(201) }), "refresh_token"),
        ("/auth/refresh", json!({ "token": "sessile_refresh_00" }), "token"),
    ] {
        let message = refused(&post(&server, path, &body).await, 400, "invalid_arguments");
        assert!(message.contains(path) && message.contains(names), "{path} {body}: {message}");
    }
    for text in ["", "{", "null", "{\"email\": \"a@b.c\",}", "{\"email\":\"a@b.c\",\"email\":\"a@b.c\"}"] {
        let response = send(server.address(), "POST /auth/sign-in", &[JSON], text).await;
        refused(&response, 400, "invalid_arguments");
    }
}

#[tokio::test]
async fn bodies_are_json_and_not_too_large() {
    let server = TestServer::start().await;
    sign_up(&server, "ann").await;
    let body = credentials("ann").to_string();
    for kind in ["application/json", "Application/JSON", "application/json; charset=utf-8"] {
        let response = send(server.address(), "POST /auth/sign-in", &[("Content-Type", kind)], &body).await;
        assert_eq!(response.status, 200, "{kind}");
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
        let response = send(server.address(), "POST /auth/sign-in", &[("Content-Type", kind)], &body).await;
        refused(&response, 415, "unsupported_media_type");
    }
    refused(&send(server.address(), "POST /auth/sign-in", &[], &body).await, 415, "unsupported_media_type");
    // Spaces around it are JSON too.
    let fits = format!("{}{body}", " ".repeat(65_536 - body.len()));
    assert_eq!(send(server.address(), "POST /auth/sign-in", &[JSON], &fits).await.status, 200);
    refused(&send(server.address(), "POST /auth/sign-in", &[JSON], &format!(" {fits}")).await, 413, "too_large");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let server = TestServer::with(|options| options.handshake = Duration::from_millis(100)).await;
    let headers = [JSON, ("Content-Length", "10")];
    refused(&request(server.address(), "POST /auth/sign-in", &headers).await, 408, "timeout");
}

#[tokio::test]
async fn another_method_is_told_which_one_it_is() {
    let server = TestServer::start().await;
    for (line, allow) in [
        ("GET /auth/sign-up", "POST"),
        ("PUT /auth/sign-in", "POST"),
        ("OPTIONS /auth/refresh", "POST"),
        ("DELETE /auth/sign-out", "POST"),
        ("POST /auth/me", "GET, HEAD"),
        ("POST /.well-known/jwks.json", "GET, HEAD"),
        ("PATCH /openapi.json", "GET, HEAD"),
    ] {
        let response = request(server.address(), line, &[]).await;
        refused(&response, 405, "method_not_allowed");
        assert_eq!(response.header("allow"), Some(allow), "{line}");
    }
}

#[tokio::test]
async fn wrong_credentials_are_slowed_down_and_look_alike() {
    let server = TestServer::with(|options| options.throttle.free_failures = 2).await;
    sign_up(&server, "ann").await;
    for name in ["ann", "nobody"] {
        let wrong = json!({ "email": email(name), "password": "a wrong guess" });
        for _ in 0..2 {
            let response = post(&server, "/auth/sign-in", &wrong).await;
            assert_eq!(refused(&response, 401, "invalid_credentials"), "Wrong email or password.");
            assert_eq!(response.header("www-authenticate"), Some(r#"Bearer realm="sessile""#));
        }
        let response = post(&server, "/auth/sign-in", &wrong).await;
        refused(&response, 429, "too_many_attempts");
        assert_eq!(response.header("retry-after"), Some("1"));
        // The tools count the same failures.
        let refusal = server.connect().await.refused("auth_sign_in", wrong).await;
        assert_eq!(refusal.code, "too_many_attempts");
    }
    let taken = json!({ "email": email("ann"), "password": PASSWORD, "tenant_name": "T" });
    refused(&post(&server, "/auth/sign-up", &taken).await, 429, "too_many_attempts");
}

#[tokio::test]
async fn an_address_is_taken_once() {
    let server = TestServer::start().await;
    sign_up(&server, "ann").await;
    let again = json!({ "email": email("ann").to_uppercase(), "password": PASSWORD, "tenant_name": "T" });
    refused(&post(&server, "/auth/sign-up", &again).await, 409, "already_exists");
}

#[tokio::test]
async fn a_disabled_account_and_a_suspended_tenant_are_told_so() {
    let server = TestServer::start().await;
    let ann = sign_up(&server, "ann").await;
    let (user, tenant, tokens) = (&ann["user"]["id"], &ann["tenant"]["id"], &ann["tokens"]);
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    for (close, id, open) in [
        (
            "UPDATE app_user SET disabled_at = 1 WHERE id = $1",
            user,
            "UPDATE app_user SET disabled_at = NULL WHERE id = $1",
        ),
        (
            "UPDATE tenant SET suspended_at = 1 WHERE id = $1",
            tenant,
            "UPDATE tenant SET suspended_at = NULL WHERE id = $1",
        ),
    ] {
        server.administer(close, id, user).await;
        refused(&post(&server, "/auth/sign-in", &credentials("ann")).await, 403, "not_allowed");
        refused(&bearing(&server, "GET /auth/me", &tokens["access_token"]).await, 403, "not_allowed");
        refused(&post(&server, "/auth/refresh", &refresh).await, 403, "not_allowed");
        server.administer(open, id, user).await;
        assert_eq!(bearing(&server, "GET /auth/me", &tokens["access_token"]).await.status, 200);
    }
}

#[tokio::test]
async fn a_token_has_to_come_and_to_be_one() {
    let server = TestServer::start().await;
    for line in ["GET /auth/me", "POST /auth/sign-out"] {
        let response = request(server.address(), line, &[]).await;
        refused(&response, 401, "not_signed_in");
        assert_eq!(response.header("www-authenticate"), Some(r#"Bearer realm="sessile""#));
        for value in ["Bearer", "Bearer nonsense", "Basic YTpi", "Bearer sessile_key_00", "Bearer e30.e30.e30", ""] {
            let response = request(server.address(), line, &[("Authorization", value)]).await;
            let message = refused(&response, 401, "invalid_token");
            let challenge = response.header("www-authenticate").unwrap_or_default();
            assert!(challenge.starts_with(r#"Bearer error="invalid_token", error_description=""#), "{challenge}");
            assert!(!message.contains("nonsense") && !message.contains("YTpi"), "{message}");
        }
    }
}

#[tokio::test]
async fn no_refusal_repeats_a_secret() {
    let server = TestServer::start().await;
    let ann = sign_up(&server, "ann").await;
    let secret = "sessile_refresh_5ec7e75ec7e75ec7e75ec7e75ec7e75ec7e75ec7";
    for body in [
        json!({ "email": email("ann"), "password": "5ec7e7-5ec7e7" }),
        json!({ "email": email("ann"), "password": ["5ec7e7-5ec7e7"] }),
        json!({ "email": email("ann"), "password": "5ec7e7" }),
        json!({ "email": 1, "password": "5ec7e7-5ec7e7" }),
        json!({ "email": email("ann"), "password": "5ec7e7-5ec7e7", "more": true }),
        json!({ "refresh_token": secret }),
        json!({ "refresh_token": [secret] }),
        json!({ "refresh_token": format!("{secret} ") }),
    ] {
        for path in ["/auth/sign-up", "/auth/sign-in", "/auth/refresh"] {
            let response = post(&server, path, &body).await;
            assert!(response.status >= 400, "{}", response.body);
            assert!(!format!("{response:?}").contains("5ec7e7"), "{path}: {response:?}");
        }
    }
    let token = ann["tokens"]["access_token"].as_str().expect("a token");
    for token in [&token[..token.len() - 4], secret] {
        let response = bearing(&server, "GET /auth/me", &json!(token)).await;
        assert_eq!(response.status, 401);
        assert!(!format!("{response:?}").contains(token), "{response:?}");
    }
}

#[tokio::test]
async fn who_asks_too_often_from_one_address_is_slowed_down() {
    let rates = RateOptions { principal_per_second: 0, tenant_per_second: 0, address_per_second: 3 };
    let lines =
        ["POST /auth/sign-up", "POST /auth/sign-in", "POST /auth/refresh", "POST /auth/sign-out", "GET /auth/me"];
    for line in lines {
        let server = TestServer::with(|options| options.sessions.rates = rates).await;
        let mut last = request(server.address(), line, &[]).await;
        for _ in 0..100 {
            if last.status == 429 {
                break;
            }
            last = request(server.address(), line, &[]).await;
        }
        let message = refused(&last, 429, "rate_limited");
        assert!(message.contains("from this address"), "{line}: {message}");
        // It is the rate of whatever else comes from there; the public documents count towards nothing.
        for path in ["/openapi.json", "/.well-known/jwks.json"] {
            for _ in 0..10 {
                assert_eq!(request(server.address(), &format!("GET {path}"), &[]).await.status, 200, "{path}");
            }
        }
        let document = request(server.address(), "GET /openapi.json", &[]).await.json();
        let (method, path) = line.split_once(' ').expect("a method and a path");
        let documented = &document["paths"][path][method.to_lowercase()]["responses"]["429"];
        assert!(documented.is_object(), "{line}");
    }
}
