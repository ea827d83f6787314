//! How children end.

use super::*;
use crate::upstream::recorder::{Came, call};
use serde_json::{Value, json};
use std::time::Instant;

async fn refused(command: &[&str], environment: &[(&str, &str)]) -> String {
    match open_as(definition(command), environment).await {
        Err(Failure::Unreachable(why)) => why,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it starts"),
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named_and_its_environment_is_not() {
    let why = refused(&["no-such-program", "argument"], &[("KEY", "hunter22")]).await;
    assert_eq!(why, "no-such-program can't be run: No such file or directory (os error 2)");
    let why = refused(&["/etc/passwd"], &[("KEY", "hunter22")]).await;
    assert_eq!(why, "/etc/passwd can't be run: Permission denied (os error 13)");
    let why = refused(&["cat"], &[("KEY", "hunter\0")]).await;
    assert!(why.starts_with("cat can't be run: ") && !why.contains("hunter"), "{why}");
    let mut definition = definition(&["cat"]);
    let Reach::Command { directory, .. } = &mut definition.reach else { unreachable!() };
    *directory = Some("/no/such/place".into());
    let why = open_as(definition, &[]).await.err();
    assert_eq!(why, Some(Failure::Unreachable("cat can't be run in /no/such/place, which is no directory".into())));
}

#[tokio::test]
async fn a_death_in_mid_call_is_told_with_how_it_came() {
    let child = nasty(&[]).await;
    call(child.link(), 1, "die", &json!({"status": 7, "say": "no more \u{1b}[31mdisk"}));
    let ended = child.inbox.ended().await;
    assert_eq!(ended, Failure::Ended(r"exit status 7; the last that it said: no more \u{1b}[31mdisk".into()));
    call(child.link(), 2, "echo", &json!({}));
    let refused = child.inbox.until(|came| {
        came.iter().find_map(|came| match came {
            Came::Failed(2, failure) => Some(failure.clone()),
            _ => None,
        })
    });
    let refused = refused.await;
    assert!(refused.nothing_was_done() && refused.to_string().contains("exit status 7"), "{refused}");
    child.gone().await;
}

#[tokio::test]
async fn a_signal_is_named() {
    let child = nasty(&[]).await;
    call(child.link(), 1, "die", &json!({"signal": 9}));
    assert_eq!(child.inbox.ended().await, Failure::Ended("killed by signal 9".into()));
}

#[tokio::test]
async fn what_is_said_before_the_end_still_comes() {
    let child = start(&["sh", "-c", r#"printf '{"id":1,"result":1}\n{"id":2,"result":2}'"#]).await;
    assert_eq!(child.inbox.ended().await, Failure::Ended("exit status 0".into()));
    let message = |text: &str| Came::Message(text.into());
    let came = child.inbox.came();
    assert_eq!(came[..2], [message(r#"{"id":1,"result":1}"#), message(r#"{"id":2,"result":2}"#)]);
}

#[tokio::test]
async fn a_child_that_closes_its_output_or_input_is_of_no_use() {
    let child = python("import os, time; os.close(1); time.sleep(3600)").await;
    assert_eq!(child.inbox.ended().await, Failure::Ended("it has closed its standard output".into()));
    child.gone().await;

    let child = python("import os, time; os.close(0); print('{}', flush=True); time.sleep(3600)").await;
    child.inbox.until(|came| came.first().cloned()).await;
    call(child.link(), 1, "echo", &json!({}));
    let failed = child.inbox.answer(1).await.expect_err("it can't be");
    assert!(failed.nothing_was_done(), "{failed:?}");
    assert_eq!(child.inbox.ended().await, Failure::Ended("it has closed its standard input".into()));
    child.gone().await;
}

#[tokio::test]
async fn it_is_gone_with_its_link() {
    let mut child = nasty(&[]).await;
    let pid: Value = serde_json::from_str(&child.call(1, "pid", json!({})).await).expect("it is JSON");
    child.close().await;
    assert!(fs::metadata(format!("/proc/{}", pid["pid"])).is_err(), "it was waited for");
    assert!(!child.inbox.came().iter().any(|came| matches!(came, Came::Ended(_))), "nobody is told of what they did");
}

#[tokio::test]
async fn one_that_ignores_sigterm_is_killed_after_a_while() {
    let mut child = nasty(&["--ignore-sigterm"]).await;
    let pid: Value = serde_json::from_str(&child.call(1, "pid", json!({})).await).expect("it is JSON");
    let since = Instant::now();
    child.close().await;
    assert!(since.elapsed() >= Duration::from_secs(2), "it had its time");
    assert!(fs::metadata(format!("/proc/{}", pid["pid"])).is_err(), "it was waited for");
}

#[tokio::test]
async fn its_children_are_gone_with_it() {
    for arguments in [json!({}), json!({"quiet": true})] {
        let mut child = nasty(&[]).await;
        let pid = child.call(1, "fork", arguments).await;
        child.close().await;
        no_process(&pid).await;
    }
}

#[tokio::test]
async fn its_children_are_gone_when_it_left_them_behind() {
    for arguments in [json!({"leave": true}), json!({"quiet": true, "leave": true})] {
        let child = nasty(&[]).await;
        let pid = child.call(1, "fork", arguments).await;
        assert_eq!(child.inbox.ended().await, Failure::Ended("exit status 0".into()));
        child.gone().await;
        no_process(&pid).await;
    }
}

#[tokio::test]
async fn a_runtime_that_goes_takes_it_along() {
    let (pid, child) = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("it starts");
        runtime.block_on(async {
            let child = nasty(&["--ignore-sigterm"]).await;
            (child.call(1, "fork", json!({})).await, child)
        })
    })
    .join()
    .expect("it does not panic");
    no_process(&pid).await;
    drop(child);
}
