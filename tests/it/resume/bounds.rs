//! What is kept is bounded.

use super::counting::Counting;
use super::{cut_for_good, cut_off, outcome};
use crate::support::{Gate, TestServer, until};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn output_that_nobody_takes_ends_a_session_that_waits() {
    for messages in [true, false] {
        let (gate, tool) = Gate::new();
        let server = TestServer::with_tools(vec![tool], |options| {
            let resume = &mut options.sessions.resume;
            *(if messages { &mut resume.max_messages } else { &mut resume.max_bytes }) = if messages { 3 } else { 400 };
        })
        .await;
        let mut ann = Counting::sign_up(&server, "ann").await;
        ann.put_control("received", json!({ "count": ann.got })).await;
        for _ in 0..8 {
            ann.send_call("test_wait", json!({})).await;
            gate.entered().await;
        }
        cut_off(&server, &mut ann).await;
        (0..8).for_each(|_| gate.open());
        until("the session is gone", || server.manager().resumable() == (0, 0)).await;
        assert_eq!(outcome(&ann.come_back().await), "signed_in");
        server.stop().await;
    }
}

#[tokio::test]
async fn output_that_is_not_acknowledged_is_forgotten_and_no_reason_to_end() {
    let server = TestServer::with(|options| options.sessions.resume.max_messages = 5).await;
    let mut ann = Counting::sign_up(&server, "ann").await;
    ann.acknowledges = false;
    for _ in 0..50 {
        ann.request("ping", json!({})).await;
    }
    // What she has got, nobody has to keep.
    cut_off(&server, &mut ann).await;
    assert_eq!(outcome(&ann.come_back().await), "resumed");
    for _ in 0..10 {
        ann.request("ping", json!({})).await;
    }
    // What she has not got, nobody has any more.
    ann.got -= 6;
    cut_off(&server, &mut ann).await;
    assert_eq!(outcome(&ann.come_back().await), "signed_in");
    assert_eq!(ann.email().await, "ann@example.com");
    until("the old session is gone", || server.manager().counts()[0] == 1).await;
    server.stop().await;
}

#[tokio::test]
async fn the_session_that_waited_longest_ends_when_there_are_too_many() {
    let server = TestServer::with(|options| options.sessions.resume.max_waiting = 2).await;
    let mut clients = vec![Counting::sign_up(&server, "ann").await];
    for _ in 0..3 {
        clients.push(Counting::sign_in(&server, "ann").await);
    }
    for (index, client) in clients.iter_mut().enumerate() {
        if index < 2 {
            cut_off(&server, client).await;
        } else {
            cut_for_good(&server, client).await;
        }
    }
    let mut outcomes = Vec::new();
    for client in &mut clients {
        outcomes.push(outcome(&client.come_back().await).to_owned());
    }
    assert_eq!(outcomes, ["signed_in", "signed_in", "resumed", "resumed"]);
    server.stop().await;
}

#[tokio::test]
async fn sessions_that_wait_keep_nobody_out() {
    let server = TestServer::with(|options| {
        options.sessions.max_sessions = 2;
        options.sessions.max_sessions_per_address = 2;
    })
    .await;
    let mut ann = Counting::sign_up(&server, "ann").await;
    let mut again = Counting::sign_in(&server, "ann").await;
    cut_off(&server, &mut ann).await;
    cut_off(&server, &mut again).await;
    let (mut one, mut two) = (server.connect().await, server.connect().await);
    one.forget().await;
    two.forget().await;
    one.close().await;
    two.close().await;
    assert_eq!(outcome(&ann.come_back().await), "resumed");
    assert_eq!(outcome(&again.come_back().await), "resumed");
    server.stop().await;
}

#[tokio::test]
async fn ten_thousand_sessions_that_vanish_stay_within_their_bound() {
    const MOST: usize = 500;
    let server = TestServer::with(|options| {
        options.sessions.resume.max_waiting = MOST;
        options.sessions.max_sessions = 1000;
        options.sessions.max_sessions_per_address = 100_000;
        options.sessions.max_sessions_per_user = 100_000;
        options.sessions.max_sessions_per_tenant = 100_000;
    })
    .await;
    let mut ann = server.sign_up("ann").await;
    let key = ann.tool("auth_create_api_key", json!({ "name": "key", "role": "viewer" })).await;
    let key = key["key"].as_str().expect("a key").to_owned();
    let address = server.address();
    for _ in 0..40 {
        let vanish = (0..250).map(|_| {
            let key = key.clone();
            async move {
                let mut client = Counting::silent(address, Some(&key)).await;
                assert_eq!(outcome(&client.ask(json!({})).await), "new");
            }
        });
        futures_util::future::join_all(vanish).await;
        let (resumable, waiting) = server.manager().resumable();
        assert!(waiting <= MOST && resumable <= MOST + 500, "{resumable} {waiting}");
    }
    until("all that are left wait", || server.manager().resumable() == (MOST, MOST)).await;
    assert_eq!(server.manager().counts()[0], MOST + 1);
    assert!(super::stored(&server).await <= 1000, "a user has so many credentials");
    // Nobody is kept out by them, and they go with the server.
    let mut bob = Counting::sign_up(&server, "bob").await;
    cut_off_one_more(&server, &mut bob).await;
    assert_eq!(outcome(&bob.come_back().await), "resumed");
    server.stop().await;
}

async fn cut_off_one_more(server: &TestServer, client: &mut Counting) {
    client.cut().await;
    until("one of them made room", || server.manager().resumable().0 == 500).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
}
