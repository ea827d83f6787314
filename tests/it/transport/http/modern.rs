//! Requests of the modern era, each of which stands for itself.

use crate::support::{HttpClient, TestServer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sessile::tools::{Access, Effect, Reply, Tool};
use sessile::wire::{Era, MODERN};

#[tokio::test]
async fn a_request_needs_nothing_before_it_and_leaves_nothing_behind() {
    let server = TestServer::start().await;
    let mut client = server.http(Era::Modern);
    assert_eq!(client.result("server/discover", json!({})).await["supportedVersions"], json!([MODERN]));
    assert_eq!(client.tool("auth_whoami", json!({})).await["signed_in"], false);
    client.sign_up("ann").await;
    let company = client.tool("crm_company_create", json!({ "name": "Pine" })).await;
    let uri = format!("crm://companies/{}", company["id"].as_str().expect("an id"));
    let read = client.result("resources/read", json!({ "uri": uri })).await;
    assert!(read["contents"][0]["text"].to_string().contains("Pine"));
    client.result("tools/list", json!({})).await;
    client.result("prompts/get", json!({ "name": "daily_brief" })).await;
    assert_eq!(server.manager().counts()[0], 0, "no session was opened");
    server.stop().await;
}

#[tokio::test]
async fn statuses_say_what_the_errors_say() {
    let server = TestServer::start().await;
    let mut client = server.http(Era::Modern);
    for (method, params, status, code) in [
        ("no/such", json!({}), 404, -32601),
        ("ping", json!({}), 404, -32601),
        ("tools/call", json!({ "name": "no_such" }), 200, -32602),
        ("resources/read", json!({ "uri": "crm://companies/none" }), 200, -32602),
        ("tools/list", with_version("1900-01-01"), 400, -32022),
        ("tools/list", with_version("2025-11-25"), 400, -32022),
    ] {
        let id = client.start(method, params).await;
        assert_eq!(client.head(&id).await, status, "{method}");
        assert_eq!(client.response(&id).await["error"]["code"], code, "{method}");
    }
    let head = [("MCP-Protocol-Version", MODERN), ("Mcp-Method", "tools/list")];
    for (body, status, code) in [
        ("{", 400, -32700),
        ("[]", 400, -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"tools/list"}"#, 400, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, 400, -32600),
        // The metadata is missing, or half of it.
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, 400, -32602),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#,
            400,
            -32602,
        ),
    ] {
        let mut answer = client.post(&head, body).await;
        let error: Value = serde_json::from_str(&answer.text().await).expect("JSON");
        assert_eq!((answer.status, &error["error"]["code"]), (status, &json!(code)), "{body}");
    }
    let notification = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
    assert_eq!(client.post(&head[..1], notification).await.status, 202);
}

fn with_version(version: &str) -> Value {
    let capabilities = "io.modelcontextprotocol/clientCapabilities";
    json!({ "_meta": { "io.modelcontextprotocol/protocolVersion": version, capabilities: {} } })
}

#[tokio::test]
async fn too_many_failed_sign_ins_are_answered_with_429() {
    let server = TestServer::with(|options| options.throttle.free_failures = 1).await;
    let mut client = server.http_sign_up(Era::Modern, "ann").await;
    let wrong = json!({ "email": "ann@example.com", "password": "a wrong one, surely" });
    let params = json!({ "name": "auth_sign_in", "arguments": wrong });
    let mut status = 0;
    for _ in 0..4 {
        let id = client.start("tools/call", params.clone()).await;
        status = client.head(&id).await;
        if status == 429 {
            let wait: u64 = client.exchange(&id).header("retry-after").and_then(|s| s.parse().ok()).expect("seconds");
            assert!(wait >= 1);
        }
        client.response(&id).await;
    }
    assert_eq!(status, 429);
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Places {
    /// Where to look.
    #[schemars(extend("x-mcp-header" = "Region"))]
    region: Option<String>,
    /// How deep.
    #[schemars(extend("x-mcp-header" = "Depth"))]
    depth: Option<i64>,
    /// Whether all of it.
    #[schemars(extend("x-mcp-header" = "All"))]
    all: Option<bool>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Found {
    said: String,
}

fn tool_with_headers() -> Tool {
    Tool::about_sessions("test_places", Access::Anyone, Effect::Reads, |_, places: Places| async move {
        let Places { region, depth, all } = places;
        Ok(Reply::new(Found { said: format!("{region:?} {depth:?} {all:?}") }, "Found."))
    })
}

/// Makes a request with these headers besides those that repeat it or in place of them, and gives status and code.
async fn post(client: &mut HttpClient, method: &str, params: Value, headers: &[(&str, &str)]) -> (u16, i64) {
    let (message, usual) = client.message(method, params);
    let replaced = |name: &str| headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
    let mut all: Vec<_> =
        usual.iter().filter(|(name, _)| !replaced(name)).map(|(name, value)| (*name, value.as_str())).collect();
    all.extend(headers);
    let mut answer = client.post(&all, &message.to_string()).await;
    let body: Value = serde_json::from_str(&answer.text().await).expect("JSON");
    (answer.status, body["error"]["code"].as_i64().unwrap_or_default())
}

/// A method, its parameters, headers in place of the usual ones, and what the answer is to be.
type Case<'a> = (&'a str, Value, &'a [(&'a str, &'a str)], (u16, i64));

#[tokio::test]
async fn headers_have_to_repeat_what_the_body_says() {
    let server = TestServer::with_tools(vec![tool_with_headers()], |_| {}).await;
    let mut client = server.http(Era::Modern);
    let call = |arguments: Value| json!({ "name": "test_places", "arguments": arguments });
    let (good, bad) = ((200, 0), (400, -32020));
    let cases: &[Case<'_>] = &[
        ("tools/list", json!({}), &[], good),
        ("tools/list", json!({}), &[("mcp-METHOD", "tools/list")], good),
        ("tools/list", json!({}), &[("Mcp-Method", "")], bad),
        ("tools/list", json!({}), &[("Mcp-Method", "tools/call")], bad),
        ("tools/list", json!({}), &[("Mcp-Method", "TOOLS/LIST")], bad),
        ("tools/list", json!({}), &[("MCP-Protocol-Version", "")], bad),
        ("tools/list", json!({}), &[("MCP-Protocol-Version", "2025-11-25")], bad),
        ("tools/call", json!({ "name": "auth_whoami" }), &[], good),
        ("tools/call", json!({ "name": "auth_whoami" }), &[("Mcp-Name", "")], bad),
        ("tools/call", json!({ "name": "auth_whoami" }), &[("Mcp-Name", "auth_sign_out")], bad),
        ("tools/call", json!({ "name": "auth_whoami" }), &[("Mcp-Name", "=?base64?YXV0aF93aG9hbWk=?=")], good),
        ("tools/call", json!({ "name": "auth_whoami" }), &[("Mcp-Name", "=?base64?!?=")], bad),
        ("tools/call", json!({ "name": "auth_whoami" }), &[("Mcp-Name", "auth_whoami\u{e9}")], bad),
        ("tools/call", call(json!({ "region": "us" })), &[("Mcp-Param-Region", "us")], good),
        ("tools/call", call(json!({ "region": "us" })), &[("mcp-param-REGION", "us")], good),
        ("tools/call", call(json!({ "region": "us" })), &[("Mcp-Param-Region", "US")], bad),
        ("tools/call", call(json!({ "region": "us" })), &[], bad),
        ("tools/call", call(json!({ "region": null })), &[], good),
        ("tools/call", call(json!({})), &[], good),
        ("tools/call", call(json!({})), &[("Mcp-Param-Region", "us")], bad),
        ("tools/call", call(json!({})), &[("Mcp-Param-Other", "us")], good),
        (
            "tools/call",
            call(json!({ "region": "Hello, 世界" })),
            &[("Mcp-Param-Region", "=?base64?SGVsbG8sIOS4lueVjA==?=")],
            good,
        ),
        ("tools/call", call(json!({ "depth": 42 })), &[("Mcp-Param-Depth", "42")], good),
        ("tools/call", call(json!({ "depth": 42 })), &[("Mcp-Param-Depth", "42.0")], good),
        ("tools/call", call(json!({ "depth": 42 })), &[("Mcp-Param-Depth", "43")], bad),
        ("tools/call", call(json!({ "depth": 42 })), &[("Mcp-Param-Depth", "x")], bad),
        ("tools/call", call(json!({ "all": true })), &[("Mcp-Param-All", "true")], good),
        ("tools/call", call(json!({ "all": true })), &[("Mcp-Param-All", "True")], bad),
    ];
    for (method, params, headers, expected) in cases {
        assert_eq!(
            post(&mut client, method, params.clone(), headers).await,
            *expected,
            "{method} {params} {headers:?}"
        );
    }
}
