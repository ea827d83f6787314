//! Which revision a request is served as, and what each of them has.

use crate::support::{Client, TestServer};
use serde_json::{Value, json};
use sessile::wire::{Era, LEGACY, MODERN};

/// The modern era's `_meta` with these members.
fn meta(members: &[(&str, Value)]) -> Value {
    let members = members.iter().map(|(name, value)| (format!("io.modelcontextprotocol/{name}"), value.clone()));
    json!({ "_meta": members.collect::<serde_json::Map<_, _>>() })
}

#[tokio::test]
async fn initialize_agrees_on_a_legacy_revision_that_both_know() {
    let server = TestServer::start().await;
    let newest = LEGACY[0];
    let known = LEGACY.map(|version| (version, version));
    for (asked, agreed) in known.into_iter().chain([("1999-01-01", newest), (MODERN, newest), ("", newest)]) {
        let mut client = server.connect().await;
        let result = client.initialize(asked).await;
        assert_eq!(result["protocolVersion"], agreed, "asked for {asked:?}");
        assert_eq!(result["serverInfo"]["name"], "sessile");
        assert_eq!(result["capabilities"]["tools"]["listChanged"], true);
        client.expect_silence().await;
    }
    let error = server.connect().await.error("initialize", json!({})).await;
    assert_eq!(error["code"], -32602, "a handshake without a version");
}

#[tokio::test]
async fn a_person_may_type_a_call_as_the_first_line() {
    let server = TestServer::start().await;
    let mut client = server.connect().await;
    assert_eq!(client.tool("auth_whoami", json!({})).await["signed_in"], false);
    let listed = client.result("tools/list", json!({})).await;
    let names: Vec<_> = listed["tools"].as_array().expect("a list").iter().map(|tool| &tool["name"]).collect();
    assert!(names.contains(&&json!("auth_sign_in")), "{names:?}");
    assert!(!names.contains(&&json!("auth_sign_out")), "nobody is signed in: {names:?}");
}

#[tokio::test]
async fn a_modern_client_needs_no_handshake() {
    let server = TestServer::start().await;
    let mut client = server.connect_in(Era::Modern).await;
    let discovered = client.result("server/discover", json!({})).await;
    assert_eq!(discovered["supportedVersions"], json!([MODERN]));
    assert!(discovered["instructions"].as_str().is_some_and(|text| text.contains("auth_sign_in")));
    assert_eq!(client.tool("auth_whoami", json!({})).await["signed_in"], false);
    client.sign_up("ann").await;
    assert_eq!(client.tool("auth_whoami", json!({})).await["user"]["email"], "ann@example.com");
    client.expect_silence().await;
}

#[tokio::test]
async fn both_eras_share_a_connection() {
    let server = TestServer::start().await;
    let mut client = server.connect().await;
    client.initialize("2025-11-25").await;
    let modern = meta(&[("protocolVersion", json!(MODERN)), ("clientCapabilities", json!({}))]);
    assert_eq!(client.result("tools/list", modern).await["resultType"], "complete");
    assert!(client.result("tools/list", json!({})).await.get("resultType").is_none());
}

#[tokio::test]
async fn a_modern_request_carries_its_version_and_capabilities() {
    let server = TestServer::start().await;
    let mut client = server.connect().await;
    let cases = [
        (vec![("protocolVersion", json!("2030-01-01"))], -32022),
        (vec![("protocolVersion", json!("2025-11-25")), ("clientCapabilities", json!({}))], -32022),
        (vec![("protocolVersion", json!("")), ("clientCapabilities", json!({}))], -32022),
        (vec![("protocolVersion", json!(MODERN))], -32602),
        (vec![("protocolVersion", json!(MODERN)), ("clientCapabilities", json!([]))], -32602),
        (vec![("protocolVersion", json!(MODERN)), ("clientCapabilities", Value::Null)], -32602),
        (vec![("protocolVersion", json!(20_260_728)), ("clientCapabilities", json!({}))], -32602),
    ];
    for (members, code) in cases {
        let error = client.error("tools/list", meta(&members)).await;
        assert_eq!(error["code"], code, "{members:?}: {error}");
        if code == -32022 {
            assert_eq!(error["data"], json!({ "supported": [MODERN], "requested": members[0].1 }));
        }
    }
}

#[tokio::test]
async fn each_era_has_methods_that_the_other_does_not() {
    let server = TestServer::start().await;
    let mut legacy = server.sign_up("ann").await;
    let mut modern = server.sign_up_in(Era::Modern, "eve").await;

    async fn code(client: &mut Client, method: &str) -> Value {
        client.error(method, json!({})).await["code"].clone()
    }
    for method in ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"] {
        assert_eq!(code(&mut modern, method).await, -32601, "{method}");
    }
    // Whoever asks for these means to be modern, and is told what makes a request so.
    for method in ["server/discover", "subscriptions/listen"] {
        let error = legacy.error(method, json!({})).await;
        assert_eq!(error["code"], -32602);
        assert!(error["message"].as_str().is_some_and(|text| text.contains("protocolVersion")), "{error}");
    }
    for method in ["tools/frobnicate", "", "notifications/initialized"] {
        assert_eq!(code(&mut legacy, method).await, -32601, "{method:?}");
        assert_eq!(code(&mut modern, method).await, -32601, "{method:?}");
    }
}

#[tokio::test]
async fn lists_say_how_long_they_may_be_kept_in_the_modern_era_alone() {
    let server = TestServer::start().await;
    let mut modern = server.sign_up_in(Era::Modern, "ann").await;
    for (method, scope) in [
        ("tools/list", "private"),
        ("resources/list", "private"),
        ("resources/templates/list", "public"),
        ("prompts/list", "public"),
    ] {
        let result = modern.result(method, json!({})).await;
        assert_eq!(result["cacheScope"], scope, "{method}");
        assert_eq!(result["ttlMs"] == 0, scope == "private", "{method}: {}", result["ttlMs"]);
    }
    // What upstreams can do depends on who asks.
    let discovered = modern.result("server/discover", json!({})).await;
    assert_eq!((&discovered["cacheScope"], &discovered["ttlMs"]), (&json!("private"), &json!(60_000)));
    // The client checks that a legacy result has nothing of the kind.
    let mut legacy = server.sign_in("ann").await;
    for method in ["tools/list", "resources/list", "resources/templates/list", "prompts/list"] {
        legacy.result(method, json!({})).await;
    }
}

#[tokio::test]
async fn an_unknown_cursor_is_an_invalid_parameter() {
    let server = TestServer::start().await;
    for era in [Era::Legacy, Era::Modern] {
        let mut client = server.connect_in(era).await;
        for signed_in in [false, true] {
            if signed_in {
                client.sign_up(&format!("{era:?}")).await;
            }
            for method in ["tools/list", "resources/list", "resources/templates/list", "prompts/list"] {
                for cursor in ["nonsense", "", "crm://contacts/1"] {
                    let error = client.error(method, json!({ "cursor": cursor })).await;
                    assert_eq!(error["code"], -32602, "{method}, {cursor:?}: {error}");
                }
            }
        }
    }
}
