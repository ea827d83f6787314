//! A client's request on its way to an upstream, and the answer on its way back.
//!
//! What passes through is spliced: the id, the progress token, a prefixed name and what one era has and the other has not are
//! put in their places, and all else stays as it was written.

mod bridge;
mod lists;
mod route;

pub(super) use route::mirrored;

use super::exchange::Exchange;
use super::params::Params;
use super::request_state::{Belonging, Sealer};
use super::running::Work;
use crate::error::Error;
use crate::observe::{Asked, Call, TraceContext};
use crate::session::{Channel, SessionManager};
use crate::tenancy::TenantScope;
use crate::time::now;
use crate::upstream::{Asks, Reach};
use crate::upstream::{Caller, Definition, Failure, List, Logs, Opener, Peer, Reply, Sending, Slot, Upstreams, opener};
use crate::wire::{Answer, Era, ErrorCode, Frame, Object, RequestId, WireError};
use serde_json::Value;
use serde_json::value::RawValue;
use std::sync::Arc;

/// A request that goes on to an upstream.
pub(super) struct Proxied {
    upstreams: Arc<Upstreams>,
    manager: Arc<SessionManager>,
    sealer: Arc<Sealer>,
    scope: TenantScope,
    channel: Channel,
    id: RequestId,
    era: Era,
    method: String,
    /// The parameters as they came: a JSON object.
    params: String,
    /// What the request, if it is a modern one, says of its client.
    client: Option<(String, String)>,
    progress_token: Option<Box<str>>,
    logs: Logs,
    answer: Answer,
    /// What a call that waits for this request is found by.
    resumed: Option<String>,
    /// The trace that the call is part of.
    trace: Option<TraceContext>,
    /// Whether that is a span of the gateway's own.
    is_traced: bool,
}

/// Where a request goes, and what it is about there.
struct Target {
    slot: Arc<Slot>,
    /// The upstream's own name for the tool or prompt that clients know by another.
    name: Option<String>,
    /// What HTTP headers repeat: a name, or a URI.
    about: Option<String>,
}

impl Exchange<'_> {
    /// The request as one for an upstream, if who makes it may use any.
    pub(super) fn proxied(&self, method: &str, params: &Params<'_>) -> Result<Option<Proxied>, WireError> {
        let features = &self.dispatcher.features;
        let upstreams = &features.upstreams;
        let Some(scope) = self.scope.as_ref().filter(|scope| upstreams.may_serve(scope.principal())) else {
            return Ok(None);
        };
        let meta = params.meta.as_ref();
        let said = |raw: Option<&RawValue>| raw.map(|raw| raw.get().to_owned()).unwrap_or_default();
        let client = meta.map(|meta| (said(meta.client_info), said(meta.client_capabilities)));
        let level = match self.era {
            Era::Modern => meta.and_then(|meta| meta.log_level.as_deref()).and_then(crate::tools::Reporter::level),
            Era::Legacy => self.session().log_level(),
        };
        let logs = match (self.era, level) {
            (_, Some(level)) => Logs::From(level),
            (Era::Legacy, None) => Logs::All,
            (Era::Modern, None) => Logs::None,
        };
        let mut proxied = Proxied {
            upstreams: Arc::clone(upstreams),
            manager: Arc::clone(&self.dispatcher.manager),
            sealer: Arc::clone(&self.dispatcher.sealer),
            scope: scope.clone(),
            channel: self.channel.clone(),
            id: self.id.clone(),
            era: self.era,
            method: method.to_owned(),
            params: self.raw.map_or("{}", RawValue::get).to_owned(),
            client: client.filter(|_| self.era == Era::Modern),
            progress_token: params.progress_token()?.map(|token| token.get().into()),
            logs,
            answer: self.answer(),
            resumed: None,
            trace: params.trace_context(),
            is_traced: false,
        };
        if let Some(state) = params.request_state.as_deref().filter(|_| self.era == Era::Modern) {
            proxied.resumed = proxied.sealer.open(state, &proxied.belonging(), now()).and_then(|state| state.kept);
        }
        Ok(Some(proxied))
    }
}

impl Proxied {
    /// `tools/call` and `prompts/get`: by the name.
    pub(super) fn named(self, name: String) -> Work {
        Box::pin(async move {
            let named = self.by_name(&name).await;
            let served = |(definition, own): &(Arc<Definition>, String)| {
                self.method != "tools/call" || definition.tools.has(own)
            };
            let Some((definition, own)) = named.filter(served) else { return self.unknown(&name) };
            let slot = match self.slot(&definition) {
                Ok(slot) => slot,
                Err(failure) => return self.failed(&definition.name, &failure),
            };
            let renamed = (own != name).then(|| own.clone());
            let target = vec![Target { slot, name: renamed, about: Some(own) }];
            if self.method != "tools/call" {
                return self.pass(target).await;
            }
            let seen = self.seen(&name, &definition);
            let mut passing = self;
            if let Some(span) = seen.trace_context() {
                (passing.trace, passing.is_traced) = (Some(span), true);
            }
            let frame = passing.pass(target).await;
            seen.finish(frame.outcome.word());
            frame
        })
    }

    /// `resources/read` and what else is about a URI.
    pub(super) fn about(self, uri: String) -> Work {
        Box::pin(async move {
            let slots = self.by_uri(&uri).await;
            let target = |slot| Target { slot, name: None, about: Some(uri.clone()) };
            let targets: Vec<_> = slots.into_iter().map(target).collect();
            if targets.is_empty() {
                let error = super::failures::not_found(&uri, self.era);
                return self.answer.error(&error);
            }
            self.pass(targets).await
        })
    }

    /// `completion/complete`: by what it is about.
    pub(super) fn completing(self) -> Work {
        Box::pin(async move {
            let params = Object::read(&self.params).unwrap_or_default();
            let reference = params.get("ref").and_then(Object::read).unwrap_or_default();
            if let Some(name) = reference.text("name") {
                let Some((definition, own)) = self.by_name(&name).await else { return self.unknown(&name) };
                let slot = match self.slot(&definition) {
                    Ok(slot) => slot,
                    Err(failure) => return self.failed(&definition.name, &failure),
                };
                let name = (own != name).then_some(own);
                return self.pass(vec![Target { slot, name, about: None }]).await;
            }
            let slots = self.by_uri(&reference.text("uri").unwrap_or_default()).await;
            let target = |slot| Target { slot, name: None, about: None };
            self.pass(slots.into_iter().map(target).collect()).await
        })
    }

    /// A method that only an upstream may know.
    pub(super) fn other(self) -> Work {
        Box::pin(async move {
            let Some(slot) = self.by_parameters().await else {
                let message = format!("Method not found: {}", self.method);
                return self.answer.error(&WireError::new(ErrorCode::MethodNotFound, message));
            };
            // The headers of the extension for tasks repeat which one is meant.
            let about = Object::read(&self.params).and_then(|params| params.text("taskId"));
            self.pass(vec![Target { slot, name: None, about }]).await
        })
    }

    /// The call as it is seen from outside.
    fn seen(&self, tool: &str, definition: &Definition) -> Call {
        let (tenant, session) = (self.scope.principal().tenant(), self.channel.session().id());
        let asked = Asked { tenant: Some(&tenant), session: &session, tool, parent: self.trace.as_ref() };
        Call::of_upstream(self.manager.metrics(), asked, &definition.name, !definition.added)
    }

    fn slot(&self, definition: &Arc<Definition>) -> Result<Arc<Slot>, Failure> {
        let slot = self.upstreams.slot(definition, &self.scope, &self.channel, self.era)?;
        slot.heard_by(self.channel.session());
        Ok(slot)
    }

    async fn open(&self) -> Vec<Arc<Definition>> {
        self.upstreams.open_to(&self.scope).await
    }

    fn opener(&self, slot: &Slot) -> Opener {
        let client = self.client.as_ref().map(|(name, can)| (name.as_str(), can.as_str()));
        opener(&self.channel, self.era, slot.definition.isolation, client)
    }

    /// What ties a state that goes to the client to this request.
    fn belonging(&self) -> Belonging {
        let params = Object::read(&self.params).unwrap_or_default();
        let what = params.text("name").or_else(|| params.text("uri")).unwrap_or_default();
        let arguments = params.get("arguments").unwrap_or("{}");
        Belonging::new(Some(self.scope.principal()), &self.method, &what, arguments)
    }

    fn unknown(self, name: &str) -> Frame {
        let (what, list) =
            if self.method == "tools/call" { ("tool", "tools/list") } else { ("prompt", "prompts/list") };
        self.answer.error(&WireError::invalid_params(format!("Unknown {what}: {name}. {list} names those there are.")))
    }

    /// Asks the first; where that does not know what is meant, the next.
    async fn pass(mut self, targets: Vec<Target>) -> Frame {
        let mut last = None;
        let count = targets.len();
        for (number, target) in targets.into_iter().enumerate() {
            match self.to(&target).await {
                Ok(Passed::Reply(reply)) if number + 1 < count && is_not_found(&reply) => {
                    last = Some(Ok(self.finished(&reply, &target)));
                }
                Ok(Passed::Reply(reply)) => return self.finished(&reply, &target),
                Ok(Passed::Frame(frame)) => return frame,
                Err(failure) => last = Some(Err((target.slot.definition.name.clone(), failure))),
            }
        }
        match last {
            Some(Ok(frame)) => frame,
            Some(Err((name, failure))) => self.failed(&name, &failure),
            None => {
                let message = format!("Method not found: {}", self.method);
                self.answer.error(&WireError::new(ErrorCode::MethodNotFound, message))
            }
        }
    }

    /// Asks an upstream; once more where that does nothing twice.
    async fn to(&mut self, target: &Target) -> Result<Passed, Failure> {
        if let Some(parked) = self.resumed.take().and_then(|word| target.slot.parking.take(&word)) {
            return self.resume(target, parked).await;
        }
        let opener = self.opener(&target.slot);
        let mut again = false;
        loop {
            let peer = target.slot.peer(&opener).await?;
            let failure = match self.ask(target, &peer, &opener).await {
                Ok(passed) => return Ok(passed),
                Err(failure) => failure,
            };
            let lost = matches!(failure, Failure::Forgotten | Failure::Unreachable(_));
            let broken = matches!(failure, Failure::Ended(_)) && self.is_repeatable(target);
            if again || !lost && !broken {
                return Err(failure);
            }
            again = true;
        }
    }

    async fn ask(&self, target: &Target, peer: &Arc<Peer>, opener: &Opener) -> Result<Passed, Failure> {
        match (self.era, peer.era()) {
            (Era::Modern, Era::Legacy) => self.in_rounds(target, peer).await,
            (Era::Legacy, Era::Modern) => self.by_requests(target, peer, opener).await,
            _ => {
                let params = self.params(target, peer.era(), opener);
                let mut pending = peer.request(self.sending(target, peer, params, Asks::ByRequest, opener).await);
                pending.within(target.slot.definition.limits.call).await.map(Passed::Reply)
            }
        }
    }

    async fn sending<'a>(
        &'a self,
        target: &Target,
        peer: &Peer,
        params: Object<'a>,
        asks: Asks,
        opener: &Opener,
    ) -> Sending<'a> {
        let repeated = self.repeated(target, peer, &params, opener).await;
        let caller = Some(self.caller(asks));
        Sending { method: &self.method, params, name: target.about.clone(), repeated, caller }
    }

    fn caller(&self, asks: Asks) -> Caller {
        Caller { channel: self.channel.clone(), progress_token: self.progress_token.clone(), logs: self.logs, asks }
    }

    /// The arguments that headers repeat, where the upstream is one of modern HTTP.
    async fn repeated(
        &self,
        target: &Target,
        peer: &Peer,
        params: &Object<'_>,
        opener: &Opener,
    ) -> Vec<(String, String)> {
        let definition = &target.slot.definition;
        if self.method != "tools/call" || peer.era() != Era::Modern || !matches!(definition.reach, Reach::Http { .. }) {
            return Vec::new();
        }
        let Ok(tools) = target.slot.list(List::Tools, opener).await else { return Vec::new() };
        let Some(tool) = target.about.as_deref().and_then(|name| tools.find(name)) else { return Vec::new() };
        if tool.mirrored.is_empty() {
            return Vec::new();
        }
        let arguments: Value =
            params.get("arguments").and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default();
        let mut repeated = Vec::new();
        for mirrored in &tool.mirrored {
            let value = mirrored.path.iter().try_fold(&arguments, |value, name| value.get(name));
            match value {
                Some(Value::String(text)) => repeated.push((mirrored.header.clone(), text.clone())),
                Some(value @ (Value::Bool(_) | Value::Number(_))) => {
                    repeated.push((mirrored.header.clone(), value.to_string()));
                }
                _ => {}
            }
        }
        repeated
    }

    fn is_repeatable(&self, target: &Target) -> bool {
        match self.method.as_str() {
            "tools/call" => {
                let tools = target.slot.known(List::Tools);
                let tool = target.about.as_deref().zip(tools.as_deref()).and_then(|(name, tools)| tools.find(name));
                tool.is_some_and(|tool| tool.repeatable)
            }
            "prompts/get" | "resources/read" | "completion/complete" => true,
            _ => false,
        }
    }

    /// An upstream's answer as the client's.
    fn finished(&self, reply: &Reply, target: &Target) -> Frame {
        self.note_task(reply, &target.slot.definition.name);
        let legacy = target.slot.open_peer().is_some_and(|peer| peer.era() == Era::Legacy);
        if self.era != Era::Modern || !legacy {
            return reply.frame(&self.id, "");
        }
        if reply.error_code() == Some(ErrorCode::ResourceNotFound as i64) {
            // The modern era has another code for it.
            let mut error = Object::read(reply.payload()).unwrap_or_default();
            error.set("code", (ErrorCode::InvalidParams as i32).to_string());
            let text = format!(r#"{{"jsonrpc":"2.0","id":{},"error":{}}}"#, self.id.as_json(), error.json());
            return Frame { text, outcome: crate::wire::Outcome::Error(ErrorCode::InvalidParams) };
        }
        let says = |member: &str| {
            reply.mentions(&format!("{member:?}"))
                && Object::read(reply.payload()).is_some_and(|o| o.get(member).is_some())
        };
        let mut members = String::new();
        if !reply.is_error() && reply.payload().starts_with('{') {
            if !says("resultType") {
                members.push_str(r#""resultType":"complete""#);
            }
            if self.method == "resources/read" && !says("ttlMs") {
                let comma = if members.is_empty() { "" } else { "," };
                members.push_str(comma);
                members.push_str(r#""ttlMs":0,"cacheScope":"private""#);
            }
        }
        reply.frame(&self.id, &members)
    }

    /// A failure of the gateway's or of the way, told in the way of the method.
    fn failed(self, name: &str, failure: &Failure) -> Frame {
        let session = self.channel.session().id();
        tracing::warn!(%session, upstream = name, method = self.method, %failure, "an upstream gave no answer");
        let message = format!("The upstream {name} {failure}.");
        if self.method == "tools/call" {
            return self.answer.tool_error(&Error::Upstream(message));
        }
        self.answer.error(&WireError::new(ErrorCode::Internal, message))
    }
}

/// What came of asking an upstream.
enum Passed {
    /// Its answer.
    Reply(Reply),
    /// Something of the gateway's own to answer with.
    Frame(Frame),
}

/// Whether an upstream says that it knows no such thing.
fn is_not_found(reply: &Reply) -> bool {
    matches!(reply.error_code(), Some(-32002 | -32602 | -32601))
}
