//! Connections that break at any time: every request is answered once, and none is carried out twice.

use super::counting::Counting;
use super::outcome;
use crate::support::TestServer;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

#[tokio::test]
async fn every_request_is_answered_once_wherever_the_connection_breaks() {
    let server = TestServer::start().await;
    for seed in 1..=6 {
        let name = format!("ann{seed}");
        let mut dice = Dice(seed);
        let mut ann = Counting::sign_up(&server, &name).await;
        let mut answers: HashMap<Value, usize> = HashMap::new();
        let (mut ids, mut made, mut cuts) = (Vec::new(), 0, 0);
        while ids.len() < 150 {
            match dice.roll(10) {
                0..=4 => {
                    made += 1;
                    ids.push(ann.send_call("crm_contact_create", json!({ "name": format!("contact {made}") })).await);
                }
                5 => ids.push(ann.send_call("auth_whoami", json!({})).await),
                6 | 7 => take(&mut ann, &mut answers, dice.roll(8)).await,
                8 => tokio::time::sleep(Duration::from_micros(dice.roll(3000))).await,
                _ => {
                    cuts += 1;
                    // Some are found out about by the server first, others by the client.
                    if dice.roll(2) == 0 {
                        ann.cut().await;
                    }
                    let before = ann.credential.clone();
                    assert_eq!(outcome(&ann.come_back().await), "resumed", "seed {seed}, cut {cuts}");
                    if dice.roll(3) == 0 {
                        // The answer to that was lost.
                        ann.credential = before;
                        ann.cut().await;
                        assert_eq!(outcome(&ann.come_back().await), "resumed", "seed {seed}, cut {cuts}, again");
                    }
                }
            }
        }
        while answers.len() < ids.len() {
            take(&mut ann, &mut answers, 1).await;
        }
        assert!(cuts > 5, "only {cuts} cuts");
        assert_eq!(ids.iter().filter(|id| answers[id] != 1).count(), 0, "seed {seed}: {answers:?}");
        let listed = ann.tool("crm_contact_list", json!({ "limit": 200 })).await;
        assert_eq!(listed["contacts"].as_array().map(Vec::len), Some(made), "seed {seed}: {}", listed["next_cursor"]);
        ann.close().await;
    }
    server.stop().await;
}

/// Takes some answers, if they are there.
async fn take(client: &mut Counting, answers: &mut HashMap<Value, usize>, most: u64) {
    for _ in 0..most {
        let message = tokio::time::timeout(Duration::from_millis(300), client.next()).await;
        let Ok(Some(message)) = message else { return };
        if let Some(id) = message.get("id") {
            assert!(message.get("result").is_some_and(|result| result["isError"] != true), "{message}");
            *answers.entry(id.clone()).or_default() += 1;
        }
    }
}
