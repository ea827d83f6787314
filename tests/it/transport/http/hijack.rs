//! Who comes by another one's session id has come by nothing; and a session does not change hands.

use crate::support::http::{Response, request, send};
use crate::support::{HttpClient, PASSWORD, TestServer, email, reports};
use serde_json::{Value, json};
use sessile::wire::Era;

const UNKNOWN: &str = "00000000000000000000000000000000";
const JSON: (&str, &str) = ("Content-Type", "application/json");

/// What can be done with a session: a request line, the event to go on behind, and a message.
const ATTEMPTS: [(&str, &str, &str); 10] = [
    ("POST", "", r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#),
    ("POST", "", r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"crm_company_list"}}"#),
    ("POST", "", r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"auth_whoami"}}"#),
    ("POST", "", r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#),
    ("POST", "", r#"{"jsonrpc":"2.0","id":"sessile-1","result":{}}"#),
    ("POST", "", r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#),
    ("GET", "", ""),
    ("GET", "0-0", ""),
    ("GET", "1-1", ""),
    ("DELETE", "", ""),
];

/// Makes an attempt at a session, as the holder of a token or as nobody.
async fn attempt(
    server: &TestServer,
    token: Option<&str>,
    session: &str,
    (method, last, body): (&str, &str, &str),
) -> Response {
    let bearer = token.map(|token| format!("Bearer {token}")).unwrap_or_default();
    let mut headers = vec![("Mcp-Session-Id", session), ("Accept", "application/json, text/event-stream")];
    headers.extend(token.is_some().then_some(("Authorization", bearer.as_str())));
    headers.extend((!last.is_empty()).then_some(("Last-Event-ID", last)));
    let line = format!("{method} /mcp");
    if body.is_empty() {
        return request(server.address(), &line, &headers).await;
    }
    headers.push(JSON);
    send(server.address(), &line, &headers, body).await
}

/// Opens a session with a stream of its own and one of a call, both of which can be gone on with.
async fn open(client: &mut HttpClient) -> (String, Value) {
    client.initialize("2025-11-25").await;
    let call = json!({ "name": "test_report", "arguments": { "times": 3 }, "_meta": { "progressToken": "t" } });
    let call = client.send("tools/call", call).await;
    client.next_of(&call).await.expect("it talks");
    assert_eq!(client.exchange(&call).last_event.as_deref(), Some("1-1"));
    client.hang_up(&call);
    let unasked = client.listen(None).await;
    (client.session.clone().expect("it is open"), unasked)
}

async fn key(client: &mut HttpClient, role: &str) -> String {
    let made = client.tool("auth_create_api_key", json!({ "name": role, "role": role })).await;
    made["key"].as_str().expect("a key").to_owned()
}

#[tokio::test]
async fn another_ones_session_is_answered_letter_by_letter_as_one_that_is_not() {
    let server = TestServer::with_tools(vec![reports()], |_| {}).await;
    let mut ann = server.http_sign_up(Era::Legacy, "ann").await;
    let mut eve = server.http_sign_up(Era::Legacy, "eve").await;
    let mut bob = server.http_sign_up(Era::Legacy, "bob").await;
    let invited = ann.tool("tenant_invite", json!({ "role": "admin" })).await;
    let joined = bob.tool("tenant_join", json!({ "code": invited["code"] })).await;
    bob.use_tokens(&joined);
    let invited = eve.tool("tenant_invite", json!({ "role": "owner" })).await;
    let away = ann.tool("tenant_join", json!({ "code": invited["code"] })).await;
    let away = away["tokens"]["access_token"].as_str().expect("a token").to_owned();
    let (lower, own) = (key(&mut ann, "viewer").await, key(&mut ann, "owner").await);
    let (session, unasked) = open(&mut ann).await;

    for (who, token) in [
        ("a stranger", None),
        ("somebody of another tenant", eve.token.clone()),
        ("another admin of the tenant", bob.token.clone()),
        ("herself in another tenant", Some(away)),
        ("her key of a lower role", Some(lower.clone())),
    ] {
        for what in ATTEMPTS {
            let there = attempt(&server, token.as_deref(), &session, what).await;
            let nowhere = attempt(&server, token.as_deref(), UNKNOWN, what).await;
            assert_eq!(there.status, 404, "{who}: {what:?}");
            assert_eq!(there.shown(), nowhere.shown(), "{who}: {what:?}");
        }
        // Events are of their session: in one's own, hers are not.
        let mut other = server.http(Era::Legacy);
        other.token = token.clone();
        other.initialize("2025-11-25").await;
        let own = other.session.clone().expect("it is open");
        let hers = attempt(&server, token.as_deref(), &own, ("GET", "1-1", "")).await;
        let nobodys = attempt(&server, token.as_deref(), &own, ("GET", "99-1", "")).await;
        assert_eq!((hers.status, hers.shown()), (410, nobodys.shown()), "{who}");
    }
    // What a key opened is not a lower one's either.
    let mut script = server.http(Era::Legacy);
    script.token = Some(own);
    let (scripts, _) = open(&mut script).await;
    for what in ATTEMPTS {
        let [there, nowhere] =
            [attempt(&server, Some(&lower), &scripts, what).await, attempt(&server, Some(&lower), UNKNOWN, what).await];
        assert_eq!((there.status, there.shown()), (404, nowhere.shown()), "{what:?}");
    }

    // Nothing of all that has reached it.
    ann.result("ping", json!({})).await;
    ann.tool("crm_company_list", json!({})).await;
    ann.result("resources/list", json!({})).await;
    ann.tool("crm_company_create", json!({ "name": "Pine" })).await;
    ann.notification(&unasked, "notifications/resources/list_changed").await;
    let resumed = ann.listen(Some("1-1")).await;
    assert_eq!(ann.next_of(&resumed).await.expect("it goes on")["params"]["progress"], 2);
    server.stop().await;
}

#[tokio::test]
async fn a_session_that_nobody_opened_stays_nobodys() {
    let server = TestServer::start().await;
    server.http_sign_up(Era::Legacy, "ann").await;
    let mut nobody = server.http(Era::Legacy);
    nobody.initialize("2025-11-25").await;
    let session = nobody.session.clone().expect("it is open");
    // Somebody signs in with a session id that was put upon them.
    let identity = nobody.tool("auth_sign_in", json!({ "email": email("ann"), "password": PASSWORD })).await;
    let token = identity["tokens"]["access_token"].as_str().expect("a token");
    for what in ATTEMPTS {
        let there = attempt(&server, Some(token), &session, what).await;
        let nowhere = attempt(&server, Some(token), UNKNOWN, what).await;
        assert_eq!((there.status, there.shown()), (404, nowhere.shown()), "{what:?}");
    }
    // Who put it there is who they were.
    assert_eq!(nobody.tool("auth_whoami", json!({})).await["signed_in"], false);
    assert_eq!(nobody.refused("crm_company_list", json!({})).await.code, "not_signed_in");
    let mut ann = server.http(Era::Modern);
    ann.token = Some(token.to_owned());
    assert_eq!(ann.tool("auth_sessions", json!({})).await["sessions"], json!([]));
    server.stop().await;
}
