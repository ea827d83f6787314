//! Messages on one connection keep their order where order has meaning, however they arrive.

use crate::support::{Client, PASSWORD, TestServer, email};
use serde_json::{Value, json};

/// Sends calls in one go and gives their results in the order of the calls.
async fn pipelined(client: &mut Client, calls: &[(&str, Value)]) -> Vec<Value> {
    let texts: Vec<_> = (1000..)
        .zip(calls)
        .map(|(id, (name, arguments))| {
            let params = json!({ "name": name, "arguments": arguments });
            json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }).to_string()
        })
        .collect();
    client.send_together(&texts).await;
    let mut results = Vec::new();
    for id in 1000..1000 + calls.len() {
        results.push(client.response(&json!(id)).await["result"].clone());
    }
    results
}

fn signed_in(result: &Value) -> &Value {
    &result["structuredContent"]["signed_in"]
}

#[tokio::test]
async fn what_is_sent_behind_a_sign_in_or_sign_out_sees_its_effect() {
    let server = TestServer::start().await;
    drop(server.sign_up("ann").await);
    let mut client = server.connect().await;
    let nothing = json!({});
    let credentials = json!({ "email": email("ann"), "password": PASSWORD });
    let sign_up = json!({ "email": email("eve"), "password": PASSWORD, "tenant_name": "E" });
    let results = pipelined(
        &mut client,
        &[
            ("auth_whoami", nothing.clone()),
            ("auth_sign_in", credentials),
            ("auth_whoami", nothing.clone()),
            ("auth_sessions", nothing.clone()),
            ("auth_sign_out", nothing.clone()),
            ("auth_whoami", nothing.clone()),
            ("auth_sessions", nothing.clone()),
            ("auth_sign_up", sign_up),
            ("auth_whoami", nothing),
        ],
    )
    .await;
    assert_eq!(signed_in(&results[0]), false);
    assert_eq!(results[2]["structuredContent"]["user"]["email"], email("ann"));
    assert_eq!(results[3]["structuredContent"]["sessions"].as_array().map(Vec::len), Some(1));
    assert_eq!(signed_in(&results[5]), false);
    assert_eq!(results[6]["isError"], true);
    assert_eq!(results[8]["structuredContent"]["user"]["email"], email("eve"));
}

#[tokio::test]
async fn many_pipelined_sign_ins_leave_the_last_one() {
    let server = TestServer::start().await;
    for name in ["ann", "eve"] {
        drop(server.sign_up(name).await);
    }
    let mut client = server.connect().await;
    let mut calls = Vec::new();
    for round in 0..20 {
        let name = ["ann", "eve"][round % 2];
        calls.push(("auth_sign_in", json!({ "email": email(name), "password": PASSWORD })));
        calls.push(("auth_whoami", json!({})));
    }
    let results = pipelined(&mut client, &calls).await;
    for (round, whoami) in results.iter().skip(1).step_by(2).enumerate() {
        assert_eq!(whoami["structuredContent"]["user"]["email"], email(["ann", "eve"][round % 2]));
    }
    client.forget().await;
    assert_eq!(server.manager().counts()[2], 1, "one user is signed in");
}

#[tokio::test]
async fn a_failed_sign_in_leaves_who_was_signed_in() {
    let server = TestServer::start().await;
    let mut client = server.sign_up("ann").await;
    let wrong = json!({ "email": email("ann"), "password": "a wrong one" });
    let results = pipelined(&mut client, &[("auth_sign_in", wrong), ("auth_whoami", json!({}))]).await;
    assert_eq!(results[0]["isError"], true);
    assert_eq!(signed_in(&results[1]), true);
    client.expect_silence().await;
}
