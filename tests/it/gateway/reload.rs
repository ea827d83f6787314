//! Other upstreams while clients are connected.

use super::stage::{definitions, gateway, gone, nasty, pid, runs, said, shows};
use serde_json::json;
use sessile::wire::Era;

#[tokio::test]
async fn upstreams_come_and_go_and_sessions_stay() {
    let one = nasty("one", "");
    let server = gateway(&[]).await;
    let replace = |tables: &[String]| server.upstreams().replace(definitions(tables)).expect("they are good");
    let mut ann = server.sign_up("ann").await;
    let mut eve = server.sign_up_in(Era::Modern, "eve").await;
    let filter = json!({ "toolsListChanged": true });
    let listening = eve.send("subscriptions/listen", json!({ "notifications": filter })).await;
    eve.notification("notifications/subscriptions/acknowledged").await;
    assert!(!shows(&mut ann, "one_").await);

    replace(std::slice::from_ref(&one));
    for client in [&mut ann, &mut eve] {
        client.notification("notifications/tools/list_changed").await;
        assert!(shows(client, "one_").await);
        assert_eq!(said(client, "one_counter", json!({})).await, "1");
    }
    let first = pid(&mut ann, "one").await;

    // One that is as before goes on.
    replace(&[one.clone(), nasty("two", "")]);
    for client in [&mut ann, &mut eve] {
        client.notification("notifications/tools/list_changed").await;
        assert!(shows(client, "two_").await);
        assert_eq!(said(client, "one_counter", json!({})).await, "2");
    }
    assert_eq!(pid(&mut ann, "one").await, first);

    // One that is another is opened again, and what is gone ends.
    let second = pid(&mut eve, "two").await;
    replace(&[nasty("one", "deny = [\"die\"]")]);
    for client in [&mut ann, &mut eve] {
        client.notification("notifications/tools/list_changed").await;
        assert!(!shows(client, "two_").await && !shows(client, "one_die").await);
        assert_eq!(said(client, "one_counter", json!({})).await, "1");
        client.error("tools/call", json!({ "name": "two_echo", "arguments": {} })).await;
        client.tool("auth_whoami", json!({})).await;
    }
    gone(&[first, second]).await;
    eve.cancel(&listening).await;
    drop((ann, eve));
    server.stop().await;
}

#[tokio::test]
async fn a_call_that_runs_is_answered_though_its_upstream_is_replaced() {
    let server = gateway(&[nasty("one", "")]).await;
    let mut ann = server.sign_up_able("ann", json!({ "roots": {} })).await;
    let before = pid(&mut ann, "one").await;
    let asking = ann.send_call("one_ask", json!({ "kind": "roots" })).await;
    let question = ann.notification("roots/list").await;
    server.upstreams().replace(Vec::new()).expect("nothing is good");
    ann.notification("notifications/tools/list_changed").await;
    assert!(!shows(&mut ann, "one_").await);
    assert!(runs(before), "it still works");
    ann.answer(&question, json!({ "roots": [] })).await;
    assert_eq!(ann.response(&asking).await["result"]["isError"], json!(null));
    gone(&[before]).await;
    ann.close().await;
    server.stop().await;
}
