//! Legacy clients: with a session, and without one.

use crate::support::http::request;
use crate::support::{Gate, TestServer};
use serde_json::{Value, json};
use sessile::wire::Era;

#[tokio::test]
async fn initialize_opens_a_session_and_delete_ends_it() {
    let server = TestServer::start().await;
    let mut client = server.http_sign_up(Era::Legacy, "ann").await;
    for version in ["2025-11-25", "2025-06-18", "2025-03-26"] {
        client.session = None;
        assert_eq!(client.initialize(version).await["protocolVersion"], version);
        client.result("ping", json!({})).await;
        let sessions = client.tool("auth_sessions", json!({})).await;
        assert_eq!(sessions["sessions"][0]["transport"], "http", "{sessions}");
        assert_eq!(sessions["sessions"][0]["client"], "it 1");
        assert_eq!(client.delete().await, 204);
        assert_eq!(client.delete().await, 404);
    }
    assert_eq!(server.manager().counts()[0], 0);
    server.stop().await;
}

#[tokio::test]
async fn without_a_session_a_bare_call_is_served() {
    let server = TestServer::start().await;
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"auth_whoami"}}"#;
    let mut client = server.http(Era::Legacy);
    for (accept, kind, status) in [
        ("", "application/json", 200),
        ("*/*", "application/x-www-form-urlencoded", 200),
        ("", "", 200),
        ("application/json", "application/json; charset=utf-8", 200),
        ("text/event-stream", "application/json", 200),
        ("text/html", "application/json", 406),
        ("*/*", "text/plain", 415),
        ("*/*", "application/xml", 415),
    ] {
        let mut answer = client.post(&[("Accept", accept), ("Content-Type", kind)], call).await;
        assert_eq!(answer.status, status, "{accept:?} {kind:?}");
        let body = answer.next_message().await.expect("a body");
        assert_eq!(status == 200, body.contains("signed_in"), "{body}");
    }
    // A page of another origin could send a form, if its origin were not looked at.
    let own = format!("http://{}", server.address());
    let form = [("Content-Type", "application/x-www-form-urlencoded"), ("Origin", own.as_str())];
    assert_eq!(client.post(&form, call).await.status, 415);
    let subscribe = json!({ "jsonrpc": "2.0", "id": 1, "method": "resources/subscribe", "params": { "uri": "x:y" } });
    assert_eq!(client.post(&[], &subscribe.to_string()).await.status, 400);
    server.stop().await;
}

#[tokio::test]
async fn versions_are_looked_at() {
    let server = TestServer::start().await;
    let mut client = server.http(Era::Legacy);
    client.initialize("2025-06-18").await;
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    for (version, status) in [("2025-06-18", 200), ("", 200), ("2025-11-25", 200), ("2019-01-01", 400), ("x", 400)] {
        assert_eq!(client.post(&[("MCP-Protocol-Version", version)], ping).await.status, status, "{version:?}");
    }
}

#[tokio::test]
async fn batches_are_of_one_revision() {
    let server = TestServer::start().await;
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"x"},{"jsonrpc":"2.0","id":2,"method":"ping"}]"#;
    let notifications = r#"[{"jsonrpc":"2.0","method":"notifications/initialized"}]"#;
    let mut client = server.http(Era::Legacy);
    for (version, status) in [("", 200), ("2025-03-26", 200), ("2025-06-18", 400), ("2025-11-25", 400)] {
        let mut answer = client.post(&[("MCP-Protocol-Version", version)], batch).await;
        assert_eq!(answer.status, status, "{version:?}");
        let body: Value = serde_json::from_str(&answer.text().await).expect("JSON");
        assert_eq!(body.as_array().map(Vec::len), (status == 200).then_some(2), "{body}");
    }
    client.initialize("2025-03-26").await;
    assert_eq!(client.post(&[("MCP-Protocol-Version", "")], batch).await.status, 200);
    assert_eq!(client.post(&[("MCP-Protocol-Version", "")], notifications).await.status, 202);
}

#[tokio::test]
async fn another_ones_session_looks_like_none() {
    let server = TestServer::start().await;
    let (mut ann, mut eve) =
        (server.http_sign_up(Era::Legacy, "ann").await, server.http_sign_up(Era::Legacy, "eve").await);
    let mut nobody = server.http(Era::Legacy);
    assert_eq!(nobody.refused("crm_company_list", json!({})).await.code, "not_signed_in");
    ann.initialize("2025-11-25").await;
    nobody.initialize("2025-11-25").await;
    let (anns, nobodys) = (ann.session.clone().expect("a session"), nobody.session.clone().expect("a session"));
    // One that has ended.
    ann.session = None;
    ann.initialize("2025-11-25").await;
    let ended = ann.session.replace(anns.clone()).expect("a session");
    let mut again = server.http(Era::Legacy);
    (again.token, again.session) = (ann.token.clone(), Some(ended.clone()));
    assert_eq!(again.delete().await, 204);

    let unknown = "00000000000000000000000000000000".to_owned();
    let [upper, short, long] = [anns.to_uppercase(), anns[1..].to_owned(), format!("{anns}0")];
    let ids = [&unknown, &anns, &nobodys, &ended, &upper, &short, &long];
    let mut seen = Vec::new();
    for (token, whose) in [(eve.token.take(), "eve"), (None, "nobody")] {
        for id in ids.iter().filter(|id| whose != "nobody" || **id != &nobodys) {
            for line in ["POST /mcp", "GET /mcp", "DELETE /mcp"] {
                let bearer = token.as_ref().map(|token| format!("Bearer {token}")).unwrap_or_default();
                let mut headers = vec![("Mcp-Session-Id", id.as_str()), ("Accept", "text/event-stream")];
                headers.extend(token.is_some().then_some(("Authorization", bearer.as_str())));
                let answer = request(server.address(), line, &headers).await;
                assert_eq!(answer.status, 404, "{whose}: {line} {id}");
                let shown =
                    format!("{:?}", (answer.header("content-type"), answer.header("content-length"), &answer.body));
                seen.push(shown);
            }
        }
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:#?}");
    // The same user with another token is at home.
    let mut elsewhere = server.http(Era::Legacy);
    elsewhere.sign_in("ann").await;
    elsewhere.session = Some(anns);
    elsewhere.result("ping", json!({})).await;
    server.stop().await;
}

#[tokio::test]
async fn calls_of_one_session_run_beside_each_other_and_can_be_cancelled() {
    let (gate, tool) = Gate::new();
    let server = TestServer::with_tools(vec![tool], |_| {}).await;
    let mut client = server.http(Era::Legacy);
    client.initialize("2025-11-25").await;
    let waiting = client.start_call("test_wait", json!({})).await;
    gate.entered().await;
    client.result("ping", json!({})).await;
    // Its id is in use.
    let message = json!({ "jsonrpc": "2.0", "id": waiting, "method": "ping" }).to_string();
    let mut answer = client.post(&[], &message).await;
    assert!(answer.text().await.contains("has no answer yet"));
    // Another session has nothing to do with it.
    let mut other = server.http(Era::Legacy);
    other.initialize("2025-11-25").await;
    other.notify("notifications/cancelled", json!({ "requestId": waiting })).await;
    client.notify("notifications/cancelled", json!({ "requestId": "another" })).await;
    gate.open();
    gate.left().await;
    assert_eq!(client.response(&waiting).await["result"]["structuredContent"]["done"], true);

    let waiting = client.start_call("test_wait", json!({})).await;
    gate.entered().await;
    client.notify("notifications/cancelled", json!({ "requestId": waiting })).await;
    gate.left().await;
    assert_eq!(client.head(&waiting).await, 202);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_requests_that_come_at_once_with_one_id_one_is_served() {
    let (gate, tool) = Gate::new();
    let server = TestServer::with_tools(vec![tool], |_| {}).await;
    let mut client = server.http(Era::Legacy);
    client.initialize("2025-11-25").await;
    for round in 0..30 {
        let call = json!({ "name": "test_wait", "arguments": {} });
        let text = json!({ "jsonrpc": "2.0", "id": round, "method": "tools/call", "params": call }).to_string();
        let mut both = tokio::task::JoinSet::new();
        for _ in 0..2 {
            let (mut twin, text) = (server.http(Era::Legacy), text.clone());
            twin.session = client.session.clone();
            both.spawn(async move { twin.post(&[], &text).await.text().await });
        }
        let first = both.join_next().await.expect("there are two").expect("it does not panic");
        assert!(first.contains("has no answer yet"), "{first}");
        gate.entered().await;
        gate.open();
        let second = both.join_next().await.expect("there is another").expect("it does not panic");
        assert!(second.contains(r#""done":true"#), "{second}");
        gate.left().await;
    }
    server.stop().await;
}
