//! The OpenAPI document says what is served, and nothing else; and the public keys verify what is issued.

use super::sign_up;
use crate::support::TestServer;
use crate::support::http::request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];

async fn document(server: &TestServer) -> Value {
    let response = request(server.address(), "GET /openapi.json", &[]).await;
    assert_eq!((response.status, response.header("cache-control")), (200, Some("public, max-age=300")));
    response.json()
}

#[tokio::test]
async fn the_document_lists_the_routes_that_are_served() {
    let server = TestServer::start().await;
    let document = document(&server).await;
    let paths = document["paths"].as_object().expect("paths");
    // A route may answer with 404 of its own; that nothing is there is said in other words.
    let nothing = request(server.address(), "GET /auth", &[]).await;
    assert_eq!(nothing.status, 404);
    for (path, item) in paths.iter().filter(|(path, _)| *path != "/mcp") {
        let mut served = BTreeSet::new();
        for method in METHODS {
            let response = request(server.address(), &format!("{method} {path}"), &[("Connection", "close")]).await;
            assert_ne!(response.body, nothing.body, "{method} {path}");
            let documented = item.get(method.to_lowercase()).is_some();
            assert_eq!(response.status == 405, !documented, "{method} {path}: {}", response.status);
            if let Some(allow) = response.header("allow") {
                served.extend(allow.split(", ").filter(|method| *method != "HEAD").map(str::to_lowercase));
            }
        }
        let documented = item.as_object().expect("a path").keys().cloned().collect();
        assert_eq!(served, documented, "{path}: what Allow lists is what is documented");
    }
    let documented: BTreeSet<_> = paths.keys().cloned().collect();
    assert_eq!(routes(), documented, "what the router matches is what is documented");
}

/// The paths in the router's sources.
fn routes() -> BTreeSet<String> {
    let sources =
        ["server/http.rs", "server/auth_api.rs", "server/well_known.rs", "upstream/oauth/page.rs"].map(|name| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(name);
            fs::read_to_string(path).expect("the router is there")
        });
    let literals = sources.iter().flat_map(|source| source.split('"').skip(1).step_by(2));
    let is_path = |text: &&str| text.starts_with('/') && !text.contains(char::is_whitespace) && text.len() > 1;
    let mut paths: BTreeSet<_> = literals.filter(is_path).map(str::to_owned).collect();
    // It is matched in two parts.
    paths.insert("/.well-known/oauth-protected-resource/mcp".into());
    paths
}

#[tokio::test]
async fn every_answer_of_the_document_has_what_goes_with_its_status() {
    let server = TestServer::start().await;
    let document = document(&server).await;
    let operations = document["paths"].as_object().expect("paths").values().flat_map(|item| item.as_object());
    for operation in operations.flat_map(|item| item.values()).filter(|operation| operation["responses"].is_object()) {
        for (status, response) in operation["responses"].as_object().expect("responses") {
            let response = match response["$ref"].as_str() {
                Some(reference) => document.pointer(&reference[1..]).expect("it leads somewhere"),
                None => response,
            };
            let has = |name: &str| response["headers"].get(name).is_some();
            let plain = response["content"].get("text/plain").is_some();
            assert_eq!(has("WWW-Authenticate"), status == "401", "{response}");
            assert_eq!(has("Retry-After"), !plain && matches!(&**status, "429" | "503"), "{response}");
            assert_eq!(has("Allow"), status == "405", "{response}");
            assert!(response["description"].is_string());
        }
        let needs_token = operation["responses"].get("401").is_some() && operation.get("requestBody").is_none();
        assert_eq!(operation.get("security").is_some(), needs_token, "{operation}");
    }
}

#[tokio::test]
async fn examples_fit_their_schemas() {
    let server = TestServer::start().await;
    let document = document(&server).await;
    let mut checked = 0;
    let mut check = |content: &Value| {
        let Some(media) = content.get("application/json") else { return };
        let Some(example) = media.get("example") else { return };
        let schema = serde_json::json!({ "$ref": media["schema"]["$ref"], "components": document["components"] });
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).expect("it is a schema");
        let errors: Vec<_> = validator.iter_errors(example).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{example}: {errors:?}");
        checked += 1;
    };
    for response in document["components"]["responses"].as_object().expect("responses").values() {
        check(&response["content"]);
    }
    let items = document["paths"].as_object().expect("paths").values();
    for operation in items.filter_map(Value::as_object).flat_map(|item| item.values()) {
        check(&operation["requestBody"]["content"]);
        for response in operation["responses"].as_object().into_iter().flat_map(|all| all.values()) {
            check(&response["content"]);
        }
    }
    assert!(checked > 15, "{checked}");
}

#[tokio::test]
async fn the_public_keys_are_those_that_sign() {
    let server = TestServer::start().await;
    let new = sign_up(&server, "ann").await;
    let token = new["tokens"]["access_token"].as_str().expect("a token");
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().expect("a header")).expect("base64url");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    let response = request(server.address(), "GET /.well-known/jwks.json", &[]).await;
    assert_eq!((response.status, response.header("cache-control")), (200, Some("public, max-age=300")));
    let keys = response.json();
    let key = keys["keys"].as_array().expect("keys").iter().find(|key| key["kid"] == header["kid"]);
    let key = key.expect("the key that signed is there");
    assert!(key.get("d").is_none(), "a private key is nobody else's");
    let x = key["x"].as_str().expect("a public key");
    let decoding = jsonwebtoken::DecodingKey::from_ed_components(x).expect("it is a key");
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::EdDSA);
    validation.validate_aud = false;
    let claims = jsonwebtoken::decode::<Value>(token, &decoding, &validation).expect("it verifies").claims;
    assert_eq!((&claims["sub"], &claims["tenant"]), (&new["user"]["id"], &new["tenant"]["id"]));
    assert_eq!(request(server.address(), "HEAD /.well-known/jwks.json", &[]).await.status, 200);
}
