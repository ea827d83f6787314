//! Ten thousand connections come and go in every manner, and nothing is left of them.
//!
//! Descriptors and tasks are counted for a whole process, so the test runs in one of its own.

use crate::support::{Gate, PASSWORD, email, soon, until};
use crate::support::{TestServer, http};
use memchr::memmem;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::process::Command;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

const WAVES: usize = 20;
const WAVE: usize = 500;
/// Tasks that run without anybody connected: the server, what attends to sessions over HTTP, what tends keys, what tends
/// upstreams, and what follows their configuration.
const OF_THE_SERVER: usize = 5;

/// How a connection goes.
#[derive(Debug, Clone, Copy)]
enum Manner {
    /// With a close frame, after its calls were answered.
    Closes,
    /// Without a word, after its calls were answered.
    Drops,
    /// While a call runs that would never end.
    DropsInACall,
    /// With the request to sign in, and before its answer.
    DropsInASignIn,
    /// Without a sign-in.
    DropsAsAStranger,
}

use Manner::{Closes, Drops, DropsAsAStranger, DropsInACall, DropsInASignIn};
const MANNERS: [Manner; 8] =
    [Closes, Drops, DropsInACall, Closes, DropsInASignIn, Drops, DropsInACall, DropsAsAStranger];

#[test]
fn ten_thousand_connections_leave_nothing_behind() {
    run_alone("leaks::alone_in_its_process");
}

/// Runs a test that is ignored, in a process of its own.
pub(crate) fn run_alone(test: &str) {
    let this = std::env::current_exe().expect("a test is a program");
    let alone = ["--exact", test, "--ignored", "--nocapture", "--test-threads", "1"];
    let status = Command::new(this).args(alone).status().expect("it runs once more");
    assert!(status.success(), "see above");
}

#[test]
#[ignore = "run by the test above, in a process of its own"]
fn alone_in_its_process() {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).expect("there is such a limit");
    setrlimit(Resource::RLIMIT_NOFILE, most, most).expect("it may be raised that far");
    let servers = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let clients = Builder::new_current_thread().enable_all().build().expect("a runtime");

    let (gate, tool) = Gate::new();
    let server = servers.block_on(TestServer::with_tools(vec![tool], |options| {
        options.sessions.max_sessions_per_address = 2 * WAVE;
        options.sessions.max_sessions_per_user = 2 * WAVE;
        options.sessions.max_sessions_per_tenant = 2 * WAVE;
    }));
    clients.block_on(async {
        drop(server.sign_up("ann").await);
        // The first wave makes what is made once: threads, statements, the room in maps.
        let frames = frames(&server).await;
        wave(server.address(), &frames).await;
        let before = at_rest(&server, &servers).await;
        for number in 1..=WAVES {
            wave(server.address(), &frames).await;
            assert_eq!(at_rest(&server, &servers).await, before, "after wave {number}");
        }
    });
    // The calls at the gate were dropped with their connections.
    let at_gate = MANNERS.iter().cycle().take(WAVE).filter(|manner| matches!(manner, DropsInACall)).count();
    clients.block_on(async {
        for _ in 0..at_gate * (WAVES + 1) {
            gate.left().await;
        }
    });
    servers.block_on(server.stop());
}

/// Waits until the server has noticed that all have gone, and counts tasks and descriptors.
pub(crate) async fn at_rest(server: &TestServer, runtime: &Runtime) -> (usize, usize) {
    until("all sessions are gone", || server.manager().counts() == [0; 6]).await;
    // Those of connections end a moment after their sessions.
    let tasks = || runtime.metrics().num_alive_tasks();
    until("all tasks are gone", || tasks() == OF_THE_SERVER).await;
    let descriptors = std::fs::read_dir("/proc/self/fd").expect("this is Linux").count();
    (tasks(), descriptors)
}

async fn wave(address: SocketAddr, frames: &Frames) {
    let mut visits = JoinSet::new();
    for manner in MANNERS.into_iter().cycle().take(WAVE) {
        visits.spawn(visit(address, manner, frames.clone()));
    }
    soon("the end of a wave", visits.join_all()).await;
}

/// What clients send, ready to go: cheap, and the same for all.
#[derive(Clone)]
struct Frames {
    sign_in: Vec<u8>,
    /// Calls that leave something in each place that a session has: watches, subscriptions, its client.
    calls: Vec<u8>,
    wait: Vec<u8>,
}

/// The id of the last request of `calls`.
const LAST: &str = "the last one";

async fn frames(server: &TestServer) -> Frames {
    let call = |name: &str, arguments: Value| json!({ "name": name, "arguments": arguments });
    let company = server.sign_in("ann").await.tool("crm_company_create", json!({ "name": "Pine" })).await;
    let uri = format!("crm://companies/{}", company["id"].as_str().expect("an id"));
    let modern = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let filter = json!({ "toolsListChanged": true, "resourcesListChanged": true, "resourceSubscriptions": [uri] });
    let hello =
        json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "x", "version": "1" } });
    let credentials = json!({ "email": email("ann"), "password": PASSWORD });
    let calls = [
        frame("initialize", "1", hello),
        frame("resources/list", "2", json!({})),
        frame("resources/subscribe", "3", json!({ "uri": uri })),
        frame("subscriptions/listen", "4", json!({ "notifications": filter, "_meta": modern })),
        frame("logging/setLevel", "5", json!({ "level": "debug" })),
        frame("tools/call", LAST, call("crm_company_list", json!({}))),
    ];
    Frames {
        sign_in: frame("tools/call", "0", call("auth_sign_in", credentials)),
        calls: calls.concat(),
        wait: frame("tools/call", "6", call("test_wait", json!({}))),
    }
}

/// A text frame as clients send it, masked with zeros.
pub(crate) fn frame(method: &str, id: &str, params: Value) -> Vec<u8> {
    let text = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string();
    let length = u16::try_from(text.len()).expect("it is short").to_be_bytes();
    [&[0x81, 0x80 | 126], &length[..], &[0; 4], text.as_bytes()].concat()
}

async fn visit(address: SocketAddr, manner: Manner, frames: Frames) {
    let mut stream = http::upgrade(address, &[]).await.stream;
    let mut send = Vec::new();
    if !matches!(manner, DropsAsAStranger) {
        send.extend(&frames.sign_in);
    }
    if !matches!(manner, DropsInASignIn | DropsAsAStranger) {
        send.extend(&frames.calls);
    }
    if matches!(manner, DropsInACall) {
        // Ahead of the last one, whose answer so shows that this one runs.
        send.splice(frames.sign_in.len()..frames.sign_in.len(), frames.wait.iter().copied());
    }
    stream.write_all(&send).await.expect("the connection is open");
    match manner {
        DropsInASignIn | DropsAsAStranger => {}
        Drops | DropsInACall => read_until(&mut stream, LAST).await,
        Closes => {
            read_until(&mut stream, LAST).await;
            stream.write_all(&[0x88, 0x80, 0, 0, 0, 0]).await.expect("the connection is open");
            let mut rest = Vec::new();
            soon("the close", stream.read_to_end(&mut rest)).await.expect("the server closes in order");
            assert!(rest.ends_with(&[0x88, 0x00]), "the close is answered: {}", rest.escape_ascii());
        }
    }
}

pub(crate) async fn read_until(stream: &mut TcpStream, text: &str) {
    let mut read = Vec::new();
    while memmem::find(&read, text.as_bytes()).is_none() {
        let count = soon("an answer", stream.read_buf(&mut read)).await.expect("the connection is open");
        assert!(count > 0, "closed after {}", read.escape_ascii());
    }
}
