//! What one era says by a request from the server, and the other by a result.

use super::{Passed, Proxied, Target};
use crate::mcp::failures::no_such_state;
use crate::mcp::request_state::State;
use crate::tools::Answers;
use crate::upstream::{Asked, Asks, Failure, Logs, Opener, Parked, Peer};
use crate::wire::{Capabilities, Era, Object};
use futures_util::future::join_all;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// What a modern request carries, and a legacy one does not.
const MODERN_META: [&str; 4] = [
    "io.modelcontextprotocol/protocolVersion",
    "io.modelcontextprotocol/clientInfo",
    "io.modelcontextprotocol/clientCapabilities",
    "io.modelcontextprotocol/logLevel",
];
/// What a call asks beyond so much while nobody looks is refused.
const MOST_ASKED: usize = 64;
/// More rounds than these of one call are not gone.
const MOST_ROUNDS: usize = 32;

impl Proxied {
    /// The parameters as the upstream's era has them.
    pub(super) fn params(&self, target: &Target, era: Era, opener: &Opener) -> Object<'_> {
        let mut params = Object::read(&self.params).unwrap_or_default();
        if let Some(name) = &target.name {
            let name = Value::from(name.as_str()).to_string();
            if self.method == "completion/complete" {
                let mut reference = params.get("ref").and_then(Object::read).unwrap_or_default();
                reference.set("name", name);
                let reference = reference.json();
                params.set("ref", reference);
            } else {
                params.set("name", name);
            }
        }
        if self.is_ours {
            // The gateway's own rounds are not the upstream's.
            params.remove("inputResponses");
            params.remove("requestState");
        }
        let span = self.trace.as_ref().filter(|_| self.is_traced);
        if self.era == era && span.is_none() {
            return params;
        }
        let mut meta = params.get("_meta").and_then(Object::read).unwrap_or_default();
        if let Some(span) = span {
            meta.set("traceparent", Value::from(span.traceparent()).to_string());
            match span.tracestate() {
                Some(state) => meta.set("tracestate", Value::from(state).to_string()),
                None => meta.remove("tracestate"),
            }
        }
        match era {
            _ if self.era == era => {}
            Era::Legacy => MODERN_META.iter().for_each(|member| meta.remove(member)),
            Era::Modern => {
                opener.put_meta(&mut meta);
                if let Logs::From(_) = self.logs {
                    let level = self.logs.name().unwrap_or("debug");
                    meta.set("io.modelcontextprotocol/logLevel", Value::from(level).to_string());
                }
            }
        }
        let (meta, empty) = (meta.json(), meta.is_empty());
        if era == Era::Legacy && self.era == Era::Modern {
            params.remove("inputResponses");
            params.remove("requestState");
        }
        if empty {
            params.remove("_meta");
        } else {
            params.set("_meta", meta);
        }
        params
    }

    /// A legacy client's request to a modern upstream: what its results ask for, the client is asked by requests.
    pub(super) async fn by_requests(
        &self,
        target: &Target,
        peer: &Arc<Peer>,
        opener: &Opener,
    ) -> Result<Passed, Failure> {
        let limit = target.slot.definition.limits.call;
        let mut carried: Vec<(&str, String)> = Vec::new();
        for round in 0..MOST_ROUNDS {
            let mut params = self.params(target, Era::Modern, opener);
            for (member, value) in &carried {
                params.set(member, value.clone());
            }
            let mut pending = peer.request(self.sending(target, peer, params, Asks::ByRequest, opener).await);
            let reply = pending.within(limit).await?;
            let result = Object::read(reply.payload()).filter(|_| !reply.is_error()).unwrap_or_default();
            if result.text("resultType").as_deref() != Some("input_required") {
                return Ok(Passed::Reply(reply, Era::Modern));
            }
            let requests = result.get("inputRequests").and_then(Object::read).unwrap_or_default();
            if requests.is_empty() && round > 0 {
                // It only wants to be asked again, later.
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            let answers = self.answers(&requests).await?;
            carried.clear();
            if !answers.is_empty() {
                carried.push(("inputResponses", answers.json()));
            }
            if let Some(state) = result.get("requestState") {
                carried.push(("requestState", state.to_owned()));
            }
        }
        Err(Failure::Unreadable(format!("it asked for more in each of {MOST_ROUNDS} rounds")))
    }

    async fn answers(&self, requests: &Object<'_>) -> Result<Object<'static>, Failure> {
        let limits = self.manager.limits();
        let asked = requests.iter().map(|(key, request)| async move {
            let request = Object::read(request).unwrap_or_default();
            let (method, params) = (request.text("method").unwrap_or_default(), request.get("params").unwrap_or("{}"));
            if !crate::upstream::can_ask(&self.channel, &method) {
                return Err(Failure::Incomplete(format!("it asks for {method}, which the client can't be asked for")));
            }
            match self.channel.ask(limits, &method, params).await {
                Ok(Ok(result)) => Ok((key, result)),
                Ok(Err(_)) => Err(Failure::Incomplete(format!("the client refused {method}"))),
                Err(_) => Err(Failure::Incomplete(format!("the client did not answer {method}"))),
            }
        });
        let mut answers = Object::default();
        for answered in join_all(asked).await {
            let (key, result) = answered?;
            answers.set(&key, result);
        }
        Ok(answers)
    }

    /// A modern client's request to a legacy upstream: what that asks for is the result, and the call waits for the request
    /// to be made again.
    pub(super) async fn in_rounds(&self, target: &Target, peer: &Arc<Peer>) -> Result<Passed, Failure> {
        let asked_by_us = self.is_ours && self.resumed.is_none();
        if !asked_by_us && Object::read(&self.params).is_some_and(|params| params.get("requestState").is_some()) {
            // Making the call once more is not what the client meant.
            return Ok(Passed::Frame(self.answer.clone().error(&no_such_state())));
        }
        let opener = self.opener(&target.slot);
        self.set_level(peer);
        let (sender, asks) = mpsc::channel(MOST_ASKED);
        let params = self.params(target, Era::Legacy, &opener);
        let sending = self.sending(target, peer, params, self.in_turn(sender), &opener).await;
        let pending = peer.request(sending);
        let call = Parked { peer: Arc::clone(peer), pending, asks, open: Vec::new(), keys: 0 };
        self.round(target, call).await
    }

    /// Goes on with a call that has waited for this request.
    pub(super) async fn resume(&self, target: &Target, mut call: Parked) -> Result<Passed, Failure> {
        let (sender, asks) = mpsc::channel(MOST_ASKED);
        call.peer.redirect(call.pending.id, self.caller(self.in_turn(sender)));
        // What was asked since is asked now.
        while let Ok(asked) = call.asks.try_recv() {
            call.note(asked);
        }
        call.asks = asks;
        let params = Object::read(&self.params).unwrap_or_default();
        let responses = params.get("inputResponses").and_then(Object::read).unwrap_or_default();
        let peer = Arc::clone(&call.peer);
        call.open.retain(|(key, asked)| match responses.get(key) {
            Some(result) => {
                peer.answer(&asked.id, Ok(result));
                false
            }
            None => true,
        });
        if !call.open.is_empty() {
            return Ok(self.park(target, call));
        }
        self.round(target, call).await
    }

    /// Waits until the call is answered, or asks for something.
    async fn round(&self, target: &Target, mut call: Parked) -> Result<Passed, Failure> {
        let limit = target.slot.definition.limits.call;
        if call.open.is_empty() {
            let asked = tokio::select! {
                biased;
                reply = call.pending.within(limit) => return reply.map(|reply| Passed::Reply(reply, Era::Legacy)),
                Some(asked) = call.asks.recv() => asked,
            };
            call.note(asked);
            while let Ok(asked) = call.asks.try_recv() {
                call.note(asked);
            }
        }
        Ok(self.park(target, call))
    }

    fn park(&self, target: &Target, call: Parked) -> Passed {
        let mut requests = Object::default();
        for (key, Asked { method, params, .. }) in call.open.iter().rev() {
            let params = if params.is_empty() { "{}" } else { params };
            requests.set(key, format!(r#"{{"method":{},"params":{params}}}"#, Value::from(method.as_str())));
        }
        let requests = requests.json();
        let word = target.slot.parking.park(call);
        let state = State { answers: Answers::new(), kept: Some(word) };
        match self.sealer.seal(state, &self.belonging(), crate::time::now()) {
            Ok(state) => Passed::Frame(self.answer.clone().input_required(&requests, &state)),
            Err(_) => Passed::Frame(
                self.answer
                    .clone()
                    .error(&crate::wire::WireError::new(crate::wire::ErrorCode::Internal, crate::wire::INTERNAL)),
            ),
        }
    }

    /// The client is asked for what its request says that it can be asked for.
    fn in_turn(&self, asked: mpsc::Sender<Asked>) -> Asks {
        let can = self.client.as_ref().map(|(_, can)| Capabilities::read(can)).unwrap_or_default();
        Asks::InRounds { asked, can }
    }

    /// Has a legacy upstream send the log messages that a modern request asks for.
    fn set_level(&self, peer: &Arc<Peer>) {
        let wanted = self.logs.name().filter(|_| peer.agreed().is_some_and(|agreed| agreed.has("logging")));
        if let Some(level) = wanted {
            peer.set_level(level);
        }
    }
}
