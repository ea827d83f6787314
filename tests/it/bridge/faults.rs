//! Many calls through a bridge whose connections are cut, stalled, delayed and half closed all the time, and whose
//! server is killed again and again: each gets one answer, and what that says is so.

use super::host::{Host, code};
use super::proxy::{Proxy, Random};
use crate::support::Process;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// Calls that wait at the same time.
const IN_FLIGHT: usize = 24;
/// How long a call may take, as the bridge is told.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

#[tokio::test]
async fn every_call_gets_one_answer_whatever_happens_to_connections() {
    storm(600, 2).await;
}

/// As many as it takes to meet what is rare. `SESSILE_FAULT_CALLS` says how many, `SESSILE_FAULT_SEED` which.
#[tokio::test]
#[ignore = "takes minutes; .ci/run runs it"]
async fn every_call_of_very_many_gets_one_answer() {
    let calls = std::env::var("SESSILE_FAULT_CALLS").ok().and_then(|calls| calls.parse().ok());
    storm(calls.unwrap_or(20_000), 5).await;
}

/// A call that waits for its answer.
struct Call {
    /// The name of the contact that it creates, if it does, and whether with a key.
    creates: Option<(String, bool)>,
    sent: Instant,
}

/// What is known of a contact by the answer to its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Created,
    NotCreated,
    Unknown,
}

async fn storm(calls: usize, kills: usize) {
    let seed = std::env::var("SESSILE_FAULT_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed
        .unwrap_or_else(|| u64::from(std::process::id()) << 20 | u64::from(Instant::now().elapsed().subsec_nanos()));
    println!("SESSILE_FAULT_SEED={seed}");
    let mut random = Random(seed);
    let directory = tempfile::tempdir().expect("there is room for a database");
    let mut server = Some(start(directory.path()));
    let address = |server: &Option<Process>| server.as_ref().map(Process::address);
    let proxy = Proxy::start(address(&server).expect("it runs"), seed).await;
    let flags = ["--wait", "30", "--call-timeout", "60", "--ping-after", "1"];
    let mut host = Host::start_with(&proxy.url(), &flags, &[]);
    host.initialize("2025-11-25", json!({})).await;
    host.sign_up("ann").await;
    host.request("tools/list", json!({})).await;
    proxy.be_faulty(true);

    let (mut waiting, mut known) = (HashMap::new(), HashMap::new());
    let (mut sent, mut answered, mut killed) = (0, 0, 0);
    let mut slowest = Duration::ZERO;
    while answered < calls {
        while sent < calls && waiting.len() < IN_FLIGHT {
            let (id, call) = make_call(&mut host, &mut random, sent).await;
            waiting.insert(id.to_string(), call);
            sent += 1;
        }
        if killed < kills && answered > calls * (killed + 1) / (kills + 1) {
            killed += 1;
            drop(server.take());
            server = Some(start(directory.path()));
            proxy.lead_to(address(&server));
        }
        let message = host.next().await;
        // The host itself sees to it that no answer comes twice.
        let Some(call) = message.get("id").and_then(|id| waiting.remove(&id.to_string())) else { continue };
        answered += 1;
        slowest = slowest.max(call.sent.elapsed());
        let outcome = judge(&message);
        if let Some((name, _)) = &call.creates {
            known.insert(name.clone(), (outcome, call.creates.is_some_and(|(_, keyed)| keyed)));
        }
    }
    proxy.be_faulty(false);
    assert!(slowest < CALL_TIMEOUT + Duration::from_secs(2), "a call took {slowest:?}");
    let unknown: Vec<_> =
        known.iter().filter(|(_, known)| known.0 == Known::Unknown).map(|(name, _)| name.clone()).collect();
    println!("{calls} calls, {} connections, slowest {slowest:?}, unknown {}", proxy.connections(), unknown.len());

    // What is not known is found out by a look.
    check(&host.contacts().await, &known);
    // Where there was a key, by the same call once more.
    for (name, (outcome, keyed)) in &known {
        if *keyed && *outcome != Known::Created {
            host.tool("crm_contact_create", contact(name, true)).await;
        }
    }
    let there = host.contacts().await;
    for (name, (_, keyed)) in &known {
        if *keyed {
            assert_eq!(there.get(name), Some(&1), "{name} was called for with a key until it was there");
        }
    }
    assert!(killed == kills && proxy.connections() > calls as u64 / 400, "there was a storm");
    host.leave().await;
}

fn start(directory: &Path) -> Process {
    let unlimited = ["PRINCIPAL", "TENANT", "ADDRESS"].map(|of| format!("SESSILE_RATES_{of}_PER_SECOND"));
    let environment: Vec<_> = unlimited.iter().map(|name| (name.as_str(), "0")).collect();
    Process::start_with(directory, &environment)
}

async fn make_call(host: &mut Host, random: &mut Random, number: usize) -> (Value, Call) {
    let name = format!("Contact {number}");
    let keyed = random.below(3) == 0;
    let (id, creates) = match random.below(6) {
        0 | 1 => (host.send_call("crm_contact_create", contact(&name, keyed)).await, Some((name, keyed))),
        2 | 3 => (host.send_call("crm_contact_list", json!({ "limit": 2 })).await, None),
        4 => (host.send_call("auth_whoami", json!({})).await, None),
        _ => (host.send("tools/list", json!({})).await, None),
    };
    (id, Call { creates, sent: Instant::now() })
}

fn contact(name: &str, keyed: bool) -> Value {
    if keyed { json!({ "name": name, "idempotency_key": name.replace(' ', "-") }) } else { json!({ "name": name }) }
}

/// What an answer says.
fn judge(answer: &Value) -> Known {
    match code(answer) {
        None => {
            assert!(answer["result"]["isError"] != true && answer.get("error").is_none(), "{answer}");
            Known::Created
        }
        Some("outcome_unknown") => Known::Unknown,
        Some("unreachable") => Known::NotCreated,
        Some(_) => panic!("an answer that nothing should have led to: {answer}"),
    }
}

fn check(there: &HashMap<String, usize>, known: &HashMap<String, (Known, bool)>) {
    for (name, (outcome, _)) in known {
        let times = there.get(name).copied().unwrap_or(0);
        let fits = match outcome {
            Known::Created => times == 1,
            Known::NotCreated => times == 0,
            Known::Unknown => times <= 1,
        };
        assert!(fits, "{name} is there {times} times, and its call was answered {outcome:?}");
    }
    assert_eq!(
        there.len(),
        there.keys().filter(|name| known.contains_key(*name)).count(),
        "nobody called for the rest"
    );
}
