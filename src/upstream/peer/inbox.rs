//! What comes from an upstream, and where it goes.

use super::super::asking;
use super::super::caller::{Asked, Asks, Caller};
use super::super::definition::Isolation;
use super::super::failure::Failure;
use super::super::link::Inbox;
use super::super::reply::Reply;
use super::{Entry, Inner, Owner};
use crate::wire::{Object, Passing, RequestId};
use std::sync::Weak;
use std::time::Instant;

impl Inbox for Inner {
    fn message(&self, text: &str, of: Option<i64>) {
        if text.trim_ascii_start().starts_with('[') {
            // 2025-03-26 has batches.
            let batch: Vec<&serde_json::value::RawValue> = serde_json::from_str(text).unwrap_or_default();
            return batch.into_iter().for_each(|message| self.one(message.get(), of));
        }
        self.one(text, of);
    }

    fn failed(&self, id: i64, failure: Failure) {
        let entry = self.calls.lock().open.remove(&id);
        if let Some(entry) = entry {
            // Whoever waited may be gone.
            let _ = entry.answer.send(Err(failure));
        }
    }

    fn ended(&self, failure: Failure) {
        if self.over.set(failure.clone()).is_err() {
            return;
        }
        let open = std::mem::take(&mut self.calls.lock().open);
        for entry in open.into_values() {
            let _ = entry.answer.send(Err(failure.clone()));
        }
        if let Some((owner, peer)) = self.owner.upgrade().zip(self.peer.get()) {
            owner.over(peer, &failure);
        }
    }
}

impl Inner {
    fn one(&self, text: &str, of: Option<i64>) {
        let message = match Passing::read(text) {
            Ok(message) => message,
            Err(error) => return tracing::debug!(upstream = %self.name, error, "an upstream said what is no message"),
        };
        if let Some(response) = message.response {
            let id = message.id.and_then(|id| id.as_number());
            let entry = id.and_then(|id| self.calls.lock().open.remove(&id));
            match entry {
                Some(entry) => drop(entry.answer.send(Ok(Reply::new(text, response)))),
                None => tracing::debug!(upstream = %self.name, "an upstream answered what nobody waits for"),
            }
            return;
        }
        let method = message.method.as_deref().unwrap_or_default();
        let params = message.params.unwrap_or_default();
        match message.id {
            Some(id) => {
                self.request(Asked { id, method: method.to_owned(), params: params.to_owned() }, of);
            }
            None => self.notification(method, params, of),
        }
    }

    fn notification(&self, method: &str, params: &str, of: Option<i64>) {
        match method {
            "notifications/progress" => self.progress(params),
            "notifications/cancelled" => {
                let id = Object::read(params).and_then(|params| RequestId::parse(params.get("requestId")?));
                if let Some(task) = id.and_then(|id| self.asked.lock().remove(&id)) {
                    task.abort();
                }
            }
            "notifications/tools/list_changed" => self.tell_owner(|owner| owner.list_changed("tools")),
            "notifications/prompts/list_changed" => self.tell_owner(|owner| owner.list_changed("prompts")),
            "notifications/resources/list_changed" => self.tell_owner(|owner| owner.list_changed("resources")),
            "notifications/resources/updated" => {
                if let Some(uri) = Object::read(params).and_then(|params| params.text("uri")) {
                    self.tell_owner(|owner| owner.updated(&uri, params));
                }
            }
            "notifications/subscriptions/acknowledged" => {}
            _ => match self.caller(of) {
                Some(caller) if method == "notifications/message" && !caller.logs.want(params) => {}
                Some(caller) => caller.tell(method, params, &self.limits),
                None => self.tell_owner(|owner| owner.said(method, params)),
            },
        }
    }

    fn progress(&self, params: &str) {
        let Some(mut params) = Object::read(params) else { return };
        let token = params.get("progressToken").and_then(|token| token.parse::<i64>().ok());
        let mut calls = self.calls.lock();
        let Some(entry) = token.and_then(|id| calls.open.get_mut(&id)) else { return };
        entry.heard_of = Instant::now();
        let Some(caller) = &entry.caller else { return };
        let Some(token) = caller.progress_token.as_deref() else { return };
        params.set("progressToken", token.to_owned());
        caller.tell("notifications/progress", &params.json(), &self.limits);
    }

    /// Whose call a message belongs to: the one on whose stream it came. One that came on no call's stream is taken for
    /// the call's that began last if all calls are one person's, and for nobody's otherwise, or where tenants share.
    fn caller(&self, of: Option<i64>) -> Option<Caller> {
        let mut calls = self.calls.lock();
        let entry = match of {
            Some(id) => calls.open.get_mut(&id),
            None => {
                let whose = |entry: &Entry| entry.caller.as_ref().map(|caller| caller.whose);
                let last = calls.open.values().rev().find_map(whose)?;
                let mixed = calls.open.values().filter_map(whose).any(|whose| whose != last);
                if mixed || self.isolation == Isolation::Shared {
                    return None;
                }
                calls.open.values_mut().rev().find(|entry| entry.caller.is_some())
            }
        }?;
        entry.heard_of = Instant::now();
        entry.caller.clone()
    }

    fn request(&self, asked: Asked, of: Option<i64>) {
        let Some(peer) = self.peer.get().and_then(Weak::upgrade) else { return };
        if asked.method == "ping" {
            return peer.answer(&asked.id, Ok("{}"));
        }
        let caller = self.caller(of).or_else(|| self.owner.upgrade()?.asked(&asked));
        let asks = caller.as_ref().map(|caller| caller.asks.clone());
        match (asks, caller) {
            (Some(Asks::ByRequest), Some(caller)) if asking::can(&caller.channel, &asked.method) => {
                let (limits, id) = (self.limits.clone(), asked.id.clone());
                let weak = Weak::clone(self.peer.get().unwrap_or(&Weak::new()));
                let task = tokio::spawn(asking::forward(weak, caller.channel, limits, asked));
                let mut running = self.asked.lock();
                running.retain(|_, task| !task.is_finished());
                running.insert(id, task.abort_handle());
            }
            // A result can ask for these alone.
            (Some(Asks::InRounds { asked: rounds, can }), _)
                if asking::declares(can, &asked.method) == Some(true) && rounds.try_send(asked.clone()).is_ok() => {}
            _ => {
                let message = format!("Method not found: nobody can be asked for {} just now", asked.method);
                let message = serde_json::Value::from(message);
                peer.answer(&asked.id, Err(&format!(r#"{{"code":-32601,"message":{message}}}"#)));
            }
        }
    }

    fn tell_owner(&self, tell: impl FnOnce(&dyn Owner)) {
        if let Some(owner) = self.owner.upgrade() {
            tell(&*owner);
        }
    }
}
