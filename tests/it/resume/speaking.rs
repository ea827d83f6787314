//! Control messages: where they are allowed, and that nobody sees one who has not asked.

use super::counting::Counting;
use super::{cut_off, outcome};
use crate::support::{PASSWORD, TestServer, email, until};
use serde_json::json;

#[tokio::test]
async fn a_client_that_does_not_ask_sees_nothing_and_its_session_ends_with_its_connection() {
    let server = TestServer::start().await;
    // This client takes no message for good that MCP does not know.
    let mut ann = server.sign_up("ann").await;
    ann.notify("dev.sessile/received", json!({ "count": 1_000_000 })).await;
    ann.notify("dev.sessile/other", json!({})).await;
    ann.expect_silence().await;
    assert_eq!((server.manager().resumable(), super::stored(&server).await), ((0, 0), 0));
    drop(ann);
    until("the session is gone", || server.manager().counts()[0] == 0).await;
    server.stop().await;
}

#[tokio::test]
async fn nobodys_session_is_not_kept() {
    let server = TestServer::start().await;
    let mut nobody = Counting::connect(&server).await;
    nobody.request("ping", json!({})).await;
    nobody.cut().await;
    until("the session is gone", || server.manager().counts()[0] == 0).await;
    server.stop().await;
}

#[tokio::test]
async fn asking_comes_first_or_not_at_all() {
    let server = TestServer::start().await;
    let mut plain = server.sign_up("ann").await;
    let error = plain.error("dev.sessile/resume", json!({})).await;
    assert_eq!(error["code"], -32600, "{error}");
    let mut asking = Counting::sign_in(&server, "ann").await;
    let before = (asking.session.clone(), asking.credential.clone());
    for params in [json!({}), json!({ "credential": asking.credential, "received": 0 })] {
        let response = asking.ask_raw(params).await;
        assert_eq!(response["error"]["code"], -32600, "{response}");
    }
    let unknown = r#"{"jsonrpc":"2.0","id":"resume","method":"dev.sessile/unknown"}"#;
    asking.put(unknown).await;
    assert_eq!(asking.frame().await.expect("an answer")["error"]["code"], -32601);
    // None of these counted, and nothing changed.
    cut_off(&server, &mut asking).await;
    asking.credential = before.1;
    assert_eq!(asking.come_back().await["session"], before.0);
    server.stop().await;
}

#[tokio::test]
async fn a_slash_may_be_escaped_and_the_id_be_anything() {
    let server = TestServer::start().await;
    let mut client = Counting::silent(server.address(), None).await;
    client.put(r#"{"jsonrpc":"2.0","id":7,"method":"dev.sessile\/resume"}"#).await;
    let answer = client.frame().await.expect("an answer");
    assert_eq!((&answer["id"], &answer["result"]["outcome"]), (&json!(7), &json!("new")));
    server.stop().await;
}

#[tokio::test]
async fn parameters_that_do_not_fit_change_nothing() {
    let server = TestServer::start().await;
    let mut ann = Counting::sign_up(&server, "ann").await;
    cut_off(&server, &mut ann).await;
    for params in [
        json!({ "credential": ann.credential }),
        json!({ "credential": 7, "received": 0 }),
        json!({ "credential": ann.credential, "received": -1 }),
        json!({ "credential": ann.credential, "received": "1" }),
    ] {
        let mut client = Counting::silent(server.address(), None).await;
        let response = client.ask_raw(params).await;
        assert_eq!(response["error"]["code"], -32602, "{response}");
        assert!(!response.to_string().contains("ssr_"), "{response}");
        // It is an ordinary connection from then on.
        client.tool("auth_sign_in", json!({ "email": email("ann"), "password": PASSWORD })).await;
        assert_eq!(client.request("ping", json!({})).await["result"], json!({}));
    }
    assert_eq!(outcome(&ann.come_back().await), "resumed");
    server.stop().await;
}

#[tokio::test]
async fn where_it_is_off_nobody_knows_it() {
    let server = TestServer::with(|options| options.sessions.resume.enabled = false).await;
    let mut client = Counting::silent(server.address(), None).await;
    let response = client.ask_raw(json!({})).await;
    assert_eq!(response["error"]["code"], -32601, "{response}");
    client.tool("auth_whoami", json!({})).await;
    server.stop().await;
}

#[tokio::test]
async fn a_count_that_cannot_be_ends_the_connection() {
    let server = TestServer::start().await;
    let mut ann = Counting::sign_up(&server, "ann").await;
    ann.put_control("received", json!({ "count": 0 })).await;
    ann.email().await;
    ann.put_control("received", json!({ "count": ann.got + 1 })).await;
    assert_eq!(ann.closed().await.0, 1002);
    server.stop().await;
}

#[tokio::test]
async fn the_server_says_how_much_it_has_got() {
    let server = TestServer::start().await;
    let mut ann = Counting::sign_up(&server, "ann").await;
    for _ in 0..31 {
        ann.request("ping", json!({})).await;
    }
    assert_eq!(ann.acknowledged, 32, "after 32 messages");
    ann.send_text(&format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/x","params":{{"a":"{}"}}}}"#,
        "a".repeat(70_000)
    ))
    .await;
    ann.request("ping", json!({})).await;
    assert_eq!(ann.acknowledged, 33, "after 64 KiB");
    ann.send_text("no JSON").await;
    ann.frame().await.expect("an error");
    cut_off(&server, &mut ann).await;
    assert_eq!(ann.come_back().await["received"], 35);
    server.stop().await;
}
