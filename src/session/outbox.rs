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
    /// Records that are subscribed to: by which subscription, and by which URI.
    pub updated: Vec<(WatchKey, String)>,
}

impl Changes {
    /// Notes that a record changed.
    pub fn update(&mut self, key: &WatchKey, uri: &str) {
        if !self.updated.iter().any(|(k, u)| k == key && u == uri) {
            self.updated.push((key.clone(), uri.to_owned()));
        }
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
