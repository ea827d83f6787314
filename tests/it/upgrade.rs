//! One process takes another one's place, and whoever connects meanwhile is served by one of the two.

use crate::support::{Client, Process};
use serde_json::json;
use sessile::wire::Era;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Asks for a page on a connection of its own, which may wait for its answer.
fn ask(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn is_well(address: SocketAddr) -> Result<(), String> {
    match ask(address, "/readyz") {
        Ok(answer) if answer.starts_with("HTTP/1.1 200 ") => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

/// Clients that connect all the time, each once more as soon as it was answered.
struct Crowd {
    enough: Arc<AtomicBool>,
    threads: Vec<thread::JoinHandle<Result<usize, String>>>,
}

impl Crowd {
    fn at(address: SocketAddr) -> Self {
        let enough = Arc::new(AtomicBool::new(false));
        let one = |enough: Arc<AtomicBool>| {
            move || {
                let mut answers = 0;
                while !enough.load(Ordering::Relaxed) {
                    is_well(address).map_err(|why| format!("after {answers} answers: {why}"))?;
                    answers += 1;
                }
                Ok(answers)
            }
        };
        let threads = (0..4).map(|_| thread::spawn(one(Arc::clone(&enough)))).collect();
        Self { enough, threads }
    }

    /// How many answers there were, if nobody was without one.
    fn answers(self) -> usize {
        self.enough.store(true, Ordering::Relaxed);
        let all = self.threads.into_iter().map(|thread| thread.join().expect("it does not panic"));
        all.map(|one| one.expect("everybody was answered")).sum()
    }
}

/// A server that is given a socket as systemd gives it.
fn given(directory: &Path, log: &str, socket: &TcpListener) -> Process {
    let mut command = Command::new("sh");
    let script = "exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" serve";
    command.args(["-c", script, env!("CARGO_BIN_EXE_sessile")]);
    command.stdin(Stdio::from(std::os::fd::OwnedFd::from(socket.try_clone().expect("one more handle"))));
    Process::run(directory, log, &[], command)
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener.local_addr().expect("it has one").port()
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_process_takes_over_and_nobody_is_refused() {
    let directory = tempfile::tempdir().expect("there is room for a database");
    let metrics: SocketAddr = ([127, 0, 0, 1], free_port()).into();
    std::fs::write(directory.path().join("sessile.toml"), format!("[metrics]\nlisten = \"{metrics}\"\n"))
        .expect("it can be written");
    let take_over = ["--take-over-seconds", "60"];
    let mut old = Process::launch(directory.path(), "0.log", "127.0.0.1:0", &take_over);
    let address = old.serves().await;
    let mut ann = Client::connect(address, Era::Legacy).await;
    let named = json!({ "name": "Mona", "idempotency_key": "k" });
    ann.sign_up("ann").await;
    let mona = ann.tool("crm_contact_create", named.clone()).await;
    let started = |page: &str| page.lines().find(|line| line.starts_with("process_start")).map(str::to_owned);
    let first = started(&ask(metrics, "/metrics").expect("it answers"));

    let crowd = Crowd::at(address);
    // More than once, since each takes over from one that has taken over.
    for round in 1..=3 {
        let mut new = Process::launch(directory.path(), &format!("{round}.log"), &address.to_string(), &take_over);
        new.logged("waiting up to 60 seconds for the process that serves").await;
        // It waits, and takes nobody from who serves.
        for _ in 0..50 {
            tokio::task::spawn_blocking(move || is_well(address))
                .await
                .expect("no panic")
                .expect("the old one answers");
        }
        assert!(ask(metrics, "/metrics").is_ok() && old.runs() && new.runs());
        old.terminate();
        // From now on whoever connects waits for the new one, though the old one listens for a while.
        old.logged("passing the address on").await;
        tokio::task::spawn_blocking(move || is_well(address)).await.expect("no panic").expect("one of them answers");
        assert!(old.log().contains("draining"), "the old one answered");
        assert_eq!(ann.closed().await, (1001, "draining".to_owned()));
        assert_eq!(new.serves().await, address);
        assert!(old.ended().await.success(), "{}", old.log());
        old = new;
        ann = Client::connect(address, Era::Legacy).await;
        ann.sign_in("ann").await;
        let again = ann.tool("crm_contact_create", named.clone()).await;
        assert_eq!((&again["id"], &again["repeated"]), (&mona["id"], &json!(true)));
    }
    assert!(crowd.answers() > 0);
    assert_ne!(started(&ask(metrics, "/metrics").expect("it answers")), first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_too_long_ends_and_says_so_and_nobody_notices() {
    let directory = tempfile::tempdir().expect("there is room for a database");
    let mut old = Process::launch(directory.path(), "old.log", "127.0.0.1:0", &["--take-over-seconds", "1"]);
    let address = old.serves().await;
    let crowd = Crowd::at(address);
    let mut new = Process::launch(directory.path(), "new.log", &address.to_string(), &["--take-over-seconds", "1"]);
    assert_eq!(new.ended().await.code(), Some(1));
    let pid = old.id();
    let why = format!("is still served by another process (pid {pid}) after 1 seconds; stop that one");
    assert!(new.log().contains(&why), "{}", new.log());
    assert!(old.runs() && crowd.answers() > 0);
}

#[tokio::test]
async fn who_is_told_to_stop_while_it_waits_stops() {
    let directory = tempfile::tempdir().expect("there is room for a database");
    let mut old = Process::launch(directory.path(), "old.log", "127.0.0.1:0", &["--take-over-seconds", "60"]);
    let address = old.serves().await;
    let mut new = Process::launch(directory.path(), "new.log", &address.to_string(), &["--take-over-seconds", "60"]);
    new.logged("waiting up to").await;
    new.terminate();
    assert!(new.ended().await.success());
    is_well(address).expect("the old one serves");
    assert!(old.runs());
}

#[tokio::test]
async fn who_was_not_told_to_share_does_not() {
    let directory = tempfile::tempdir().expect("there is room for a database");
    let mut alone = Process::launch(directory.path(), "alone.log", "127.0.0.1:0", &[]);
    let address = alone.serves().await.to_string();
    for (arguments, listen, why) in [
        (&["--take-over-seconds", "60"][..], &*address, "whoever listens there does not share it"),
        (&[], &address, "cannot listen on"),
        (&[], "127.0.0.1:0", "is served by another process (pid "),
    ] {
        let mut refused = Process::launch(directory.path(), "refused.log", listen, arguments);
        assert_eq!(refused.ended().await.code(), Some(1));
        assert!(refused.log().contains(why), "{}", refused.log());
    }
    assert!(alone.runs());
}

#[tokio::test]
async fn nobody_shares_with_who_serves_another_database() {
    let [one, other] = [(), ()].map(|()| tempfile::tempdir().expect("there is room for a database"));
    let mut there = Process::launch(one.path(), "log", "127.0.0.1:0", &["--take-over-seconds", "60"]);
    let address = there.serves().await.to_string();
    let mut refused = Process::launch(other.path(), "log", &address, &["--take-over-seconds", "60"]);
    assert_eq!(refused.ended().await.code(), Some(1));
    assert!(refused.log().contains("listen: cannot listen on"), "{}", refused.log());
}

#[tokio::test]
async fn mistakes_are_found_before_another_process_is_waited_for() {
    let directory = tempfile::tempdir().expect("there is room for a database");
    let mut old = Process::launch(directory.path(), "old.log", "127.0.0.1:0", &["--take-over-seconds", "60"]);
    let address = old.serves().await.to_string();
    std::fs::write(directory.path().join("bad.toml"), "[upstream.a]\ncommand = [\"a\"]\nprefix = \"auth_\"\n")
        .expect("it can be written");
    for mistake in [&["--config", "bad.toml"][..], &["--tls-cert", "none.pem", "--tls-key", "none.pem"]] {
        let arguments = [&["--take-over-seconds", "60"], mistake].concat();
        let mut new = Process::launch(directory.path(), "new.log", &address, &arguments);
        assert_eq!(new.ended().await.code(), Some(1), "{mistake:?}");
        assert!(!new.log().contains("waiting"), "{}", new.log());
    }
    assert!(old.runs());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_connects_to_a_given_socket_waits_while_nobody_serves() {
    let directory = tempfile::tempdir().expect("there is room for a database");
    let socket = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = socket.local_addr().expect("it has one");
    // Somebody is there before the first process is, and between two of them.
    let crowd = Crowd::at(address);
    for name in ["first.log", "second.log", "third.log"] {
        let early = tokio::task::spawn_blocking(move || is_well(address));
        let mut server = given(directory.path(), name, &socket);
        assert_eq!(server.serves().await, address);
        early.await.expect("no panic").expect("who came early is answered");
        drop(Client::connect(address, Era::Legacy).await);
        if name == "third.log" {
            assert!(crowd.answers() > 0);
            return;
        }
        // What it has accepted it answers; the crowd waits for the next one.
        server.terminate();
        assert!(server.ended().await.success(), "{}", server.log());
    }
}
