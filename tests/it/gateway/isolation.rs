//! Whom one session with an upstream belongs to.

use super::stage::{gateway, gateway_over, nasty, pid, said};
use crate::support::Credential::{AccessToken, ApiKey};
use crate::support::Transport::{HttpLegacy, HttpModern};
use crate::support::Way::Bearer;
use serde_json::json;
use sessile::wire::Era;
use std::collections::HashSet;

#[tokio::test]
async fn each_session_has_its_own() {
    let server = gateway(&[nasty("one", "")]).await;
    let mut clients = vec![
        server.sign_up("ann").await,
        server.sign_in("ann").await,
        server.sign_up_in(Era::Modern, "eve").await,
        server.sign_up("vic").await,
    ];
    let mut pids = HashSet::new();
    for (number, client) in clients.iter_mut().enumerate() {
        for count in 1..=number + 1 {
            assert_eq!(said(client, "one_counter", json!({})).await, count.to_string());
        }
        let its_own = pid(client, "one").await;
        assert!(pids.insert(its_own), "{its_own} is another's");
        assert_eq!(pid(client, "one").await, its_own);
    }
    drop(clients);
    server.stop().await;
}

#[tokio::test]
async fn members_of_a_tenant_or_everybody_can_share_one() {
    let tables = [nasty("team", "isolation = \"tenant\""), nasty("all", "isolation = \"shared\"")];
    let server = gateway(&tables).await;
    let mut ann = server.sign_up("ann").await;
    let mut vic = server.join(&mut ann, "vic", "viewer").await;
    let mut eve = server.sign_up_in(Era::Modern, "eve").await;
    let team = pid(&mut ann, "team").await;
    assert_eq!(pid(&mut vic, "team").await, team);
    assert_ne!(pid(&mut eve, "team").await, team);
    let all = pid(&mut ann, "all").await;
    for client in [&mut vic, &mut eve] {
        assert_eq!(pid(client, "all").await, all);
    }
    // It goes on for the others when one leaves.
    ann.close().await;
    assert_eq!(pid(&mut vic, "team").await, team);
    assert_eq!(pid(&mut eve, "all").await, all);
    drop((vic, eve));
    server.stop().await;
}

#[tokio::test]
async fn requests_without_a_session_share_one_of_their_user() {
    for credential in [AccessToken, ApiKey] {
        let server = gateway_over(Bearer(HttpModern, credential), &[nasty("one", "")]).await;
        let mut ann = server.sign_up_in(Era::Modern, "ann").await;
        let mut eve = server.sign_up_in(Era::Modern, "eve").await;
        for count in 1..=3 {
            assert_eq!(said(&mut ann, "one_counter", json!({})).await, count.to_string());
        }
        assert_eq!(said(&mut eve, "one_counter", json!({})).await, "1");
        assert_ne!(pid(&mut ann, "one").await, pid(&mut eve, "one").await);
        // Another credential of the same user is another caller.
        let mut again = server.connect_in(Era::Modern).await;
        again.sign_in("ann").await;
        assert_eq!(said(&mut again, "one_counter", json!({})).await, "1");
        drop((ann, eve, again));
        server.stop().await;
    }
}

#[tokio::test]
async fn each_session_over_http_has_its_own() {
    let server = gateway_over(Bearer(HttpLegacy, AccessToken), &[nasty("one", "")]).await;
    let mut ann = server.sign_up("ann").await;
    let mut again = server.connect().await;
    again.sign_in("ann").await;
    assert_eq!(said(&mut ann, "one_counter", json!({})).await, "1");
    assert_eq!(said(&mut ann, "one_counter", json!({})).await, "2");
    assert_eq!(said(&mut again, "one_counter", json!({})).await, "1");
    let (first, second) = (pid(&mut ann, "one").await, pid(&mut again, "one").await);
    ann.close().await;
    super::stage::gone(&[first]).await;
    assert_eq!(pid(&mut again, "one").await, second);
    again.close().await;
    server.stop().await;
}

#[tokio::test]
async fn what_a_shared_one_says_of_no_call_reaches_nobody() {
    let server = gateway(&[nasty("all", "isolation = \"shared\"")]).await;
    let mut ann = server.sign_up_able("ann", json!({ "roots": {} })).await;
    said(&mut ann, "all_echo", json!({})).await;
    ann.forget().await;
    said(&mut ann, "all_flood_stdout", json!({ "count": 2 })).await;
    let refused = said(&mut ann, "all_ask", json!({ "kind": "roots" })).await;
    assert!(refused.contains("-32601"), "{refused}");
    ann.expect_silence().await;
    drop(ann);
    server.stop().await;
}
