//! What only passes through arrives as it left: whatever JSON a client and an upstream exchange, ids and progress
//! tokens aside, reaches the other side spelt as it was.

mod exchange;
mod json;
mod parrot;
mod raw;

use crate::support::{PASSWORD, Process};
use exchange::{Exchange, MODERN_META, STATE, UNKNOWN, envelope, exchange};
use parrot::Cage;
use parrot::Wire;
use proptest::test_runner::{Config, TestRunner};
use raw::{Members, compact};
use sessile::wire::Era;
use std::cell::Cell;
use std::net::SocketAddr;
use tokio::runtime::Builder;

/// Plays many exchanges on one connection.
fn everything_arrives(era: Era, cases: u32, cage: &Cage, open: impl AsyncFn(u64) -> Wire) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (wire, id) = (Cell::new(None), Cell::new(1_000_u64));
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 500, ..Config::default() };
    let outcome = TestRunner::new(config).run(&exchange(), |exchange| {
        id.set(id.get() + 2);
        runtime.block_on(async {
            // One that failed takes its connection with it, and whatever was still to come.
            let mut open_wire = match wire.take() {
                Some(wire) => wire,
                None => open(id.get()).await,
            };
            play(&mut open_wire, cage, &exchange, era, id.get()).await;
            wire.set(Some(open_wire));
        });
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// Has one exchange, and holds what arrived on either side against what left the other.
async fn play(wire: &mut Wire, cage: &Cage, exchange: &Exchange, era: Era, id: u64) {
    let state = match era {
        Era::Modern if !exchange.questions.is_empty() => Some(ask_first(wire, cage, exchange, id + 1).await),
        _ => None,
    };
    cage.teach(&exchange.lines(era));
    let call = exchange.call(id, era, state.as_deref());
    wire.send(call.clone()).await;
    let answer = answer(wire, exchange, id, true).await;
    let said = Members::of(&format!("{{{}}}", exchange.outcome.member(era)));
    for member in ["result", "error"] {
        assert_eq!(answer.get(member).map(compact), said.get(member).map(compact), "{answer:?}");
    }

    let params = check_heard(cage, exchange, &call);
    match state {
        Some(_) => {
            assert_eq!(compact(params.member("inputResponses")), compact(&exchange.responses()));
            assert_eq!(params.member("requestState"), STATE);
        }
        None => {
            let heard: Vec<_> = cage.heard().iter().map(|line| Members::of(line)).collect();
            let answers: Vec<_> = heard.iter().filter_map(|members| members.get("result")).map(compact).collect();
            let given: Vec<_> = exchange.questions.iter().map(|question| compact(&question.result())).collect();
            assert_eq!(answers, given);
        }
    }
}

/// Has a modern upstream ask, and gives the state that the answers have to bring back.
async fn ask_first(wire: &mut Wire, cage: &Cage, exchange: &Exchange, id: u64) -> String {
    cage.teach(&[exchange.round()]);
    let call = exchange.call(id, Era::Modern, None);
    wire.send(call.clone()).await;
    let answer = answer(wire, exchange, id, false).await;
    let got = Members::of(answer.member("result"));
    assert_eq!(compact(got.member("inputRequests")), compact(&exchange.requests()));
    check_heard(cage, exchange, &call);
    got.member("requestState").to_owned()
}

/// Waits for the answer to a call, hears the news that come before it, and answers what is asked.
async fn answer(wire: &mut Wire, exchange: &Exchange, id: u64, has_news: bool) -> Members {
    let (mut news, mut questions) = (exchange.news.iter().filter(|_| has_news), exchange.questions.iter());
    loop {
        let text = wire.next().await;
        let got = Members::of(&text);
        match (got.text("method").as_deref(), got.get("id")) {
            (None, Some(of)) => {
                assert_eq!(of, id.to_string());
                assert!(news.next().is_none(), "there are news that did not arrive");
                return got;
            }
            (Some("sampling/createMessage"), Some(asked)) => {
                let question = questions.next().expect("no more questions than were asked");
                assert_eq!(compact(got.member("params")), compact(&question.params()));
                let answer = [format!("\"id\":{asked}"), format!("\"result\":{}", question.result())];
                wire.send(envelope(exchange.order, answer)).await;
            }
            // What a gateway says for itself.
            (Some(method), None) if method.ends_with("/list_changed") => {}
            (Some(_), None) => news.next().expect("no more news than there were").check(&got, id),
            _ => panic!("neither an answer nor news: {text}"),
        }
    }
}

/// Holds the call that the upstream has heard against the one that the client made, and gives its `params`.
fn check_heard(cage: &Cage, exchange: &Exchange, call: &str) -> Members {
    let heard: Vec<_> = cage.heard().iter().map(|line| Members::of(line)).collect();
    let is_call = |members: &&Members| members.text("method").as_deref() == Some("tools/call");
    let arrived = heard.iter().find(is_call).expect("the call has arrived");
    let (said, arrived) = (Members::of(Members::of(call).member("params")), Members::of(arrived.member("params")));
    assert_eq!(compact(arrived.member("arguments")), compact(&exchange.arguments));
    assert_eq!(arrived.extras(UNKNOWN), said.extras(UNKNOWN));
    let (said, heard) = (Members::of(said.member("_meta")), Members::of(arrived.member("_meta")));
    assert_eq!(heard.extras(UNKNOWN), said.extras(UNKNOWN));
    arrived
}

#[test]
fn without_a_gateway_everything_arrives() {
    for era in [Era::Legacy, Era::Modern] {
        let cage = Cage::new();
        everything_arrives(era, 64, &cage, async |_| Wire::direct(&cage));
    }
}

#[test]
fn through_a_gateway_everything_arrives() {
    for era in [Era::Legacy, Era::Modern] {
        let cage = Cage::new();
        let server = Process::configured(&cage.configuration(), &[]);
        everything_arrives(era, 128, &cage, async |time| signed_in(server.address(), era, time).await);
    }
}

/// A signed-in WebSocket of one era.
async fn signed_in(address: SocketAddr, era: Era, time: u64) -> Wire {
    let mut wire = Wire::socket(address).await;
    let meta = match era {
        Era::Legacy => {
            let params = r#"{"protocolVersion":"2025-11-25","capabilities":{"sampling":{}},"clientInfo":{"name":"it","version":"1"}}"#;
            wire.ask(1, "initialize", params).await;
            wire.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.into()).await;
            wire.ask(2, "logging/setLevel", r#"{"level":"debug"}"#).await;
            String::new()
        }
        Era::Modern => format!(",\"_meta\":{{{MODERN_META}}}"),
    };
    let person = format!(r#"{{"email":"ann-{time}@harbour.example","password":"{PASSWORD}","tenant_name":"Harbour"}}"#);
    let params = format!(r#"{{"name":"auth_sign_up","arguments":{person}{meta}}}"#);
    let answer = wire.ask(3, "tools/call", &params).await;
    assert!(answer.contains("\"tenant\""), "{answer}");
    wire
}
