//! How a bridge ends, what it does where it can't connect, and what it gives away.

use super::host::{Host, code};
use super::proxy::Proxy;
use crate::support::{Gate, TestServer, until};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
    format!("ws://{}/mcp", listener.local_addr().expect("it has one"))
}

#[tokio::test]
async fn it_ends_when_its_host_closes_its_end_and_nothing_is_left() {
    let (gate, tool) = Gate::new();
    let server = TestServer::with_tools(vec![tool], |_| {}).await;
    let mut host = Host::start(&format!("ws://{}/mcp", server.address()));
    host.sign_up("ann").await;
    let call = host.send_call("test_wait", json!({})).await;
    gate.entered().await;
    gate.open();
    let ended = host.leave().await;
    assert!(ended.status.success());
    let answer = ended.rest.iter().find(|message| message.get("id") == Some(&call));
    assert!(answer.is_some_and(|answer| answer.get("result").is_some()), "an answer on its way still comes");
    until("the session's end", || server.manager().counts() == [0; 6] && server.manager().resumable() == (0, 0)).await;
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_answered_when_it_ends_is_told_so() {
    let (gate, tool) = Gate::new();
    let server = TestServer::with_tools(vec![tool], |_| {}).await;
    let mut host = Host::start(&format!("ws://{}/mcp", server.address()));
    let call = host.send_call("test_wait", json!({})).await;
    gate.entered().await;
    let began = Instant::now();
    let ended = host.leave().await;
    assert!(began.elapsed() < Duration::from_secs(5), "a host would have killed it by now");
    let answer = ended.rest.iter().find(|message| message.get("id") == Some(&call)).expect("it is answered");
    assert_eq!(code(answer), Some("outcome_unknown"));
    gate.left().await;
    server.stop().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn it_ends_when_it_is_told_to() {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let server = TestServer::start().await;
        let mut host = Host::start(&format!("ws://{}/mcp", server.address()));
        host.request("ping", json!({})).await;
        kill(Pid::from_raw(i32::try_from(host.pid()).expect("it fits")), signal).expect("it runs");
        assert!(host.ended().await.status.success(), "{signal}");
        until("the session's end", || server.manager().counts() == [0; 6]).await;
        server.stop().await;
    }
}

#[tokio::test]
async fn requests_wait_for_a_gateway_and_not_for_ever() {
    let url = nobody().await;
    let mut host = Host::start_with(&url, &["--wait", "0.5"], &[]);
    let began = Instant::now();
    let hello = host.send("initialize", json!({})).await;
    let call = host.send_call("auth_whoami", json!({})).await;
    let hello = host.response(&hello).await;
    assert!(hello["error"]["message"].as_str().expect("a text").contains(&url), "{hello}");
    assert_eq!(code(&hello), Some("unreachable"));
    let call = host.response(&call).await;
    assert_eq!((&call["result"]["isError"], code(&call)), (&json!(true), Some("unreachable")), "{call}");
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(500) && took < Duration::from_secs(10), "it took {took:?}");
    // However many they are.
    let many = 300;
    for _ in 0..many {
        host.send("ping", json!({})).await;
    }
    for _ in 0..many {
        assert_eq!(code(&host.next().await), Some("unreachable"));
    }
    assert!(host.leave().await.status.success());
}

#[tokio::test]
async fn a_gateway_that_comes_later_answers_what_waits() {
    let server = TestServer::start().await;
    let proxy = Proxy::start(server.address(), 1).await;
    proxy.lead_to(None);
    let mut host = Host::start(&proxy.url());
    let call = host.send_call("auth_whoami", json!({})).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    proxy.lead_to(Some(server.address()));
    assert_eq!(host.response(&call).await["result"]["structuredContent"]["signed_in"], false);
    host.leave().await;
    server.stop().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_token_signs_in_and_is_not_given_away() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let key = ann.tool("auth_create_api_key", json!({ "name": "bridge", "role": "member" })).await;
    let key = key["key"].as_str().expect("a key").to_owned();
    let url = format!("ws://{}/mcp", server.address());
    let mut host = Host::start_with(&url, &["--verbose"], &[("SESSILE_TOKEN", &key)]);
    assert_eq!(host.tool("auth_whoami", json!({})).await["signed_in"], true);
    let command = std::fs::read(format!("/proc/{}/cmdline", host.pid())).expect("it runs");
    assert!(!String::from_utf8_lossy(&command).contains(&key));
    let ended = host.leave().await;
    assert!(!ended.said.contains(&key));
    ann.close().await;
    server.stop().await;
}

#[tokio::test]
async fn a_token_that_is_refused_is_told_and_not_repeated() {
    let server = TestServer::start().await;
    let proxy = Proxy::start(server.address(), 1).await;
    let token = "sessile_key_0123456789abcdef";
    let mut host = Host::start_with(&proxy.url(), &["--verbose"], &[("SESSILE_TOKEN", token)]);
    let hello = host.request("initialize", json!({})).await;
    let told = hello["error"]["message"].as_str().expect("a text");
    assert!(told.contains("sessile login") && told.contains("SESSILE_TOKEN") && !told.contains(token), "{told}");
    for _ in 0..3 {
        let call = host.request("tools/call", json!({ "name": "auth_whoami", "arguments": {} })).await;
        assert_eq!(code(&call), Some("invalid_token"), "{call}");
    }
    assert_eq!(proxy.connections(), 1, "it was tried once");
    let ended = host.leave().await;
    assert!(ended.status.success(), "it lived until its host left");
    assert!(!ended.said.contains(token), "{}", ended.said);
    server.stop().await;
}

#[tokio::test]
async fn a_session_that_was_ended_is_not_opened_again() {
    let server = TestServer::start().await;
    let (proxy, mut host) = Host::start_behind_proxy(server.address()).await;
    host.initialize("2025-11-25", json!({})).await;
    host.sign_up("ann").await;
    let mut ann = server.sign_in("ann").await;
    let id = host.tool("auth_whoami", json!({})).await["session_id"].clone();
    ann.tool("auth_end_session", json!({ "session_id": id })).await;
    let told = host.notification("notifications/message").await;
    assert_eq!(told["params"]["level"], "error");
    let call = host.request("tools/call", json!({ "name": "crm_contact_list", "arguments": {} })).await;
    assert_eq!(code(&call), Some("session_ended"), "{call}");
    assert_eq!(proxy.connections(), 1);
    let ended = host.leave().await;
    assert!(ended.rest.iter().all(|message| message.get("id").is_none()), "{:?}", ended.rest);
    ann.close().await;
    server.stop().await;
}
