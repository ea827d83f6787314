//! A thousand sessions with a child each come and go in every manner, and nothing is left of them.
//!
//! Children, descriptors and tasks are counted for a whole process, so the test runs in one of its own.

use super::stage::definitions;
use crate::leaks::{at_rest, frame, read_until, run_alone};
use crate::support::{PASSWORD, TestServer, email, http, soon, until};
use serde_json::json;
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

const WAVES: usize = 20;
const WAVE: usize = 50;

/// A server that answers calls of all tools but `hang`, and starts quickly.
const CHILD: &str = r#"
while read -r line; do
    id=${line#*'"id":'}
    id=${id%%,*}
    case $line in
        *'"method":"initialize"'*) result='{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"sh","version":"1"}}' ;;
        *'"name":"hang"'*) continue ;;
        *'"method":"tools/call"'*) result='{"content":[]}' ;;
        *) continue ;;
    esac
    printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
done
"#;

/// How a session goes.
#[derive(Debug, Clone, Copy)]
enum Manner {
    /// With a close frame, after its call was answered.
    Closes,
    /// Without a word, after its call was answered.
    Drops,
    /// While a call runs that would never end.
    DropsInACall,
    /// While its child is started, most likely.
    DropsAtOnce,
    /// By a sign-out, and then without a word.
    SignsOut,
}

use Manner::{Closes, Drops, DropsAtOnce, DropsInACall, SignsOut};

#[test]
fn a_thousand_children_leave_nothing_behind() {
    run_alone("gateway::waves::alone_in_its_process");
}

#[test]
#[ignore = "run by the test above, in a process of its own"]
fn alone_in_its_process() {
    let servers = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let clients = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let table = format!("[upstream.one]\ncommand = {}\n", json!(["sh", "-c", CHILD]));
    let upstreams = definitions(&[table]);
    let server = servers.block_on(TestServer::with(|options| {
        options.upstreams = upstreams;
        options.sessions.max_sessions_per_address = 4 * WAVE;
        options.sessions.max_sessions_per_user = 4 * WAVE;
        options.sessions.max_sessions_per_tenant = 4 * WAVE;
    }));
    clients.block_on(async {
        drop(server.sign_up("ann").await);
        // The first wave makes what is made once: threads, statements, the room in maps.
        wave(server.address()).await;
        let before = at_rest(&server, &servers).await;
        for number in 1..=WAVES {
            wave(server.address()).await;
            assert_eq!(at_rest(&server, &servers).await, before, "after wave {number}");
            until("all children are gone", || children() == 0).await;
        }
    });
    servers.block_on(server.stop());
}

/// Processes that this one has started, those among them that only wait to be waited for.
fn children() -> usize {
    let me = format!(" {} ", std::process::id());
    let processes = fs::read_dir("/proc").expect("this is Linux").filter_map(Result::ok);
    let states = processes.filter_map(|process| fs::read_to_string(process.path().join("stat")).ok());
    // The state, of one letter, and the parent come behind the name.
    states.filter(|state| state.rsplit_once(") ").is_some_and(|(_, rest)| rest[1..].starts_with(&me))).count()
}

async fn wave(address: SocketAddr) {
    let frames = Arc::new(Frames::new());
    let mut visits = JoinSet::new();
    for manner in [Closes, Drops, DropsInACall, DropsAtOnce, SignsOut].into_iter().cycle().take(WAVE) {
        visits.spawn(visit(address, manner, Arc::clone(&frames)));
    }
    soon("the end of a wave", visits.join_all()).await;
}

/// What clients send.
struct Frames {
    sign_in: Vec<u8>,
    hang: Vec<u8>,
    call: Vec<u8>,
    sign_out: Vec<u8>,
}

impl Frames {
    fn new() -> Self {
        let call =
            |id: &str, name: &str, arguments| frame("tools/call", id, json!({ "name": name, "arguments": arguments }));
        Self {
            sign_in: call("in", "auth_sign_in", json!({ "email": email("ann"), "password": PASSWORD })),
            hang: call("hang", "one_hang", json!({})),
            call: call("called", "one_echo", json!({})),
            sign_out: call("out", "auth_sign_out", json!({})),
        }
    }
}

async fn visit(address: SocketAddr, manner: Manner, frames: Arc<Frames>) {
    let mut stream = http::upgrade(address, &[]).await.stream;
    let mut send = frames.sign_in.clone();
    if matches!(manner, DropsInACall) {
        send.extend(&frames.hang);
    }
    send.extend(&frames.call);
    stream.write_all(&send).await.expect("the connection is open");
    if matches!(manner, DropsAtOnce) {
        // It is signed in, so the call is under way.
        return read_until(&mut stream, r#""in""#).await;
    }
    read_until(&mut stream, r#""called","result":{"content":[]}"#).await;
    match manner {
        SignsOut => {
            stream.write_all(&frames.sign_out).await.expect("the connection is open");
            read_until(&mut stream, r#""out""#).await;
        }
        Closes => stream.write_all(&[0x88, 0x80, 0, 0, 0, 0]).await.expect("the connection is open"),
        _ => {}
    }
}
