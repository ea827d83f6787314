//! One call, and all that client and upstream say to each other until it is answered: random, and as raw text.

use super::json;
use super::raw::{Members, compact};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sessile::wire::Era;

/// What the names of members begin with that mean nothing to anybody.
pub(super) const UNKNOWN: &str = "dev.example/";

/// What an upstream asks to have brought back.
pub(super) const STATE: &str = r#""a \u0073tate""#;

/// What each request of a modern client says of it.
pub(super) const MODERN_META: &str = r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"sampling":{}},"io.modelcontextprotocol/clientInfo":{"name":"it","version":"1"},"io.modelcontextprotocol/logLevel":"debug""#;

/// One call, and all that is said until it is answered.
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    pub(super) arguments: String,
    /// Further members of the call's `params` and `_meta`.
    params: Vec<String>,
    meta: Vec<String>,
    pub(super) news: Vec<News>,
    pub(super) questions: Vec<Question>,
    pub(super) outcome: Outcome,
    /// Which of the orders the members of an envelope come in.
    pub(super) order: usize,
}

/// A notification of the upstream's.
#[derive(Debug, Clone)]
pub(super) enum News {
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
pub(super) struct Question {
    content: String,
    more: Vec<String>,
    answer: String,
    more_of_answer: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) enum Outcome {
    Result { content: String, structured: String, more: Vec<String> },
    Error { code: i64, message: String, data: String },
}

pub(super) fn exchange() -> impl Strategy<Value = Exchange> {
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
    pub(super) fn lines(&self, era: Era) -> Vec<String> {
        let mut lines: Vec<_> = self.news.iter().map(|news| news.line(self.order)).collect();
        // A modern server asks nothing while a call runs.
        let questions = self.questions.iter().filter(|_| era == Era::Legacy).enumerate();
        lines.extend(questions.map(|(at, question)| question.line(at, self.order)));
        let outcome = self.outcome.member(era);
        lines.push(envelope(self.order, ["\"id\":@@ID@@".into(), outcome]));
        lines
    }

    /// What a modern server answers that asks the same first.
    pub(super) fn round(&self) -> String {
        let (kind, requests) = ("\"resultType\":\"input_required\"", self.requests());
        let result = format!("\"result\":{{{kind},\"inputRequests\":{requests},\"requestState\":{STATE}}}");
        envelope(self.order, ["\"id\":@@ID@@".into(), result])
    }

    /// What it asks.
    pub(super) fn requests(&self) -> String {
        let asked = self.questions.iter().enumerate().map(|(at, question)| {
            format!("\"question {at}\":{{\"method\":\"sampling/createMessage\",\"params\":{}}}", question.params())
        });
        json::object(&asked.collect::<Vec<_>>())
    }

    /// What a client answers to a round.
    pub(super) fn responses(&self) -> String {
        let answers = self.questions.iter().enumerate();
        let answers = answers.map(|(at, question)| format!("\"question {at}\":{}", question.result()));
        json::object(&answers.collect::<Vec<_>>())
    }

    /// The call; with the state of a round, the one that brings its answers.
    pub(super) fn call(&self, id: u64, era: Era, state: Option<&str>) -> String {
        let mut meta = match era {
            Era::Legacy => Vec::new(),
            Era::Modern => vec![MODERN_META.to_owned()],
        };
        meta.push(format!("\"progressToken\":\"token {id}\""));
        meta.extend(self.meta.clone());
        let mut params = vec!["\"name\":\"say\"".to_owned(), format!("\"arguments\":{}", self.arguments)];
        params.extend(self.params.clone());
        if let Some(state) = state {
            params.push(format!("\"inputResponses\":{},\"requestState\":{state}", self.responses()));
        }
        params.push(format!("\"_meta\":{}", json::object(&meta)));
        let params = format!("\"params\":{}", json::object(&params));
        envelope(self.order, [format!("\"id\":{id},\"method\":\"tools/call\""), params])
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
    pub(super) fn check(&self, got: &Members, id: u64) {
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
        let id = format!("\"id\":\"question {at}\",\"method\":\"sampling/createMessage\"");
        format!("?{}", envelope(order, [id, format!("\"params\":{}", self.params())]))
    }

    pub(super) fn params(&self) -> String {
        with(&format!("\"messages\":[{}],\"maxTokens\":1.0", self.content), &self.more)
    }

    pub(super) fn result(&self) -> String {
        with(&format!("\"role\":\"assistant\",\"model\":\"m\",\"content\":{}", self.answer), &self.more_of_answer)
    }
}

impl Outcome {
    pub(super) fn member(&self, era: Era) -> String {
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
pub(super) fn envelope(order: usize, [one, other]: [String; 2]) -> String {
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
