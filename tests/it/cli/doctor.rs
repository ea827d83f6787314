//! `sessile doctor`: what it finds, and what it says about it.

use super::home::{Home, Ran};
use crate::support::{PASSWORD, TestServer, email};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// How a step went.
fn step<'a>(all: &'a Value, name: &str) -> &'a Value {
    let steps = all["steps"].as_array().expect("a list");
    steps.iter().find(|step| step["step"] == name).unwrap_or_else(|| panic!("no {name} in {all:#}"))
}

fn wrong(ran: &Ran, name: &str) -> String {
    let all = ran.json();
    assert_eq!((ran.status, &all["ok"]), (1, &Value::Bool(false)), "{ran:?}");
    let step = step(&all, name);
    assert_eq!(step["status"], "wrong", "{all:#}");
    format!("{} {}", step["found"].as_str().expect("text"), step["advice"].as_str().expect("text"))
}

#[tokio::test]
async fn all_is_well() {
    let server = TestServer::start().await;
    drop(server.sign_up("ann").await);
    let home = Home::new();
    let (url, email) = (server.address().to_string(), email("ann"));
    let nobody = home.run(&["doctor", &url, "--json"]).await;
    assert_eq!((nobody.status, &step(&nobody.json(), "sign-in")["status"]), (0, &"note".into()));
    home.run_with(&["login", &url, "--email", &email, "--password-stdin"], PASSWORD, &[]).await.done();
    let all = home.run(&["doctor", "--json"]).await;
    assert_eq!(all.status, 0, "{all:?}");
    let all = all.json();
    for name in ["name", "connect", "upgrade", "legacy", "sign-in", "tools", "modern"] {
        let step = step(&all, name);
        assert!(step["status"] == "ok" && step["ms"].is_number(), "{step}");
    }
    assert!(step(&all, "sign-in")["found"].as_str().is_some_and(|found| found.starts_with(&email)));
    assert_eq!(step(&all, "modern")["found"], "2026-07-28");
    let text = home.run_with(&["doctor"], "", &[("https_proxy", "http://user:secret@proxy:1")]).await.done();
    assert!(text.contains("https_proxy is set") && !text.contains("secret"), "{text}");
    server.stop().await;
}

#[tokio::test]
async fn what_is_wrong_has_advice() {
    let home = Home::new();
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = free.local_addr().expect("an address").to_string();
    drop(free);
    assert!(wrong(&home.run(&["doctor", &address, "--json"]).await, "connect").contains("is the gateway running"));
    assert!(wrong(&home.run(&["doctor", "ws://no.such.host.invalid", "--json"]).await, "name").contains("spelt right"));

    let server = TestServer::start().await;
    let url = format!("ws://{}/elsewhere", server.address());
    assert!(wrong(&home.run(&["doctor", &url, "--json"]).await, "upgrade").contains("look at the path (/mcp)"));
    let tls = format!("wss://{}", server.address());
    assert!(wrong(&home.run(&["doctor", &tls, "--json"]).await, "tls").contains("use ws://"));
    let url = server.address().to_string();
    let ran = home.run_with(&["doctor", &url, "--json"], "", &[("SESSILE_TOKEN", "sessile_key_wrong")]).await;
    assert!(wrong(&ran, "upgrade").contains("sign in again with `sessile login"));
    server.stop().await;
}

#[tokio::test]
async fn clocks_that_are_apart_are_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let server = tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            let _ = socket.read(&mut buffer).await;
            let answer = "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    let ran = Home::new().run(&["doctor", &address, "--json"]).await;
    assert!(wrong(&ran, "upgrade").contains("no gateway"));
    assert_eq!(step(&ran.json(), "clock")["status"], "note");
    server.abort();
}
