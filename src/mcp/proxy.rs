//! A client's request on its way to an upstream, and the answer on its way back.
//!
//! What passes through is spliced: the id, the progress token, a prefixed name and what one era has and the other has not are
//! put in their places, and all else stays as it was written.

mod attempt;
mod authorize;
mod bridge;
mod lists;
mod route;

pub(super) use route::mirrored;

use super::exchange::Exchange;
use super::params::Params;
use super::request_state::{Belonging, Sealer};
use super::rounds::Asking;
use super::running::Work;
use crate::error::Error;
use crate::observe::{Asked, Call, TraceContext};
use crate::session::{Channel, SessionManager};
use crate::tenancy::TenantScope;
use crate::time::now;
use crate::tools::Asker;
use crate::upstream::{Definition, Failure, Logs, Opener, Reply, Slot, Upstreams, opener};
use crate::wire::{Answer, Era, ErrorCode, Frame, Object, RequestId, WireError};
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
    /// Whether its request state is one of the gateway's own.
    is_ours: bool,
    /// How its client is asked for something on the gateway's own behalf, where that may be.
    asking: Option<Asking>,
    asker: Option<Asker>,
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
            is_ours: false,
            asking: None,
            asker: None,
        };
        let what = params.name.as_deref().or(params.uri.as_deref()).unwrap_or_default();
        let may_be_asked = matches!(method, "tools/call" | "prompts/get" | "resources/read");
        if may_be_asked && upstreams.may_ask_people(scope.principal()) {
            let asking = self.asking(method, what, params, true)?;
            proxied.asker = Some(asking.asker.clone());
            proxied.asking = Some(asking);
        }
        if let Some(state) = params.request_state.as_deref().filter(|_| self.era == Era::Modern) {
            let opened = proxied.sealer.open(state, &proxied.belonging(), now());
            proxied.is_ours = opened.is_some();
            proxied.resumed = opened.and_then(|state| state.kept);
        }
        Ok(Some(proxied))
    }
}

impl Proxied {
    /// `tools/call` and `prompts/get`: by the name.
    pub(super) fn named(mut self, name: String) -> Work {
        let asking = self.asking.take();
        in_rounds(asking, async move {
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
    pub(super) fn about(mut self, uri: String) -> Work {
        let asking = self.asking.take();
        in_rounds(asking, async move {
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

    /// Asks the first; where that does not know what is meant, the next. A call that has waited for this request goes on
    /// where it was.
    async fn pass(mut self, targets: Vec<Target>) -> Frame {
        let waiting = |target: &Target| target.slot.parking.take(self.resumed.as_deref()?);
        if let Some((target, call)) = targets.iter().find_map(|target| Some((target, waiting(target)?))) {
            return match Box::pin(self.resume(target, call)).await {
                Ok(Passed::Reply(reply, era)) => self.finished(&reply, era, target),
                Ok(Passed::Frame(frame)) => frame,
                Err(failure) => self.failed(&target.slot.definition.name, &failure),
            };
        }
        let mut last = None;
        let count = targets.len();
        for (number, target) in targets.into_iter().enumerate() {
            match self.to(&target).await {
                Ok(Passed::Reply(reply, era)) if number + 1 < count && is_not_found(&reply) => {
                    last = Some(Ok(self.finished(&reply, era, &target)));
                }
                Ok(Passed::Reply(reply, era)) => return self.finished(&reply, era, &target),
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

    /// An upstream's answer, which it gave in this era, as the client's.
    fn finished(&self, reply: &Reply, era: Era, target: &Target) -> Frame {
        self.note_task(reply, &target.slot.definition.name);
        match (self.era, era) {
            (Era::Modern, Era::Legacy) => {}
            (Era::Legacy, Era::Modern) => return self.without_modern_members(reply),
            _ => return reply.frame(&self.id, ""),
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

    /// A modern answer without what the legacy era does not have.
    fn without_modern_members(&self, reply: &Reply) -> Frame {
        let plain = reply.frame(&self.id, "");
        let Some(mut result) = Object::read(reply.payload()).filter(|_| !reply.is_error()) else { return plain };
        ["resultType", "ttlMs", "cacheScope"].iter().for_each(|member| result.remove(member));
        let text = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{}}}"#, self.id.as_json(), result.json());
        Frame { text, ..plain }
    }

    /// A failure of the gateway's or of the way, told in the way of the method.
    fn failed(self, name: &str, failure: &Failure) -> Frame {
        let session = self.channel.session().id();
        tracing::warn!(%session, upstream = name, method = self.method, %failure, "an upstream gave no answer");
        self.told(format!("The upstream {name} {failure}."))
    }

    /// An error of the gateway's own, told in the way of the method.
    fn told(&self, message: String) -> Frame {
        if self.method == "tools/call" {
            return self.answer.clone().tool_error(&Error::Upstream(message));
        }
        self.answer.clone().error(&WireError::new(ErrorCode::Internal, message))
    }
}

/// Work in which the client may be asked for something.
fn in_rounds(asking: Option<Asking>, work: impl Future<Output = Frame> + Send + 'static) -> Work {
    let work: Work = Box::pin(work);
    match asking {
        Some(asking) => asking.run(work),
        None => work,
    }
}

/// What came of asking an upstream.
enum Passed {
    /// Its answer, and the era in which it was given.
    Reply(Reply, Era),
    /// Something of the gateway's own to answer with.
    Frame(Frame),
}

/// Whether an upstream says that it knows no such thing.
fn is_not_found(reply: &Reply) -> bool {
    matches!(reply.error_code(), Some(-32002 | -32602 | -32601))
}
