//! The plain JSON side: what web apps and scripts sign in with.

mod document;
mod refusals;
mod tokens;

use crate::support::http::{Response, request, send};
use crate::support::{PASSWORD, TestServer, email};
use serde_json::{Value, json};

/// Sends JSON to an endpoint.
async fn post(server: &TestServer, path: &str, body: &Value) -> Response {
    let json = [("Content-Type", "application/json")];
    send(server.address(), &format!("POST {path}"), &json, &body.to_string()).await
}

/// Asks an endpoint as the holder of a token.
async fn bearing(server: &TestServer, line: &str, token: &Value) -> Response {
    let header = format!("Bearer {}", token.as_str().expect("a token"));
    request(server.address(), line, &[("Authorization", &header)]).await
}

/// What somebody signs in with.
fn credentials(name: &str) -> Value {
    json!({ "email": email(name), "password": PASSWORD })
}

/// Signs up as the owner of a new tenant.
async fn sign_up(server: &TestServer, name: &str) -> Value {
    let body = json!({ "email": email(name), "password": PASSWORD, "tenant_name": format!("{name}'s") });
    let response = post(server, "/auth/sign-up", &body).await;
    assert_eq!(response.status, 201, "{}", response.body);
    assert_eq!(response.header("cache-control"), Some("no-store"));
    response.json()
}

/// Checks a refusal: its status and its word, and gives its sentence.
fn refused(response: &Response, status: u16, code: &str) -> String {
    let body = response.json();
    assert_eq!((response.status, body["error"].as_str()), (status, Some(code)), "{body}");
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert_eq!(response.header("www-authenticate").is_some(), status == 401, "{body}");
    let seconds = response.header("retry-after").map(|seconds| seconds.parse().expect("a number"));
    assert_eq!(body["retry_after_seconds"].as_u64(), seconds);
    assert_eq!(seconds.is_some(), matches!(status, 429 | 503), "{body}");
    body["message"].as_str().expect("a sentence").to_owned()
}
