//! What goes to a child and comes from it.

use super::*;
use crate::upstream::recorder::{Came, request};
use serde_json::{Value, json};

/// Sends back what it gets, as the result with the id 1.
const MIRROR: &str = r#"
import json, sys
for line in sys.stdin:
    print(json.dumps({"jsonrpc": "2.0", "id": 1, "result": line}), flush=True)
"#;

#[tokio::test]
async fn a_call_is_answered() {
    let child = nasty(&[]).await;
    assert_eq!(child.call(1, "echo", json!({"text": "hällo\nworld"})).await, "hällo\nworld");
    assert_eq!(child.call(2, "counter", json!({})).await, "1");
    assert_eq!(child.call(3, "counter", json!({})).await, "2");
}

#[tokio::test]
async fn a_message_is_one_line_however_it_is_printed() {
    let child = python(MIRROR).await;
    request(child.link(), 1, "{\n  \"id\": 1,\r\n\t\"text\": \"a\\nb\\u2028\"\n}");
    let line = child.inbox.answer(1).await.expect("it is answered");
    assert_eq!(line, json!("{   \"id\": 1,  \t\"text\": \"a\\nb\\u2028\" }\n"));
}

#[tokio::test]
async fn messages_keep_their_order() {
    let child = python(MIRROR).await;
    for number in 0..2000 {
        let purpose = Purpose::Notification { method: "x".into() };
        child.link().send(Outgoing { text: format!("{{\"number\":{number}}}"), purpose });
    }
    let count = |came: &[Came]| (came.len() == 2000).then(|| came.to_vec());
    for (number, came) in child.inbox.until(count).await.into_iter().enumerate() {
        let Came::Message(text) = came else { panic!("{came:?}") };
        assert!(text.contains(&format!(":{number}}}")), "{text} instead of {number}");
    }
}

#[tokio::test]
async fn what_is_no_message_is_ignored() {
    let child = nasty(&[]).await;
    assert_eq!(child.call(1, "garbage", json!({})).await, "after the garbage");
    assert_eq!(child.inbox.came().len(), 1, "only the answer comes: {:?}", child.inbox.came());
}

#[tokio::test]
async fn a_second_answer_is_passed_on_like_the_first() {
    let child = nasty(&[]).await;
    assert_eq!(child.call(1, "twice", json!({})).await, "first");
    assert_eq!(child.call(2, "unknown_id", json!({})).await, "asked");
    assert_eq!(child.call(3, "echo", json!({"text": "on"})).await, "on");
}

#[tokio::test]
async fn the_upstream_may_ask() {
    let child = nasty(&[]).await;
    crate::upstream::recorder::call(child.link(), 1, "ask", &json!({}));
    let asked = child.inbox.until(|came| {
        came.iter().find_map(|came| match came {
            Came::Message(text) => Some(serde_json::from_str::<Value>(text).expect("it is JSON")),
            _ => None,
        })
    });
    let asked = asked.await;
    assert_eq!(asked["method"], "elicitation/create");
    let answer = json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "decline"}});
    child.link().send(Outgoing { text: answer.to_string(), purpose: Purpose::Response });
    assert_eq!(child.inbox.text(1).await, r#"{"action": "decline"}"#);
}

#[tokio::test]
async fn a_secret_is_in_the_environment_alone() {
    let mut definition = definition(&["python3", NASTY]);
    let Reach::Command { environment, .. } = &mut definition.reach else { unreachable!() };
    environment.insert("KEY".into(), Template::parse("${credential:key}").expect("it is a template"));
    let child = open_as(definition, &[("KEY", "hunter22")]).await.expect("it starts");
    assert_eq!(child.call(1, "env", json!({"name": "KEY"})).await, "hunter22");
    let pid: Value = serde_json::from_str(&child.call(2, "pid", json!({})).await).expect("it is JSON");
    assert_eq!(pid["pid"], pid["pgid"], "it leads its own group");
    let command_line = fs::read(format!("/proc/{}/cmdline", pid["pid"])).expect("it is there");
    assert!(!String::from_utf8_lossy(&command_line).contains("hunter22"));

    crate::upstream::recorder::call(child.link(), 3, "die", &json!({"say": "hunter22 is wrong"}));
    let ended = child.inbox.ended().await;
    assert_eq!(ended, Failure::Ended("exit status 1; the last that it said: *** is wrong".into()));
}

#[tokio::test]
async fn the_environment_is_clean_and_holds_what_it_is_given() {
    // What Python sees may have been added to on the way to it.
    let mut definition = definition(&["sh", "-c", r#"echo "[$(tr '\0' '\t' < /proc/$$/environ)]""#]);
    definition.limits.max_message_bytes = 100_000;
    let given = [("KEY", "hunter22"), ("LANG", "C")];
    let child = open_as(definition, &given).await.expect("it starts");
    let line = child.inbox.until(|came| match came.first() {
        Some(Came::Message(line)) => Some(line.clone()),
        _ => None,
    });
    let line = line.await;
    let variables =
        line.trim_matches(['[', ']']).split_terminator('\t').map(|one| one.split_once('=').expect("it has a name"));
    let mut variables: BTreeMap<_, _> = variables.collect();
    for (name, value) in given {
        assert_eq!(variables.remove(name), Some(value));
    }
    for name in ["PATH", "HOME", "LC_ALL", "TMPDIR", "TZ"] {
        assert_eq!(variables.remove(name).map(Into::into), std::env::var_os(name), "{name}");
    }
    assert!(variables.is_empty(), "these should not be there: {variables:?}");
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some(), "the tests have more in theirs");
}

#[tokio::test]
async fn it_runs_where_it_should() {
    let folder = tempfile::tempdir().expect("there is room");
    let mut definition = definition(&["./here"]);
    let Reach::Command { directory, .. } = &mut definition.reach else { unreachable!() };
    *directory = Some(folder.path().to_owned());
    let program = folder.path().join("here");
    fs::write(&program, "#!/bin/sh\nread line\necho \"{\\\"id\\\":1,\\\"result\\\":\\\"$PWD\\\"}\"\n")
        .expect("it is written");
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("it is mine");
    let child = open_as(definition, &[]).await.expect("it starts");
    request(child.link(), 1, "{}");
    let place = child.inbox.answer(1).await.expect("it is answered");
    let folder = folder.path().canonicalize().expect("it is there");
    assert_eq!(place, json!(folder.to_str().expect("it is UTF-8")));
}
