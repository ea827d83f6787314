//! Hosts go on working while one process takes another one's place, and notice nothing.

use super::host::{Host, code};
use crate::support::{Process, email};
use futures_util::future::join_all;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long the processes wait for each other.
const TAKE_OVER: [&str; 2] = ["--take-over-seconds", "120"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_notice_nothing_of_a_new_process() {
    pass_over(20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "starts 500 processes; .ci/run runs it"]
async fn five_hundred_hosts_notice_nothing_of_a_new_process() {
    pass_over(500).await;
}

/// Signs hosts in by tool, once, so that nothing but resuming keeps them signed in; then changes processes.
async fn pass_over(hosts: usize) {
    let directory = tempfile::tempdir().expect("there is room for a database");
    std::fs::write(directory.path().join("sessile.toml"), LIMITS).expect("it can be written");
    let mut old = start(directory.path(), "old.log", "127.0.0.1:0");
    let address = old.serves().await;
    let url = format!("ws://{address}/mcp");
    let mut first = Host::start(&url);
    first.initialize("2025-11-25", json!({})).await;
    first.sign_up("ann").await;

    let enough = Arc::new(AtomicBool::new(false));
    let mut working = Vec::new();
    for number in 0..hosts {
        let mut host = Host::start(&url);
        host.initialize("2025-11-25", json!({})).await;
        host.sign_in("ann").await;
        working.push(tokio::spawn(work(host, number, Arc::clone(&enough))));
    }
    let mut new = start(directory.path(), "new.log", &address.to_string());
    new.logged("waiting up to").await;
    old.terminate();
    assert_eq!(new.serves().await, address);
    assert!(old.ended().await.success(), "{}", old.log());
    tokio::time::sleep(Duration::from_secs(3)).await;
    enough.store(true, Ordering::Relaxed);

    let made: Vec<_> =
        join_all(working).await.into_iter().flat_map(|made| made.expect("no host saw an error")).collect();
    let there = first.contacts().await;
    assert!(made.len() > hosts, "they worked");
    assert_eq!(there.len(), made.len(), "what was acknowledged is there, and nothing else");
    assert!(there.values().all(|times| *times == 1), "and once");
}

/// Calls all the time, until it is enough. Returns the names of the contacts that it made.
async fn work(mut host: Host, number: usize, enough: Arc<AtomicBool>) -> Vec<String> {
    let mut made = Vec::new();
    while !enough.load(Ordering::Relaxed) {
        let name = format!("Contact {} of {number}", made.len());
        let answer =
            host.request("tools/call", json!({ "name": "crm_contact_create", "arguments": { "name": name } })).await;
        assert_eq!((code(&answer), answer.get("error")), (None, None), "{answer} {}", host.said());
        made.push(name);
        let me = host.tool("auth_whoami", json!({})).await;
        assert_eq!(me["user"]["email"], email("ann"), "{me}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    host.leave().await;
    made
}

fn start(directory: &Path, log: &str, listen: &str) -> Process {
    let flags = [&TAKE_OVER[..], &["--config", "sessile.toml"]].concat();
    Process::launch(directory, log, listen, &flags)
}

/// Enough for all of them, from one address and of one user.
const LIMITS: &str = "\
[limits]
max_sessions_per_address = 4000
max_sessions_per_user = 4000

[rates]
principal_per_second = 0
tenant_per_second = 0
address_per_second = 0
";
