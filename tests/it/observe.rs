//! What can be seen from outside: metrics of real calls and sign-ins, and spans at a real collector.

use crate::support::http::{request, send};
use crate::support::{PASSWORD, Process, TestServer, soon, until};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use sessile::server::{Server, ServerOptions};
use sessile::wire::Era;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// A server whose metrics are at that address.
async fn start(change: impl FnOnce(&mut ServerOptions)) -> (TestServer, SocketAddr) {
    let at = Arc::new(Mutex::new(None));
    let found = Arc::clone(&at);
    let server = TestServer::made(
        |options| {
            options.metrics = Some("127.0.0.1:0".parse().expect("it is an address"));
            change(options);
        },
        move |options| {
            let server = Server::new(options)?;
            *found.lock().expect("nobody panics") = server.metrics_address();
            Ok(server)
        },
    )
    .await;
    let address = at.lock().expect("nobody panics").take().expect("it has one");
    (server, address)
}

/// What a metric with these labels counts; nothing counted is 0.
async fn count(address: SocketAddr, series: &str) -> u64 {
    let response = request(address, "GET /metrics", &[]).await;
    assert_eq!(response.status, 200);
    let line = response.body.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map_or(0, |number| number.parse().expect("a whole number"))
}

#[tokio::test]
async fn metrics_tell_of_calls_sessions_sign_ins_and_limits() {
    let (server, metrics) = start(|options| {
        options.sessions.max_sessions_per_user = 2;
    })
    .await;
    let mut ann = server.sign_up("ann").await;
    let before = count(metrics, "sessile_calls_total{upstream=\"builtin\",outcome=\"ok\"}").await;
    ann.tool("auth_whoami", json!({})).await;
    ann.tool("crm_contact_list", json!({})).await;
    ann.refused("crm_contact_get", json!({ "id": "nobody" })).await;
    ann.refused("crm_contact_get", json!({ "key": "nobody" })).await;
    let mut bob = server.connect().await;
    bob.initialize("2025-11-25").await;
    bob.refused("tenant_members", json!({})).await;
    bob.refused("auth_sign_in", json!({ "email": "ann@example.com", "password": "not at all this" })).await;
    bob.sign_in("ann").await;
    let mut third = server.connect().await;
    third.initialize("2025-11-25").await;
    third.refused("auth_sign_in", json!({ "email": "ann@example.com", "password": PASSWORD })).await;
    let http = server.http_sign_up(Era::Legacy, "eve").await;
    let key = [("Authorization", "Bearer sessile_key_0123"), ("Content-Type", "application/json")];
    let refused = send(server.address(), "POST /mcp", &key, "{}").await;
    assert_eq!(refused.status, 401);
    for (series, expected) in [
        ("sessile_calls_total{upstream=\"builtin\",outcome=\"not_found\"}", 1),
        ("sessile_calls_total{upstream=\"builtin\",outcome=\"invalid_arguments\"}", 1),
        ("sessile_calls_total{upstream=\"builtin\",outcome=\"not_signed_in\"}", 1),
        ("sessile_calls_total{upstream=\"builtin\",outcome=\"invalid_credentials\"}", 1),
        ("sessile_sign_ins_total{strategy=\"sign_up\",outcome=\"ok\"}", 2),
        ("sessile_sign_ins_total{strategy=\"password\",outcome=\"ok\"}", 2),
        ("sessile_sign_ins_total{strategy=\"password\",outcome=\"invalid_credentials\"}", 1),
        ("sessile_sign_ins_total{strategy=\"api_key\",outcome=\"invalid_token\"}", 1),
        ("sessile_limits_hit_total{limit=\"limits.max_sessions_per_user\"}", 1),
        ("sessile_sessions{transport=\"websocket\"}", 3),
    ] {
        assert_eq!(count(metrics, series).await, expected, "{series}");
    }
    let after = count(metrics, "sessile_calls_total{upstream=\"builtin\",outcome=\"ok\"}").await;
    assert!(after >= before + 3, "{before} before and {after} after");
    let timed = count(metrics, "sessile_call_duration_seconds_count{upstream=\"builtin\"}").await;
    assert!(timed >= after + 4, "{timed} were timed");
    let page = request(metrics, "GET /metrics", &[]).await;
    assert!(page.header("content-type").is_some_and(|kind| kind.starts_with("application/openmetrics-text")));
    assert!(page.body.contains("process_start_time_seconds ") && page.body.ends_with("# EOF\n"), "{}", page.body);
    let whoami = ann.tool("auth_whoami", json!({})).await;
    for secret in ["ann@example.com", "crm_contact_get", whoami["tenant"]["id"].as_str().expect("an id")] {
        assert!(!page.body.contains(secret), "{secret} is in\n{}", page.body);
    }
    drop(http);
    server.stop().await;
}

#[tokio::test]
async fn metrics_are_at_their_own_address_and_nothing_else_is() {
    let (server, metrics) = start(|_| {}).await;
    for (address, line, status) in [
        (metrics, "GET /metrics", 200),
        (metrics, "HEAD /metrics", 200),
        (metrics, "POST /metrics", 405),
        (metrics, "GET /mcp", 404),
        (metrics, "GET /healthz", 404),
        (server.address(), "GET /metrics", 404),
    ] {
        let response = request(address, line, &[("Connection", "close")]).await;
        assert_eq!(response.status, status, "{line} at {address}");
    }
    // A connection that stays does not hold up the end.
    let _idle = request(metrics, "GET /metrics", &[]).await;
    server.stop().await;
    let holder = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
    let taken = holder.local_addr().expect("a listener has an address");
    let refused = Process::refused(&format!("[metrics]\nlisten = \"{taken}\""));
    assert!(refused.starts_with(&format!("sessile: metrics.listen: cannot listen on {taken}: ")), "{refused}");
}

/// What a collector was sent: the path, and the message.
type Collected = Arc<Mutex<Vec<(String, Bytes)>>>;

/// Takes what is sent to it, as a collector of traces does.
async fn collector() -> (SocketAddr, Collected) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
    let address = listener.local_addr().expect("a listener has an address");
    let collected = Collected::default();
    let kept = Arc::clone(&collected);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let kept = Arc::clone(&kept);
            let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let kept = Arc::clone(&kept);
                async move {
                    let path = request.uri().path().to_owned();
                    let body = request.into_body().collect().await.expect("it arrives").to_bytes();
                    kept.lock().expect("nobody panics").push((path, body));
                    Ok::<_, Infallible>(http::Response::new(Full::<Bytes>::default()))
                }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    (address, collected)
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    memchr::memmem::find(bytes, wanted).is_some()
}

fn hex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[tokio::test]
async fn spans_reach_a_collector_with_the_clients_trace() {
    let (address, collected) = collector().await;
    let endpoint = format!("http://{address}");
    let environment = [("SESSILE_OTLP_ENDPOINT", &*endpoint), ("OTEL_BSP_SCHEDULE_DELAY", "20")];
    let server = Process::configured("", &environment);
    let mut ann = server.connect().await;
    ann.sign_up("ann").await;
    let meta = json!({ "traceparent": format!("00-{TRACE}-{SPAN}-01"), "tracestate": "a=1" });
    ann.request("tools/call", json!({ "name": "auth_whoami", "arguments": {}, "_meta": meta })).await;
    for odd in [json!(7), json!("00-no"), Value::Null] {
        let params = json!({ "name": "auth_whoami", "arguments": {}, "_meta": { "traceparent": odd } });
        let answer = ann.request("tools/call", params).await;
        assert!(answer["result"]["isError"].as_bool() != Some(true), "{answer}");
    }
    let whole =
        || collected.lock().expect("nobody panics").iter().flat_map(|(_, body)| body.to_vec()).collect::<Vec<_>>();
    until("the span", || {
        let sent = whole();
        contains(&sent, b"tools/call auth_whoami") && contains(&sent, &hex(TRACE)) && contains(&sent, &hex(SPAN))
    })
    .await;
    assert!(collected.lock().expect("nobody panics").iter().all(|(path, _)| path == "/v1/traces"));
    let sent = whole();
    assert!(contains(&sent, b"sessile.tenant") && !contains(&sent, b"ann@example.com"));
    assert!(!server.log().contains("called"), "calls of built-in tools are no lines at info: {}", server.log());
    soon("the end", ann.close()).await;
}
