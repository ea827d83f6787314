//! What only passes through arrives as it left: whatever JSON a client and an upstream exchange, ids and progress
//! tokens aside, reaches the other side spelt as it was.

mod json;
mod parrot;
mod raw;

use parrot::{Cage, Wire};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use raw::{Members, compact};
use sessile::wire::Era;
use tokio::runtime::Builder;

/// What the names of members begin with that mean nothing to anybody.
const UNKNOWN: &str = "dev.example/";

/// One call, and all that is said until it is answered.
#[derive(Debug, Clone)]
struct Exchange {
    arguments: String,
    /// Further members of the call's `params` and `_meta`.
    params: Vec<String>,
    meta: Vec<String>,
    news: Vec<News>,
    questions: Vec<Question>,
    outcome: Outcome,
    /// Which of the orders the members of an envelope come in.
    order: usize,
}

/// A notification of the upstream's.
#[derive(Debug, Clone)]
enum News {
    Log {
        data: String,
        more: Vec<String>,
    },
    Progress {
        numbers: String,
        more: Vec<String>,
    },
    /// Of an extension that nobody here knows.
    Unknown {
        params: String,
    },
}

/// A request of the upstream's, and the client's answer.
#[derive(Debug, Clone)]
struct Question {
    content: String,
    more: Vec<String>,
    answer: String,
    more_of_answer: Vec<String>,
}

#[derive(Debug, Clone)]
enum Outcome {
    Result { content: String, structured: String, more: Vec<String> },
    Error { code: i64, message: String, data: String },
}

fn exchange() -> impl Strategy<Value = Exchange> {
    let more = || json::extras(UNKNOWN);
    let news = prop_oneof![
        (json::value(false), more()).prop_map(|(data, more)| News::Log { data, more }),
        (select(vec!["1.0", "0.10e+2", "-0", "5E0"]), more()).prop_map(|(number, more)| News::Progress {
            numbers: format!("\"progress\":{number},\"total\":1e2"),
            more
        }),
        json::any_object(false).prop_map(|params| News::Unknown { params }),
    ];
    let question = (json::value(false), more(), json::value(true), more())
        .prop_map(|(content, more, answer, more_of_answer)| Question { content, more, answer, more_of_answer });
    let outcome = prop_oneof![
        3 => (json::value(false), json::value(false), more())
            .prop_map(|(content, structured, more)| Outcome::Result { content, structured, more }),
        1 => (-32_099..-32_090_i64, json::string(), json::value(false))
            .prop_map(|(code, message, data)| Outcome::Error { code, message, data }),
    ];
    let said = (vec(news, 0..4), vec(question, 0..3), outcome);
    (json::any_object(true), more(), more(), said, 0..6_usize).prop_map(
        |(arguments, params, meta, (news, questions, outcome), order)| Exchange {
            arguments,
            params,
            meta,
            news,
            questions,
            outcome,
            order,
        },
    )
}

impl Exchange {
    /// The lines that the parrot is taught.
    fn lines(&self, era: Era) -> Vec<String> {
        let mut lines: Vec<_> = self.news.iter().map(|news| news.line(self.order)).collect();
        // A modern server asks nothing while a call runs.
        let questions = self.questions.iter().filter(|_| era == Era::Legacy).enumerate();
        lines.extend(questions.map(|(at, question)| question.line(at, self.order)));
        let outcome = self.outcome.member(era);
        lines.push(envelope(self.order, ["\"id\":@@ID@@".into(), outcome]));
        lines
    }

    fn call(&self, id: u64, era: Era) -> String {
        let protocol = match era {
            Era::Legacy => String::new(),
            Era::Modern => format!("{},", modern_meta()),
        };
        let meta = [format!("{protocol}\"progressToken\":\"token {id}\"")]
            .iter()
            .chain(&self.meta)
            .cloned()
            .collect::<Vec<_>>();
        let known = ["\"name\":\"say\"".to_owned(), format!("\"arguments\":{}", self.arguments)];
        let params: Vec<_> = known.into_iter().chain(self.params.clone()).collect();
        let params = format!("{{{},\"_meta\":{}}}", params.join(" , "), json::object(&meta));
        envelope(self.order, [format!("\"id\":{id},\"method\":\"tools/call\""), format!("\"params\":{params}")])
    }
}

impl News {
    fn line(&self, order: usize) -> String {
        let (method, params) = match self {
            Self::Log { data, more } => {
                ("notifications/message", with(&format!("\"level\":\"error\",\"data\":{data}"), more))
            }
            Self::Progress { numbers, more } => {
                ("notifications/progress", with(&format!("\"progressToken\":@@TOKEN@@,{numbers}"), more))
            }
            Self::Unknown { params } => ("notifications/dev.example/news", params.clone()),
        };
        envelope(order, [format!("\"method\":\"{method}\""), format!("\"params\":{params}")])
    }

    /// Holds what the client got against what was said.
    fn check(&self, got: &Members, id: u64) {
        let params = got.member("params");
        match self {
            Self::Log { .. } => assert_eq!(compact(params), compact(Members::of(&self.line(0)).member("params"))),
            Self::Unknown { params: said } => assert_eq!(compact(params), compact(said)),
            Self::Progress { .. } => {
                let said = self.line(0).replace("@@TOKEN@@", &format!("\"token {id}\""));
                assert_eq!(compact(params), compact(Members::of(&said).member("params")));
            }
        }
    }
}

impl Question {
    fn line(&self, at: usize, order: usize) -> String {
        let params = with(&format!("\"messages\":[{}],\"maxTokens\":1.0", self.content), &self.more);
        let id = format!("\"id\":\"question {at}\",\"method\":\"sampling/createMessage\"");
        format!("?{}", envelope(order, [id, format!("\"params\":{params}")]))
    }

    fn result(&self) -> String {
        with(&format!("\"role\":\"assistant\",\"model\":\"m\",\"content\":{}", self.answer), &self.more_of_answer)
    }
}

impl Outcome {
    fn member(&self, era: Era) -> String {
        match self {
            Self::Result { content, structured, more } => {
                let kind = if era == Era::Modern { "\"resultType\":\"complete\"," } else { "" };
                let known = format!("{kind}\"content\":[{content}],\"structuredContent\":{structured}");
                format!("\"result\":{}", with(&known, more))
            }
            Self::Error { code, message, data } => {
                format!("\"error\":{{\"code\":{code},\"message\":{message},\"data\":{data}}}")
            }
        }
    }
}

/// A message with these members besides its version, in one of their orders.
fn envelope(order: usize, [one, other]: [String; 2]) -> String {
    let version = "\"jsonrpc\":\"2.0\"".to_owned();
    let orders = [[&version, &one, &other], [&version, &other, &one], [&one, &version, &other]];
    let further = [[&one, &other, &version], [&other, &version, &one], [&other, &one, &version]];
    let order = if order < 3 { orders[order] } else { further[order - 3] };
    format!("{{{}}}", order.map(String::as_str).join(" ,"))
}

fn with(known: &str, more: &[String]) -> String {
    let members: Vec<_> = [known.to_owned()].into_iter().chain(more.to_vec()).collect();
    json::object(&members)
}

fn modern_meta() -> String {
    let key = "\"io.modelcontextprotocol/";
    [
        format!("{key}protocolVersion\":\"2026-07-28\""),
        format!("{key}clientCapabilities\":{{}}"),
        format!("{key}clientInfo\":{{\"name\":\"it\",\"version\":\"1\"}}"),
        format!("{key}logLevel\":\"debug\""),
    ]
    .join(",")
}

/// Has one exchange, and holds what arrived on either side against what left the other.
async fn play(wire: &mut Wire, cage: &Cage, exchange: &Exchange, era: Era, id: u64) {
    cage.teach(&exchange.lines(era));
    let call = exchange.call(id, era);
    wire.send(call.clone()).await;

    let (mut news, mut questions) = (exchange.news.iter(), exchange.questions.iter());
    let answer = loop {
        let text = wire.next().await;
        let got = Members::of(&text);
        match (got.text("method").as_deref(), got.get("id")) {
            (None, Some(of)) => {
                assert_eq!(of, id.to_string());
                break got;
            }
            (Some("sampling/createMessage"), Some(asked)) => {
                let question = questions.next().expect("no more questions than were asked");
                let said = question.line(0, 0).split_off(1);
                assert_eq!(compact(got.member("params")), compact(Members::of(&said).member("params")));
                wire.send(envelope(
                    exchange.order,
                    [format!("\"id\":{asked}"), format!("\"result\":{}", question.result())],
                ))
                .await;
            }
            // What a gateway says for itself, such as that its tools have changed.
            (Some("notifications/tools/list_changed"), None) => {}
            (Some(_), None) => news.next().expect("no more news than there were").check(&got, id),
            _ => panic!("neither an answer nor news: {text}"),
        }
    };
    assert_eq!(news.len(), 0, "news that did not arrive");
    let said = Members::of(&format!("{{{}}}", exchange.outcome.member(era)));
    for member in ["result", "error"] {
        assert_eq!(answer.get(member).map(compact), said.get(member).map(compact));
    }
    check_heard(cage, exchange, &call);
}

/// Holds what the upstream has heard against what the client has said.
fn check_heard(cage: &Cage, exchange: &Exchange, call: &str) {
    let heard: Vec<_> = cage.heard().iter().map(|line| Members::of(line)).collect();
    let of_call = |members: &&Members| members.text("method").as_deref() == Some("tools/call");
    let arrived = heard.iter().find(of_call).expect("the call has arrived");
    let (said, arrived) = (Members::of(Members::of(call).member("params")), Members::of(arrived.member("params")));
    assert_eq!(compact(arrived.member("arguments")), compact(&exchange.arguments));
    assert_eq!(arrived.extras(UNKNOWN), said.extras(UNKNOWN));
    let (said, arrived) = (Members::of(said.member("_meta")), Members::of(arrived.member("_meta")));
    assert_eq!(arrived.extras(UNKNOWN), said.extras(UNKNOWN));

    let answers: Vec<_> = heard.iter().filter_map(|members| members.get("result")).map(compact).collect();
    let given: Vec<_> = exchange.questions.iter().map(|question| compact(&question.result())).collect();
    assert_eq!(answers, given[..answers.len()]);
}

/// Plays many exchanges on one connection.
fn everything_arrives<F: Future<Output = Wire>>(era: Era, cases: u32, open: impl Fn(&'static Cage) -> F) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let cage: &'static Cage = Box::leak(Box::new(Cage::new()));
    let wire = std::cell::RefCell::new(runtime.block_on(open(cage)));
    let id = std::cell::Cell::new(1_000_u64);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 500, ..Config::default() };
    let outcome = TestRunner::new(config).run(&exchange(), |exchange| {
        id.set(id.get() + 1);
        runtime.block_on(play(&mut wire.borrow_mut(), cage, &exchange, era, id.get()));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

#[test]
fn without_a_gateway_everything_arrives() {
    for era in [Era::Legacy, Era::Modern] {
        everything_arrives(era, 64, |cage| async { Wire::direct(cage) });
    }
}
