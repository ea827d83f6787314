//! What a link knows of its session, and what runs for it.

use super::headers::is_modern;
use crate::upstream::Purpose;
use http::HeaderValue;
use std::collections::HashMap;
use tokio::sync::watch;
use tokio::task::AbortHandle;

#[derive(Debug, Default)]
pub(super) struct State {
    /// What both sides speak, once they have agreed.
    pub(super) version: Option<String>,
    /// The session, as the upstream calls it.
    pub(super) session: Option<HeaderValue>,
    /// Whether the upstream has forgotten it. Nothing is sent any more.
    pub(super) over: bool,
    /// Whether that was told.
    pub(super) told: bool,
    /// What runs.
    pub(super) running: HashMap<Key, Running>,
    others: u64,
    /// The last notification that was sent.
    notified: Option<Sent>,
    /// The one that ends the handshake.
    initialized: Option<Sent>,
}

/// What a task is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// A request that has no answer yet.
    Request(i64),
    /// Anything else.
    Other(u64),
}

/// A task, which is aborted when its link is dropped.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) task: AbortHandle,
    /// Whether the answer that it waited for has come. It reads its stream to the end then.
    pub(super) answered: bool,
}

/// Becomes ready when a message has been sent, or can't be.
#[derive(Debug, Clone)]
pub(super) struct Sent(watch::Receiver<()>);

/// What a message waits for before it is sent, and who waits for it.
#[derive(Debug)]
pub(super) struct Turn {
    before: Option<Sent>,
    _sending: Option<watch::Sender<()>>,
}

impl State {
    /// A key for what is no request.
    pub(super) fn other(&mut self) -> Key {
        self.others += 1;
        Key::Other(self.others)
    }

    /// When a message may be sent. Each travels alone, and could overtake the one before it. So notifications wait for
    /// each other, answers for the notifications before them (of progress, say), and all for the end of the handshake.
    pub(super) fn turn(&mut self, purpose: &Purpose) -> Turn {
        self.initialized.take_if(|sent| sent.is_over());
        self.notified.take_if(|sent| sent.is_over());
        match purpose {
            Purpose::Request { .. } => Turn { before: self.initialized.clone(), _sending: None },
            Purpose::Response => Turn { before: self.notified.clone(), _sending: None },
            Purpose::Notification { method } => {
                let (sending, sent) = watch::channel(());
                let sent = Sent(sent);
                if method == "notifications/initialized" {
                    self.initialized = Some(sent.clone());
                }
                Turn { before: self.notified.replace(sent), _sending: Some(sending) }
            }
        }
    }

    /// Whether it is agreed to speak the era without sessions.
    pub(super) fn is_modern(&self) -> bool {
        self.version.as_deref().is_some_and(is_modern)
    }
}

impl Sent {
    fn is_over(&self) -> bool {
        self.0.has_changed().is_err()
    }
}

impl Turn {
    /// Waits for what has to be sent before.
    pub(super) async fn come(&mut self) {
        if let Some(Sent(mut before)) = self.before.take() {
            // Nothing is ever told by this channel; it closes.
            let _ = before.wait_for(|()| false).await;
        }
    }
}
