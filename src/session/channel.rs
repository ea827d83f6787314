//! Who a message comes from, and where what belongs to it goes.
//!
//! On a WebSocket both are the session's: the connection is the proof, and all that is sent shares one
//! socket. Over HTTP each request brings its own proof, and what a call has to say before its answer goes
//! on that request's own stream.

use super::Session;
use super::mailbox::Mailbox;
use crate::tenancy::Principal;
use std::sync::Arc;

/// The way on which a message came.
#[derive(Debug, Clone)]
pub struct Channel {
    session: Arc<Session>,
    speaker: Speaker,
    /// Where a call's own messages go, if not to the session.
    mailbox: Option<Arc<Mailbox>>,
    /// Whether those are heard at all: a request's client may take the answer only.
    heard: bool,
}

#[derive(Debug, Clone)]
enum Speaker {
    /// Whoever is signed in on the connection.
    Connection,
    /// Whoever this request proved to be, which may be nobody.
    Request(Option<Principal>),
}

impl Channel {
    /// A connection whose session knows who is signed in.
    #[must_use]
    pub fn connection(session: Arc<Session>) -> Self {
        Self { session, speaker: Speaker::Connection, mailbox: None, heard: true }
    }

    /// One request that brought its own proof.
    #[must_use]
    pub fn request(session: Arc<Session>, principal: Option<Principal>, mailbox: Arc<Mailbox>) -> Self {
        Self { session, speaker: Speaker::Request(principal), mailbox: Some(mailbox), heard: true }
    }

    /// The session.
    #[must_use]
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Who speaks.
    #[must_use]
    pub fn principal(&self) -> Option<Principal> {
        match &self.speaker {
            Speaker::Connection => self.session.principal(),
            Speaker::Request(principal) => principal.clone(),
        }
    }

    /// Whether each request brings its own proof.
    #[must_use]
    pub fn is_per_request(&self) -> bool {
        matches!(self.speaker, Speaker::Request(_))
    }

    /// The same request after another look at who it is.
    #[must_use]
    pub fn speaking_as(mut self, principal: Option<Principal>) -> Self {
        self.speaker = Speaker::Request(principal);
        self
    }

    /// The same, saying whether its client hears more than the answer.
    #[must_use]
    pub fn heard(mut self, heard: bool) -> Self {
        self.heard = heard;
        self
    }

    /// Whether what a call sends ahead of its answer is heard.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        self.heard
    }

    /// Sends a message that nobody has to hear: one that finds the queue half full is dropped, and the session goes on.
    pub fn offer(&self, message: String, max_queued_bytes: usize) -> bool {
        match &self.mailbox {
            Some(mailbox) => mailbox.offer(message, max_queued_bytes / 2),
            None => self.session.offer(message, max_queued_bytes / 2),
        }
    }

    /// Sends a message that belongs to a call, ahead of its answer.
    pub fn send(&self, message: String, max_queued_bytes: usize) {
        match &self.mailbox {
            Some(mailbox) => mailbox.send(message, max_queued_bytes),
            None => self.session.send(message, max_queued_bytes),
        }
    }
}
