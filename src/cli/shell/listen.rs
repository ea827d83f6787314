//! What a gateway says unasked: noted, and printed above the prompt.

use super::super::exchange::message;
use super::super::terminal::{clean, err};
use super::recent::Recents;
use crate::client::tools::Toolbox;
use crate::client::{Event, Gateway};
use parking_lot::Mutex as Plain;
use reedline::ExternalPrinter;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Mutex;
use tokio::sync::mpsc::{self, Receiver};

/// Events that wait for the call that they are about.
const WAITING: usize = 256;

/// What a session, its completions and its listener know in common.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) toolbox: Plain<Arc<Toolbox>>,
    pub(super) recents: Plain<Recents>,
    /// Kinds of record with the templates of their URIs.
    pub(super) templates: Plain<Vec<(String, String)>>,
    /// What the prompt says.
    name: Plain<String>,
    printer: Plain<Option<ExternalPrinter<String>>>,
    /// The connection as it is now.
    gateway: Plain<Option<Arc<Mutex<Gateway>>>>,
    prompting: AtomicBool,
    closed: AtomicBool,
}

impl Shared {
    /// What the prompt says.
    pub(super) fn name(&self) -> String {
        self.name.lock().clone()
    }

    /// Has the prompt say something else.
    pub(super) fn rename(&self, name: &str) {
        *self.name.lock() = clean(name).into_owned();
    }

    /// The connection as it is now.
    pub(super) fn gateway(&self) -> Option<Arc<Mutex<Gateway>>> {
        self.gateway.lock().clone()
    }

    /// Notes what the connection is now.
    pub(super) fn connected(&self, gateway: &Arc<Mutex<Gateway>>) {
        *self.gateway.lock() = Some(Arc::clone(gateway));
    }

    /// The tools as they were listed last.
    pub(super) fn tools(&self) -> Arc<Toolbox> {
        Arc::clone(&self.toolbox.lock())
    }

    /// Where to print while somebody types.
    pub(super) fn print_to(&self, printer: ExternalPrinter<String>) {
        *self.printer.lock() = Some(printer);
    }

    /// Notes whether somebody types.
    pub(super) fn prompting(&self, prompting: bool) {
        self.prompting.store(prompting, Ordering::Release);
    }

    /// Whether the connection has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Notes whether the connection has ended.
    pub(super) fn set_closed(&self, closed: bool) {
        self.closed.store(closed, Ordering::Release);
    }

    /// Says a line: above the prompt while somebody types, and at once otherwise. A flood is cut, not kept.
    pub(super) fn say(&self, line: &str) {
        let printer = self.printer.lock().clone().filter(|_| self.prompting.load(Ordering::Acquire));
        match printer {
            Some(printer) => drop(printer.sender().try_send(line.to_owned())),
            None => err(line),
        }
    }
}

/// Listens to a connection until it ends. What is about a running call arrives at the receiver.
pub(super) fn listen(
    gateway: Arc<Mutex<Gateway>>,
    mut events: Receiver<Event>,
    shared: Arc<Shared>,
) -> Receiver<Event> {
    let (about_calls, heard) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            match event {
                Event::Notification { method, params } => match &*method {
                    "notifications/progress" => {
                        let _ = about_calls.try_send(Event::Notification { method, params });
                    }
                    "notifications/tools/list_changed" => {
                        // Beside this, so that what is asked meanwhile is heard.
                        tokio::spawn(relist(Arc::clone(&gateway), Arc::clone(&shared)));
                    }
                    method => tell(&shared, method, &params),
                },
                Event::Closed(closed) => {
                    if !shared.is_closed() {
                        shared.say(&format!("The connection ended: {} ({}).", clean(&closed.reason), closed.code));
                    }
                    shared.set_closed(true);
                    let _ = about_calls.try_send(Event::Closed(closed));
                }
                request @ Event::Request { .. } => {
                    let _ = about_calls.try_send(request);
                }
            }
        }
    });
    heard
}

/// Lists the tools anew, and says so if there are others now and no command is the cause.
async fn relist(gateway: Arc<Mutex<Gateway>>, shared: Arc<Shared>) {
    let Ok((toolbox, _)) = gateway.lock().await.tools().await else { return };
    let count = toolbox.iter().count();
    let before = std::mem::replace(&mut *shared.toolbox.lock(), Arc::new(toolbox));
    if before.iter().count() != count && shared.prompting.load(Ordering::Acquire) {
        shared.say(&format!("The tools have changed: there are {count} now."));
    }
}

fn tell(shared: &Shared, method: &str, params: &str) {
    let read: Value = serde_json::from_str(params).unwrap_or_default();
    match method {
        "notifications/message" => shared.say(&message(&read)),
        "notifications/resources/updated" => {
            shared.say(&format!("changed: {}", clean(read["uri"].as_str().unwrap_or_default())));
        }
        // Nothing of the shell's hangs on these.
        "notifications/resources/list_changed" | "notifications/prompts/list_changed" | "notifications/cancelled" => {}
        _ => shared.say(&format!("{} {}", clean(method), clean(params))),
    }
}
