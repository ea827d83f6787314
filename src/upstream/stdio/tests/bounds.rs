//! Children that say too much, or take too little.

use super::*;
use crate::upstream::recorder::{Came, call};
use serde_json::json;

#[tokio::test]
async fn a_line_that_is_too_long_fails_its_own_request() {
    let mut definition = definition(&["python3", NASTY]);
    definition.limits.max_message_bytes = 100_000;
    let child = open_as(definition, &[]).await.expect("it starts");
    call(child.link(), 1, "hang", &json!({}));
    for (id, last) in [(2, false), (3, true)] {
        call(child.link(), id, "huge", &json!({"bytes": 1_000_000, "last": last}));
        assert_eq!(child.inbox.answer(id).await, Err(Failure::TooLarge(100_000)));
    }
    assert_eq!(child.call(4, "huge", json!({"bytes": 99_000})).await.len(), 99_000);
}

#[tokio::test]
async fn a_line_that_is_too_long_and_names_nothing_is_for_the_one_that_waits() {
    let mut definition = definition(&[
        "python3",
        "-c",
        "import sys\nfor line in sys.stdin: print('{\"result\":{\"' + 'x' * 5000 + '\"}}', flush=True)",
    ]);
    definition.limits.max_message_bytes = 1000;
    let child = open_as(definition, &[]).await.expect("it starts");
    for id in [1, 2] {
        call(child.link(), id, "anything", &json!({}));
        assert_eq!(child.inbox.answer(id).await, Err(Failure::TooLarge(1000)));
    }
}

#[tokio::test]
async fn a_flood_on_standard_output_does_not_hide_the_answers() {
    let child = nasty(&[]).await;
    assert_eq!(child.call(1, "flood_stdout", json!({"count": 20_000})).await, "flooded");
    assert_eq!(child.inbox.came().len(), 20_001);
}

/// On one thread, a child that never stops talking would leave no time for anything else if it were let.
#[tokio::test(flavor = "current_thread")]
async fn an_endless_flood_starves_nobody() {
    let mut flooding = start(&["sh", "-c", r#"while :; do echo '{"method":"notifications/message"}'; done"#]).await;
    let mut garbage = start(&["yes"]).await;
    let child = nasty(&[]).await;
    for id in 0..20 {
        assert_eq!(child.call(id, "echo", json!({"text": "on"})).await, "on");
    }
    flooding.close().await;
    garbage.close().await;
}

#[tokio::test]
async fn a_flood_on_standard_error_harms_nothing() {
    let child = nasty(&[]).await;
    assert_eq!(child.call(1, "flood_stderr", json!({"count": 50_000})).await, "flooded");
    assert_eq!(child.call(2, "flood_stderr", json!({"count": 0})).await, "flooding");
    assert_eq!(child.call(3, "echo", json!({"text": "on"})).await, "on");
}

#[tokio::test]
async fn nobody_waits_for_a_child_that_does_not_read() {
    let mut child = nasty(&[]).await;
    assert_eq!(child.call(0, "deaf", json!({})).await, "deaf");
    let text = "x".repeat(10_000);
    for id in 1..=200 {
        call(child.link(), id, "echo", &json!({"text": text}));
    }
    let came = child.inbox.came();
    let failed: Vec<_> = came.iter().filter(|came| matches!(came, Came::Failed(..))).collect();
    assert!((50..150).contains(&failed.len()), "{} of them failed", failed.len());
    assert!(matches!(failed[0], Came::Failed(_, failure) if failure.nothing_was_done()), "{:?}", failed[0]);
    // A message of any size goes to a child that has nothing to read.
    child.close().await;
    let child = nasty(&[]).await;
    let text = "x".repeat(3_000_000);
    assert!(child.call(1, "echo", json!({"text": text})).await == text);
    assert!(child.call(2, "echo", json!({"text": text})).await == text);
}
