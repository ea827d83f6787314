//! Children are gone with what they were started for.

use super::stage::{CLIENTS, gateway, gateway_over, gone, nasty, nasty_with, pid, runs, said};
use crate::support::Client;
use serde_json::json;
use sessile::wire::Era;

async fn fork(client: &mut Client) -> u64 {
    said(client, "one_fork", json!({})).await.parse().expect("a number")
}

#[tokio::test]
async fn with_the_connection() {
    let server = gateway(&[nasty("one", "")]).await;
    for era in [Era::Legacy, Era::Modern] {
        let mut ann = server.connect_in(era).await;
        if era == Era::Legacy {
            ann.sign_up("ann").await
        } else {
            ann.sign_in("ann").await
        };
        let pids = [pid(&mut ann, "one").await, fork(&mut ann).await];
        assert!(pids.into_iter().all(runs));
        ann.close().await;
        gone(&pids).await;
        // Without a word, and while a call runs.
        let mut ann = server.connect_in(era).await;
        ann.sign_in("ann").await;
        let pids = [pid(&mut ann, "one").await];
        ann.send_call("one_hang", json!({})).await;
        drop(ann);
        gone(&pids).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn with_the_sign_in() {
    let server = gateway(&[nasty("one", "")]).await;
    let mut ann = server.sign_up("ann").await;
    let home = ann.tool("auth_whoami", json!({})).await["tenant"]["id"].clone();
    let before = pid(&mut ann, "one").await;
    ann.tool("auth_sign_out", json!({})).await;
    gone(&[before]).await;
    ann.sign_in("ann").await;
    assert_ne!(pid(&mut ann, "one").await, before);

    // A call that runs ends with the sign-in for which it was made.
    let running = ann.send_call("one_hang", json!({})).await;
    let asked = pid(&mut ann, "one").await;
    ann.tool("auth_sign_out", json!({})).await;
    let refusal = crate::support::Refusal::of(&ann.response(&running).await["result"]);
    assert_eq!(
        refusal.text,
        "The upstream one ended before it answered (the sign-in for which it was called has ended); whether it did what it was asked is not known."
    );
    gone(&[asked]).await;
    ann.sign_in("ann").await;
    let after = pid(&mut ann, "one").await;

    let mut eve = server.sign_up("eve").await;
    let tenant = eve.tool("auth_whoami", json!({})).await["tenant"]["id"].clone();
    let invited = eve.tool("tenant_invite", json!({ "role": "member" })).await;
    ann.join("ann", &invited["code"]).await;
    let whoami = ann.tool("auth_whoami", json!({})).await;
    assert_eq!(whoami["tenant"]["id"], tenant);
    gone(&[after]).await;
    let there = pid(&mut ann, "one").await;
    assert_eq!(said(&mut ann, "one_env", json!({ "name": "SESSILE_TENANT_ID" })).await, tenant);
    ann.tool("tenant_switch", json!({ "to": home })).await;
    gone(&[there]).await;
    assert_eq!(said(&mut ann, "one_env", json!({ "name": "SESSILE_TENANT_ID" })).await, home);
    drop((ann, eve));
    server.stop().await;
}

#[tokio::test]
async fn with_the_server() {
    for (way, era) in CLIENTS {
        let tables = [
            nasty("one", ""),
            nasty("team", "isolation = \"tenant\""),
            nasty("all", "isolation = \"shared\""),
            nasty_with("stubborn", &["--ignore-sigterm"], ""),
        ];
        let server = gateway_over(way, &tables).await;
        let mut ann = server.sign_up_in(era, "ann").await;
        let mut pids = vec![fork(&mut ann).await];
        for name in ["one", "team", "all", "stubborn"] {
            pids.push(pid(&mut ann, name).await);
        }
        server.stop().await;
        assert_eq!(pids.iter().filter(|pid| runs(**pid)).count(), 0, "the server waits for them");
        drop(ann);
    }
}

#[tokio::test]
async fn when_nobody_has_used_them_for_long() {
    let keys = "idle_seconds = 1";
    for (way, era) in CLIENTS {
        let server = gateway_over(way, &[nasty("one", keys)]).await;
        let mut ann = server.sign_up_in(era, "ann").await;
        let first = pid(&mut ann, "one").await;
        gone(&[first]).await;
        let second = pid(&mut ann, "one").await;
        assert_ne!(first, second, "it is opened again");
        drop(ann);
        server.stop().await;
    }
}
