//! The host's requests that wait for their answers. Each gets exactly one.

use super::memory::Memory;
use crate::wire::{Era, Meta, RequestId, Text};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::{HashMap, VecDeque};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// Ids that are remembered because their answers are not wanted any more.
const MAX_FORGOTTEN: usize = 4096;

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Pending {
    requests: HashMap<RequestId, Waiting>,
    /// Those that were answered here, or taken back: whatever the gateway may still say to them is too late.
    forgotten: VecDeque<RequestId>,
}

/// A request that waits.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) id: RequestId,
    /// Which line of the host's it came in.
    pub(super) line: u64,
    pub(super) kind: Kind,
    /// The request alone.
    pub(super) text: Utf8Bytes,
    /// The line that it came in, where that held several.
    pub(super) batch: Option<Utf8Bytes>,
    pub(super) arrived: Instant,
    /// Whether it was sent to a session that is gone.
    pub(super) was_sent: bool,
    /// Of a `subscriptions/listen`: whether the host was told that its stream is open.
    pub(super) is_open: bool,
}

/// What a request is, as far as the bridge has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Initialize,
    ListTools,
    CallTool,
    SetLevel,
    Subscribe,
    Unsubscribe,
    Listen,
    /// Any other that only reads.
    Read,
    Other,
}

impl Kind {
    pub(super) fn of(method: &str) -> Self {
        match method {
            "initialize" => Self::Initialize,
            "tools/list" => Self::ListTools,
            "tools/call" => Self::CallTool,
            "logging/setLevel" => Self::SetLevel,
            "resources/subscribe" => Self::Subscribe,
            "resources/unsubscribe" => Self::Unsubscribe,
            "subscriptions/listen" => Self::Listen,
            "ping"
            | "server/discover"
            | "resources/list"
            | "resources/templates/list"
            | "resources/read"
            | "prompts/list"
            | "prompts/get"
            | "completion/complete" => Self::Read,
            _ => Self::Other,
        }
    }
}

/// What a request's parameters may have that matters here.
#[derive(Debug, Default, Deserialize)]
struct Params<'a> {
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "_meta")]
    meta: Meta<'a>,
}

#[derive(Debug, Default, Deserialize)]
struct Arguments<'a> {
    #[serde(borrow, default)]
    idempotency_key: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
struct Request<'a> {
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

impl Waiting {
    /// Its parameters as JSON.
    pub(super) fn params(&self) -> Option<&str> {
        serde_json::from_str::<Request<'_>>(&self.text).ok()?.params.map(RawValue::get)
    }

    /// In which era it is to be answered.
    pub(super) fn era(&self) -> Era {
        let params = self.params().and_then(|params| serde_json::from_str::<Params<'_>>(params).ok());
        match params.and_then(|params| params.meta.protocol_version) {
            Some(_) => Era::Modern,
            None => Era::Legacy,
        }
    }

    /// Whether it matters if it was carried out.
    pub(super) fn may_change(&self, memory: &Memory) -> bool {
        match self.kind {
            Kind::Other => true,
            Kind::CallTool => {
                let params = self.params().and_then(|params| serde_json::from_str::<Params<'_>>(params).ok());
                !params.and_then(|params| params.name).is_some_and(|name| memory.only_reads(&name))
            }
            _ => false,
        }
    }

    /// Whether it may be carried out once more without harm.
    pub(super) fn is_repeatable(&self, memory: &Memory) -> bool {
        match self.kind {
            Kind::CallTool => self.has_key() || !self.may_change(memory),
            _ => !self.may_change(memory),
        }
    }

    /// Whether the gateway carries it out once, however often it comes.
    fn has_key(&self) -> bool {
        let params = self.params().and_then(|params| serde_json::from_str::<Params<'_>>(params).ok());
        let arguments = params.and_then(|params| params.arguments).map(RawValue::get);
        let arguments = arguments.and_then(|arguments| serde_json::from_str::<Arguments<'_>>(arguments).ok());
        arguments.is_some_and(|arguments| arguments.idempotency_key.is_some())
    }
}

impl Pending {
    /// Notes a request; refused when its id is still in use.
    pub(super) fn insert(&mut self, request: Waiting) -> bool {
        if self.requests.contains_key(&request.id) {
            return false;
        }
        self.requests.insert(request.id.clone(), request);
        true
    }

    /// The request that an answer is for, which waits no longer.
    pub(super) fn answered(&mut self, id: &RequestId) -> Option<Waiting> {
        self.requests.remove(id)
    }

    /// Takes out the request that an answer is for, if nothing follows from its result for other ones; whether there was
    /// such a one.
    pub(super) fn answered_plainly(&mut self, id: &RequestId) -> bool {
        let plain = |request: &Waiting| matches!(request.kind, Kind::CallTool | Kind::Read | Kind::Other);
        self.requests.get(id).is_some_and(plain) && self.requests.remove(id).is_some()
    }

    /// The request with this id.
    pub(super) fn get_mut(&mut self, id: &RequestId) -> Option<&mut Waiting> {
        self.requests.get_mut(id)
    }

    /// Takes a request that the gateway may still answer, which the host is not to hear.
    pub(super) fn forget(&mut self, id: &RequestId) -> Option<Waiting> {
        let request = self.requests.remove(id)?;
        if self.forgotten.len() >= MAX_FORGOTTEN {
            self.forgotten.pop_front();
        }
        self.forgotten.push_back(id.clone());
        Some(request)
    }

    /// Whether an answer comes too late.
    pub(super) fn is_forgotten(&mut self, id: &RequestId) -> bool {
        let Some(at) = self.forgotten.iter().position(|one| one == id) else { return false };
        self.forgotten.remove(at);
        true
    }

    /// No answer to any of the session's requests can come any more.
    pub(super) fn forget_nothing(&mut self) {
        self.forgotten.clear();
    }

    /// Notes that requests of a line went to a session that is gone.
    pub(super) fn note_sent(&mut self, line: u64) {
        self.requests.values_mut().filter(|request| request.line == line).for_each(|request| request.was_sent = true);
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Waiting> {
        self.requests.values()
    }

    /// All of them in the order in which they came.
    pub(super) fn in_order(&self) -> Vec<Waiting> {
        let mut all: Vec<_> = self.requests.values().cloned().collect();
        all.sort_by_key(|request| request.line);
        all
    }

    /// Whether somebody waits for more than the end of a stream.
    pub(super) fn is_busy(&self) -> bool {
        self.requests.values().any(|request| request.kind != Kind::Listen)
    }

    /// The requests of the batch that came first, if there is one.
    pub(super) fn first_batch(&self) -> Vec<RequestId> {
        let first = self.requests.values().filter(|request| request.batch.is_some()).map(|request| request.line).min();
        let of_it = self.requests.values().filter(|request| Some(request.line) == first);
        of_it.map(|request| request.id.clone()).collect()
    }
}
