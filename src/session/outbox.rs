//! What waits to be sent to a session's client from elsewhere than its own calls.
//!
//! Messages are kept as they are, up to a number of bytes. Changes are kept as *what* changed, so
//! that a record that changes a thousand times while a client sleeps is one notification.

use super::hub::WatchKey;

/// The queue of one session. Empty, it has no memory of its own.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    messages: Vec<String>,
    queued_bytes: usize,
    changes: Option<Box<Changes>>,
    review: bool,
}

/// What changed for a client since it was last told.
#[derive(Debug, Default)]
pub struct Changes {
    /// The list of tools.
    pub tools: bool,
    /// The list of prompts.
    pub prompts: bool,
    /// The list of resources.
    pub resources: bool,
    /// Resources that are subscribed to.
    pub updated: Vec<Updated>,
}

/// A resource that changed.
#[derive(Debug)]
pub struct Updated {
    /// By which subscription it is told.
    pub key: WatchKey,
    /// Its URI.
    pub uri: String,
    /// What an upstream said of it: the parameters of a notification, as JSON.
    pub said: Option<String>,
}

impl Changes {
    /// Notes that a record changed.
    pub fn update(&mut self, key: &WatchKey, uri: &str) {
        if !self.updated.iter().any(|one| one.key == *key && one.uri == uri) {
            self.updated.push(Updated { key: key.clone(), uri: uri.to_owned(), said: None });
        }
    }

    /// Notes that an upstream said so; what it said last stays.
    pub fn pass_on(&mut self, key: &WatchKey, uri: &str, params: &str) {
        self.updated.retain(|one| one.key != *key || one.uri != uri);
        self.updated.push(Updated { key: key.clone(), uri: uri.to_owned(), said: Some(params.to_owned()) });
    }
}

impl Outbox {
    pub(super) fn push(&mut self, message: String, max_queued_bytes: usize) -> bool {
        let fits = self.queued_bytes.saturating_add(message.len()) <= max_queued_bytes;
        if fits {
            self.queued_bytes += message.len();
            self.messages.push(message);
        }
        fits
    }

    pub(super) fn changes(&mut self) -> &mut Changes {
        self.changes.get_or_insert_default()
    }

    pub(super) fn review(&mut self) {
        self.review = true;
    }

    pub(super) fn take_review(&mut self) -> bool {
        std::mem::take(&mut self.review)
    }

    pub(super) fn take_messages(&mut self) -> Vec<String> {
        self.queued_bytes = 0;
        std::mem::take(&mut self.messages)
    }

    pub(super) fn take_changes(&mut self) -> Option<Box<Changes>> {
        self.changes.take()
    }
}
