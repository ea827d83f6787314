//! Upstreams that behave badly harm their own calls, and nobody else's.

use super::stage::{CLIENTS, failure, gateway, gateway_over, gone, nasty, nasty_with, pid, runs, said, shows};
use crate::support::{Client, TestServer};
use serde_json::json;
use sessile::wire::Era;
use std::time::{Duration, Instant};

/// Two clients of different eras who have signed up.
async fn two(server: &TestServer) -> [Client; 2] {
    [server.sign_up("ann").await, server.sign_up_in(Era::Modern, "eve").await]
}

/// What somebody else's calls and lists look like, if all is well.
async fn is_well(client: &mut Client, tool: &str) {
    assert_eq!(said(client, tool, json!({ "text": "well" })).await, "well");
}

#[tokio::test]
async fn one_that_dies_in_a_call_fails_the_call_and_is_opened_again() {
    for (way, era) in CLIENTS {
        let server = gateway_over(way, &[nasty("one", ""), nasty("two", "")]).await;
        let mut ann = server.sign_up_in(era, "ann").await;
        let (first, other) = (pid(&mut ann, "one").await, pid(&mut ann, "two").await);
        let hanging = ann.send_call("one_hang", json!({})).await;
        is_well(&mut ann, "one_echo").await;
        let why = failure(&mut ann, "one_die", json!({ "status": 7, "say": "no more disk" })).await;
        assert_eq!(
            why,
            "The upstream one ended before it answered (exit status 7; the last that it said: no more disk); whether it did what it was asked is not known."
        );
        let why = ann.response(&hanging).await;
        assert_eq!(why["result"]["isError"], true, "{why}");
        assert_ne!(pid(&mut ann, "one").await, first);
        assert_eq!(pid(&mut ann, "two").await, other);
        let why = failure(&mut ann, "one_die", json!({ "signal": 9 })).await;
        assert!(why.contains("killed by signal 9"), "{why}");
        is_well(&mut ann, "one_echo").await;
        drop(ann);
        server.stop().await;
    }
}

#[tokio::test]
async fn one_that_dies_between_calls_is_opened_again() {
    let server = gateway(&[nasty("one", "")]).await;
    for client in &mut two(&server).await {
        assert!(shows(client, "one_").await);
        for quiet in [true, false] {
            let leaving = pid(client, "one").await;
            // What it leaves behind may hold its pipes open.
            let left = said(client, "one_fork", json!({ "quiet": quiet, "leave": true })).await;
            gone(&[leaving]).await;
            is_well(client, "one_echo").await;
            gone(&[left.parse().expect("a number")]).await;
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn one_that_hangs_holds_up_nobody_and_is_given_up() {
    let server = gateway(&[nasty("one", "call_seconds = 1"), nasty("two", "")]).await;
    for client in &mut two(&server).await {
        let hanging = client.send_call("one_hang", json!({})).await;
        is_well(client, "one_echo").await;
        is_well(client, "two_echo").await;
        assert!(shows(client, "two_").await);
        let response = client.response(&hanging).await;
        let refusal = crate::support::Refusal::of(&response["result"]);
        let expected = "The upstream one did not answer within 1 s; whether it did what it was asked is not known.";
        assert_eq!((refusal.code.as_str(), refusal.text.as_str()), ("upstream", expected));
        // It is told that nobody waits any more.
        assert_ne!(said(client, "one_cancelled", json!({})).await, "[]");
    }
    server.stop().await;
}

#[tokio::test]
async fn one_that_hears_nothing_any_more_is_given_up() {
    let server = gateway(&[nasty("one", "call_seconds = 1"), nasty("two", "")]).await;
    for client in &mut two(&server).await {
        let deaf = pid(client, "one").await;
        assert_eq!(said(client, "one_deaf", json!({})).await, "deaf");
        let why = failure(client, "one_echo", json!({})).await;
        assert!(why.starts_with("The upstream one did not answer within 1 s"), "{why}");
        is_well(client, "two_echo").await;
        assert!(runs(deaf));
    }
    server.stop().await;
}

#[tokio::test]
async fn noise_is_ignored() {
    let server = gateway(&[nasty("one", "")]).await;
    for client in &mut two(&server).await {
        assert_eq!(said(client, "one_garbage", json!({})).await, "after the garbage");
        assert_eq!(said(client, "one_twice", json!({})).await, "first");
        assert_eq!(said(client, "one_unknown_id", json!({})).await, "asked");
        assert_eq!(said(client, "one_flood_stderr", json!({})).await, "flooded");
        assert_eq!(said(client, "one_flood_stdout", json!({})).await, "flooded");
        is_well(client, "one_echo").await;
    }
    server.stop().await;
}

#[tokio::test]
async fn endless_noise_ends_with_the_connection() {
    let server = gateway(&[nasty("one", ""), nasty("two", "")]).await;
    server.sign_up("ann").await.close().await;
    for flood in ["one_flood_stderr", "one_flood_stdout"] {
        for era in [Era::Legacy, Era::Modern] {
            let mut ann = server.connect_in(era).await;
            ann.sign_in("ann").await;
            let noisy = pid(&mut ann, "one").await;
            assert_eq!(said(&mut ann, flood, json!({ "count": 0 })).await, "flooding");
            is_well(&mut ann, "two_echo").await;
            is_well(&mut ann, "one_echo").await;
            drop(ann);
            gone(&[noisy]).await;
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_too_large_fails_its_call_alone() {
    let server = gateway(&[nasty("one", "max_message_bytes = 65536"), nasty("two", "")]).await;
    for client in &mut two(&server).await {
        for last in [false, true] {
            let why = failure(client, "one_huge", json!({ "bytes": 1_000_000, "last": last })).await;
            assert_eq!(why, "The upstream one answered with more than 65536 bytes, which is the limit.");
            is_well(client, "one_echo").await;
            let huge = said(client, "two_huge", json!({ "bytes": 1_000_000, "last": last })).await;
            assert_eq!(huge.len(), 1_000_000);
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn those_who_ignore_their_end_are_killed_with_all_that_they_have_started() {
    let server = gateway(&[nasty_with("one", &["--ignore-sigterm"], "")]).await;
    let mut ann = server.sign_up("ann").await;
    let mut pids = vec![pid(&mut ann, "one").await];
    for quiet in [true, false] {
        let forked = said(&mut ann, "one_fork", json!({ "quiet": quiet })).await;
        pids.push(forked.parse().expect("a number"));
    }
    assert!(pids.iter().all(|pid| runs(*pid)));
    ann.close().await;
    gone(&pids).await;
    server.stop().await;
}

#[tokio::test]
async fn one_that_can_not_be_started_is_named_and_left_out() {
    let missing = "[upstream.missing]\ncommand = [\"no-such-program\"]\n".to_owned();
    let dying = nasty_with("dying", &["--die-at-start"], "");
    let server = gateway(&[missing, dying, nasty("two", "")]).await;
    for client in &mut two(&server).await {
        assert!(shows(client, "two_").await);
        let why = failure(client, "missing_echo", json!({})).await;
        assert!(why.starts_with("The upstream missing ") && why.contains("no-such-program can't be run"), "{why}");
        let why = failure(client, "dying_echo", json!({})).await;
        assert!(why.starts_with("The upstream dying ") && why.contains("it was told to die at start"), "{why}");
        for _ in 0..5 {
            failure(client, "missing_echo", json!({})).await;
        }
        let why = failure(client, "missing_echo", json!({})).await;
        assert!(why.contains("is not tried again for another") && why.contains("can't be run"), "{why}");
        is_well(client, "two_echo").await;
        assert!(shows(client, "two_").await);
    }
    server.stop().await;
}

#[tokio::test]
async fn one_that_does_not_answer_the_handshake_is_left_out_in_time() {
    let silent = nasty_with("silent", &["--silent-start"], "list_seconds = 1\nopen_seconds = 20\nera = \"legacy\"");
    let server = gateway(&[silent, nasty("two", "")]).await;
    for client in &mut two(&server).await {
        let begun = Instant::now();
        assert!(shows(client, "two_").await);
        assert!(!shows(client, "silent_").await);
        is_well(client, "two_echo").await;
        assert!(begun.elapsed() < Duration::from_secs(15), "its handshake may take longer than this");
        let waiting = client.send_call("silent_echo", json!({})).await;
        is_well(client, "two_echo").await;
        client.cancel(&waiting).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn one_that_is_late_is_listed_when_it_is_there() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/children/nasty.py");
    let starts_late = json!(["sh", "-c", "sleep 2; exec python3 \"$0\"", script]);
    let starts_late = format!("[upstream.late]\ncommand = {starts_late}\nlist_seconds = 1\nera = \"legacy\"\n");
    for late in [starts_late, nasty_with("late", &["--slow-list"], "list_seconds = 1")] {
        let server = gateway(&[late, nasty("two", "")]).await;
        let mut ann = server.sign_up("ann").await;
        assert!(!shows(&mut ann, "late_").await, "it takes longer than that");
        // On a busy machine the other one may be late as well, and is told of by itself.
        loop {
            ann.notification("notifications/tools/list_changed").await;
            if shows(&mut ann, "late_").await && shows(&mut ann, "two_").await {
                break;
            }
        }
        ann.forget().await;
        // It is known now.
        assert!(shows(&mut ann, "late_").await);
        ann.expect_silence().await;
        ann.close().await;
        server.stop().await;
    }
}

#[tokio::test]
async fn sessions_are_counted_and_bounded() {
    let keys = "max_sessions_per_tenant = 2\nmax_sessions = 3";
    let server = gateway(&[nasty("one", keys)]).await;
    let mut anns = [server.sign_up("ann").await, server.sign_in("ann").await, server.sign_in("ann").await];
    for ann in &mut anns[..2] {
        is_well(ann, "one_echo").await;
    }
    let why = failure(&mut anns[2], "one_echo", json!({})).await;
    assert_eq!(why, "The upstream one can't be opened: your tenant has 2 sessions with it, which is the limit.");
    let mut eve = server.sign_up("eve").await;
    is_well(&mut eve, "one_echo").await;
    let mut vic = server.sign_up("vic").await;
    let why = failure(&mut vic, "one_echo", json!({})).await;
    assert_eq!(why, "The upstream one can't be opened: there are 3 sessions with it, which is the limit.");
    let [first, second, mut third] = anns;
    let freed = {
        let mut first = first;
        let freed = pid(&mut first, "one").await;
        first.close().await;
        freed
    };
    gone(&[freed]).await;
    crate::support::soon("a free place", async {
        let call = json!({ "name": "one_echo", "arguments": { "text": "well" } });
        while third.result("tools/call", call.clone()).await["isError"] == true {}
    })
    .await;
    drop((second, third, eve, vic));
    server.stop().await;
}
