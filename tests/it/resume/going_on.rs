//! A session goes on after its connection was lost: calls, answers, subscriptions, upstream sessions.

use super::counting::Counting;
use super::{cut_for_good, cut_off, outcome};
use crate::support::{Gate, TestServer, until};
use serde_json::{Value, json};
use sessile::config::Config;
use sessile::tools::{Access, Output, Question, Tool};

#[tokio::test]
async fn answers_come_that_were_not_there_yet_when_the_connection_was_lost() {
    let (gate, tool) = Gate::new();
    let server = TestServer::with_tools(vec![tool], |_| {}).await;
    let mut ann = Counting::sign_up(&server, "ann").await;
    let first = ann.send_call("test_wait", json!({})).await;
    let second = ann.send_call("test_wait", json!({})).await;
    gate.entered().await;
    gate.entered().await;
    cut_off(&server, &mut ann).await;
    gate.open();
    gate.open();
    gate.left().await;
    gate.left().await;
    let told = ann.come_back().await;
    assert_eq!(
        (outcome(&told), &told["received"], &told["waits_seconds"]),
        ("resumed", &json!(3), &json!(120)),
        "a sign-up and two calls"
    );
    for id in [&first, &second] {
        assert_eq!(ann.response(id).await["result"]["structuredContent"], json!({ "done": true }));
    }
    assert_eq!(ann.email().await, "ann@example.com");
    let answers = ann.heard().iter().filter(|message| message.get("id").is_some()).count();
    assert_eq!(answers, 0, "nothing came twice");
    assert_eq!(server.manager().resumable(), (1, 0));
    ann.close().await;
    server.stop().await;
}

#[tokio::test]
async fn what_was_sent_and_not_read_comes_again_in_order() {
    let server = TestServer::start().await;
    let mut ann = Counting::sign_up(&server, "ann").await;
    ann.acknowledges = false;
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(ann.send_call("auth_whoami", json!({})).await);
    }
    // The answers are on their way, or have come and were lost with the client's memory.
    let (got, last) = (ann.got, ids[9].clone());
    ann.response(&last).await;
    drop(ann.heard());
    ann.got = got;
    cut_off(&server, &mut ann).await;
    assert_eq!(outcome(&ann.come_back().await), "resumed");
    let mut again = Vec::new();
    while again.len() < 10 {
        let message = ann.next().await.expect("the connection is open");
        again.extend(message.get("id").cloned());
    }
    assert_eq!(again, ids);
    server.stop().await;
}

#[tokio::test]
async fn subscriptions_go_on_and_what_happened_meanwhile_is_told() {
    let server = TestServer::start().await;
    let mut ann = Counting::sign_up(&server, "ann").await;
    let contact = ann.tool("crm_contact_create", json!({ "name": "Eve" })).await;
    let uri = format!("crm://contacts/{}", contact["id"].as_str().expect("an id"));
    ann.request("resources/subscribe", json!({ "uri": uri })).await;
    let mut other = server.sign_in("ann").await;
    cut_off(&server, &mut ann).await;
    for version in 1..3 {
        let change = json!({ "id": contact["id"], "version": version, "name": format!("Eve {version}") });
        other.tool("crm_contact_update", change).await;
    }
    let told = ann.come_back().await;
    assert_eq!((outcome(&told), &told["session"]), ("resumed", &ann.session));
    let is_news = |message: &Value| message["method"] == "notifications/resources/updated";
    assert_eq!(ann.find(is_news).await["params"]["uri"], uri.as_str());
    let change = json!({ "id": contact["id"], "version": 3, "name": "Eve 3" });
    other.tool("crm_contact_update", change).await;
    ann.find(is_news).await;
    server.stop().await;
}

#[tokio::test]
async fn an_upstream_session_stays_the_same() {
    let directory = tempfile::tempdir().expect("there is room for a file");
    let file = directory.path().join("sessile.toml");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/children/nasty.py");
    std::fs::write(&file, format!("[upstream.one]\ncommand = {}\n", json!(["python3", script])))
        .expect("it is written");
    let upstreams = Config::load(Some(&file), &[], |_| None).expect("it is good").server.upstreams;
    let server = TestServer::with(|options| options.upstreams = upstreams).await;
    let mut ann = Counting::sign_up(&server, "ann").await;
    let pid = async |ann: &mut Counting| {
        let id = ann.send_call("one_pid", json!({})).await;
        ann.response(&id).await["result"]["content"][0]["text"].clone()
    };
    let before = pid(&mut ann).await;
    assert!(before.as_str().is_some_and(|text| text.contains("pid")), "{before}");
    for _ in 0..3 {
        cut_off(&server, &mut ann).await;
        assert_eq!(outcome(&ann.come_back().await), "resumed");
        assert_eq!(pid(&mut ann).await, before);
    }
    server.stop().await;
}

#[tokio::test]
async fn an_exclusive_call_and_what_is_held_behind_it_go_on() {
    let (gate, tool) = Gate::new();
    let exclusive = tool.exclusive();
    let server = TestServer::with_tools(vec![exclusive], |_| {}).await;
    let mut ann = Counting::sign_up(&server, "ann").await;
    let alone = ann.send_call("test_wait", json!({})).await;
    let held = ann.send_call("auth_whoami", json!({})).await;
    let unread = ann.send_call("auth_whoami", json!({})).await;
    gate.entered().await;
    // The socket is not read while a message is held, so only what is written shows that it is gone.
    let told = ann.come_back().await;
    assert_eq!(
        (outcome(&told), &told["received"]),
        ("resumed", &json!(3)),
        "the one that was not read is none of them"
    );
    gate.open();
    for id in [&alone, &held, &unread] {
        assert!(ann.response(id).await.get("result").is_some());
    }
    server.stop().await;
}

#[tokio::test]
async fn a_question_to_the_client_comes_again_and_can_be_answered() {
    let schema = json!({ "type": "object" });
    let ask = Tool::raw("ask", Access::Anyone, schema.clone(), move |context, _| {
        let schema = schema.clone();
        async move {
            let answer = context.ask("name", Question::form("Your name?", &schema)).await?;
            Ok(Output::text(answer["content"]["name"].to_string()))
        }
    });
    let server = TestServer::with_tools(vec![ask], |_| {}).await;
    let mut ann = Counting::sign_up(&server, "ann").await;
    let client = json!({ "name": "it", "version": "1" });
    let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": { "elicitation": {} }, "clientInfo": client });
    ann.request("initialize", hello).await;
    let call = ann.send_call("ask", json!({})).await;
    let asks = |message: &Value| message["method"] == "elicitation/create";
    let question = ann.find(asks).await;
    // It was read, and forgotten: nobody knows of it any more but the server.
    ann.got -= 1;
    cut_off(&server, &mut ann).await;
    assert_eq!(outcome(&ann.come_back().await), "resumed");
    assert_eq!(ann.find(asks).await, question);
    let answer = json!({ "action": "accept", "content": { "name": "Ann" } });
    let answer = json!({ "jsonrpc": "2.0", "id": question["id"], "result": answer }).to_string();
    cut_off(&server, &mut ann).await;
    assert_eq!(outcome(&ann.come_back().await), "resumed");
    ann.send_text(&answer).await;
    let said = ann.response(&call).await;
    assert_eq!(said["result"]["content"][0]["text"], r#""Ann""#);
    server.stop().await;
}

#[tokio::test]
async fn a_connection_that_is_only_half_gone_gives_way() {
    let server = TestServer::start().await;
    let mut ann = Counting::sign_up(&server, "ann").await;
    let mut old = ann.leave_behind().await;
    assert_eq!(outcome(&ann.come_back().await), "resumed");
    assert_eq!(ann.email().await, "ann@example.com");
    assert_eq!(old.closed().await, (4011, "superseded".into()));
    until("one session is left", || server.manager().counts()[0] == 1).await;
    server.stop().await;
}

#[tokio::test]
async fn the_client_comes_back_after_the_wait_and_is_signed_in() {
    let (gate, tool) = Gate::new();
    let server = TestServer::with_tools(vec![tool], |options| {
        options.sessions.resume.wait = std::time::Duration::from_millis(50);
    })
    .await;
    let mut ann = Counting::sign_up(&server, "ann").await;
    let session = ann.session.clone();
    ann.send_call("test_wait", json!({})).await;
    gate.entered().await;
    cut_for_good(&server, &mut ann).await;
    gate.left().await;
    let told = ann.come_back().await;
    assert_eq!((outcome(&told), &told["received"]), ("signed_in", &json!(0)));
    assert_ne!(told["session"], session);
    assert_eq!(ann.email().await, "ann@example.com");
    // And so on, with what came with that.
    cut_for_good(&server, &mut ann).await;
    assert_eq!(outcome(&ann.come_back().await), "signed_in");
    server.stop().await;
}

#[tokio::test]
async fn the_client_comes_back_to_a_server_that_was_restarted_and_is_signed_in() {
    let directory = tempfile::tempdir().expect("there is room for a database");
    let url = format!("sqlite:{}", directory.path().join("sessile.db").display());
    let mut server = TestServer::with(|options| options.store.url.clone_from(&url)).await;
    let mut ann = Counting::sign_up(&server, "ann").await;
    let created = ann.tool("crm_contact_create", json!({ "name": "Eve" })).await;
    let sent = 2;
    server.begin_to_stop();
    assert_eq!(ann.closed().await, (1001, "draining".into()));
    assert_eq!(ann.acknowledged, sent, "it said how much it had taken up");
    server.stop().await;
    for _ in 0..2 {
        let server = TestServer::with(|options| options.store.url.clone_from(&url)).await;
        assert_eq!(outcome(&ann.come_back_to(&server).await), "signed_in");
        let contact = ann.tool("crm_contact_get", json!({ "id": created["id"] })).await;
        assert_eq!(contact["name"], "Eve");
        server.stop().await;
    }
}

#[tokio::test]
async fn a_server_that_drains_says_what_it_did_not_take_up_and_ends_what_waits() {
    let (gate, tool) = Gate::new();
    let exclusive = tool.exclusive();
    let mut server = TestServer::with_tools(vec![exclusive], |_| {}).await;
    let mut eve = Counting::sign_up(&server, "eve").await;
    cut_off(&server, &mut eve).await;
    let mut ann = Counting::sign_up(&server, "ann").await;
    let alone = ann.send_call("test_wait", json!({})).await;
    ann.send_call("auth_whoami", json!({})).await;
    ann.send_call("auth_whoami", json!({})).await;
    gate.entered().await;
    server.begin_to_stop();
    until("the one that waits is gone", || server.manager().resumable().1 == 0).await;
    gate.open();
    assert!(ann.response(&alone).await.get("result").is_some());
    assert_eq!(ann.closed().await.0, 1001);
    assert_eq!(ann.acknowledged, 2, "the sign-up and the call, and not what was held behind it");
    server.stop().await;
}
