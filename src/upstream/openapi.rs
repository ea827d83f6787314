//! An HTTP API that an OpenAPI description tells about, as if it were an MCP server: its operations are tools.
//!
//! The link answers what MCP asks itself, in both eras, and makes an HTTP request of a call. What the API says goes
//! back as it came, as far as a tool's result has a place for it.

mod api;
mod body;
mod document;
mod operation;
mod parameter;
mod reply;
mod request;
mod schema;
#[cfg(test)]
mod tests;

use super::failure::Failure;
use super::link::{Inbox, Link, Outgoing, Purpose};
use super::outbound::Outbound;
use super::outward::Outward;
use crate::observe::TraceContext;
use crate::wire::{self, Answer, Era, ErrorCode, Incoming, MODERN, Request, WireError, negotiate};
use api::Api;
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::task::AbortHandle;
use tokio_util::task::TaskTracker;

/// How long clients may keep what does not change while the session is open, in milliseconds.
const KEPT: u64 = 300_000;

/// Opens one: loads its description, unless that was done a moment ago.
///
/// # Errors
/// [`Failure::Unreadable`] for a description that can't be used, and why it could not be loaded.
pub(crate) async fn open(
    outward: Outward,
    outbound: &Outbound,
    inbox: Arc<dyn Inbox>,
    tasks: &TaskTracker,
) -> Result<Box<dyn Link>, Failure> {
    let api = document::load(&outward, outbound).await?;
    let session = Session { api, outward, outbound: outbound.clone(), inbox, calls: Mutex::default() };
    Ok(Box::new(OpenApiLink { session: Arc::new(session), tasks: tasks.clone() }))
}

#[derive(Debug)]
struct OpenApiLink {
    session: Arc<Session>,
    tasks: TaskTracker,
}

#[derive(Debug)]
struct Session {
    api: Arc<Api>,
    outward: Outward,
    outbound: Outbound,
    inbox: Arc<dyn Inbox>,
    /// Those under way, by the ids of their requests.
    calls: Mutex<HashMap<i64, AbortHandle>>,
}

/// What a request's parameters may hold.
#[derive(Debug, Default, Deserialize)]
struct Params<'a> {
    #[serde(borrow, default, rename = "_meta")]
    meta: Option<Meta<'a>>,
    #[serde(default)]
    name: Option<String>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
    #[serde(default, rename = "protocolVersion")]
    version: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Meta<'a> {
    #[serde(default, rename = "io.modelcontextprotocol/protocolVersion")]
    version: Option<String>,
    #[serde(borrow, default)]
    traceparent: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tracestate: Option<&'a RawValue>,
}

impl Link for OpenApiLink {
    fn send(&self, message: Outgoing) {
        match message.purpose {
            Purpose::Request { id, .. } => self.request(id, message.text),
            Purpose::Notification { method } if method == "notifications/cancelled" => {
                if let Some(id) = cancelled(&message.text) {
                    self.session.drop_call(id);
                }
            }
            // There is nobody who would do something about it.
            Purpose::Notification { .. } | Purpose::Response => {}
        }
    }

    fn forget(&self, id: i64) {
        self.session.drop_call(id);
    }
}

impl OpenApiLink {
    fn request(&self, id: i64, text: String) {
        let session = Arc::clone(&self.session);
        // Held until the call is noted, so that it is not over before.
        let mut calls = self.session.calls.lock();
        let call = self.tasks.spawn(async move {
            let answered = session.answer(&text).await;
            session.calls.lock().remove(&id);
            match answered {
                Ok(frame) => session.inbox.message(&frame, Some(id)),
                Err(failure) => session.inbox.failed(id, failure),
            }
        });
        calls.insert(id, call.abort_handle());
    }
}

impl Drop for OpenApiLink {
    fn drop(&mut self) {
        self.session.calls.lock().drain().for_each(|(_, call)| call.abort());
    }
}

impl Session {
    fn drop_call(&self, id: i64) {
        if let Some(call) = self.calls.lock().remove(&id) {
            call.abort();
        }
    }

    /// The message that answers a request.
    async fn answer(&self, text: &str) -> Result<String, Failure> {
        let unreadable = || Failure::Incomplete("the request can't be read".into());
        let Ok(Incoming::Request(Request { id, method, params })) = wire::parse(text) else {
            return Err(unreadable());
        };
        let params = params.map_or(Ok(Params::default()), |raw| serde_json::from_str(raw.get()));
        let params = params.map_err(|_| unreadable())?;
        let modern = params.meta.as_ref().is_some_and(|meta| meta.version.is_some());
        let era = if modern { Era::Modern } else { Era::Legacy };
        let answer = Answer::to(&id, era).served_by(Some(&self.api.implementation));
        let frame = match (&*method, era) {
            ("initialize", Era::Legacy) => answer.members(&self.initialize(params.version.as_deref())),
            ("server/discover", Era::Modern) => {
                let members = format!(r#""supportedVersions":["{MODERN}"],{}"#, self.abilities());
                answer.cacheable(&members, KEPT, false)
            }
            ("ping", _) => answer.members(""),
            ("tools/list", _) => answer.cacheable(&self.api.tools, KEPT, false),
            ("tools/call", _) => return self.call(params, answer).await,
            (other, _) => {
                answer.error(&WireError::new(ErrorCode::MethodNotFound, format!("Method not found: {other}")))
            }
        };
        Ok(frame.text)
    }

    fn initialize(&self, version: Option<&str>) -> String {
        let version = negotiate(version.unwrap_or_default());
        let implementation = &self.api.implementation;
        format!(r#""protocolVersion":"{version}","serverInfo":{implementation},{}"#, self.abilities())
    }

    fn abilities(&self) -> String {
        let mut members = format!(r#""capabilities":{}"#, json!({ "tools": {} }));
        if let Some(instructions) = &self.api.instructions {
            members.push_str(&format!(r#","instructions":{}"#, Value::from(instructions.as_str())));
        }
        members
    }

    async fn call(&self, params: Params<'_>, answer: Answer) -> Result<String, Failure> {
        let name = params.name.as_deref().unwrap_or_default();
        let Some(operation) = self.api.operations.get(name) else {
            return Ok(answer.error(&WireError::invalid_params(format!("Unknown tool: {name}"))).text);
        };
        let arguments = params.arguments.map_or("{}", RawValue::get);
        let mut request = match request::make(operation, arguments) {
            Ok(request) => request,
            Err(wrong) => return Ok(answer.tool_output(&reply::text(&wrong, true), "", true).text),
        };
        if let Some(context) = params.meta.as_ref().and_then(Meta::trace_context) {
            request.trace(&context);
        }
        let (members, failed) = request.send(&self.api, &self.outward, &self.outbound, operation).await?;
        Ok(answer.tool_output(&members, "", failed).text)
    }
}

impl Meta<'_> {
    fn trace_context(&self) -> Option<TraceContext> {
        let text = |raw: Option<&RawValue>| serde_json::from_str::<String>(raw?.get()).ok();
        TraceContext::read(&text(self.traceparent)?, text(self.tracestate).as_deref())
    }
}

/// The request that a notification cancels.
fn cancelled(text: &str) -> Option<i64> {
    #[derive(Deserialize)]
    struct Cancelled {
        params: Which,
    }
    #[derive(Deserialize)]
    struct Which {
        #[serde(rename = "requestId")]
        id: i64,
    }
    serde_json::from_str::<Cancelled>(text).ok().map(|cancelled| cancelled.params.id)
}
