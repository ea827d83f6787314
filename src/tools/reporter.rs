//! How a running call tells its client how far it is.

use crate::session::Channel;
use crate::wire::{log_level, notification};
use serde_json::value::RawValue;

/// Sends progress and log messages of one call, where its client asked for them.
#[derive(Debug, Clone)]
pub struct Reporter {
    /// None when the client asked for nothing, as it mostly does.
    listener: Option<Box<Listener>>,
}

#[derive(Debug, Clone)]
struct Listener {
    channel: Channel,
    progress_token: Option<Box<RawValue>>,
    log_level: Option<u8>,
    max_queued_bytes: usize,
}

impl Reporter {
    /// A reporter for a call that came on this channel.
    #[must_use]
    pub fn new(
        channel: &Channel,
        progress_token: Option<Box<RawValue>>,
        log_level: Option<u8>,
        max_queued_bytes: usize,
    ) -> Self {
        let wanted = progress_token.is_some() || log_level.is_some();
        let listener = || Listener { channel: channel.clone(), progress_token, log_level, max_queued_bytes };
        Self { listener: wanted.then(|| Box::new(listener())) }
    }

    /// The level with this name, as a number that grows with severity.
    #[must_use]
    pub fn level(name: &str) -> Option<u8> {
        log_level(name)
    }

    /// Says how much of how much is done.
    pub fn progress(&self, done: u64, total: u64, message: &str) {
        let Some(listener) = &self.listener else { return };
        let Some(token) = &listener.progress_token else { return };
        let params =
            serde_json::json!({ "progressToken": token, "progress": done, "total": total, "message": message });
        listener.send("notifications/progress", &params);
    }

    /// Says something worth knowing; `level` is one of the names of RFC 5424.
    pub fn log(&self, level: &str, data: &impl serde::Serialize) {
        let Some(listener) = &self.listener else { return };
        if listener.log_level.is_some_and(|least| Self::level(level).is_some_and(|level| level >= least)) {
            let params = serde_json::json!({ "level": level, "logger": "sessile", "data": data });
            listener.send("notifications/message", &params);
        }
    }
}

impl Listener {
    fn send(&self, method: &str, params: &serde_json::Value) {
        self.channel.send(notification(method, &params.to_string()), self.max_queued_bytes);
    }
}
