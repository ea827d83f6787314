//! What a session was told by its host, so that another one can be told the same; and what the gateway told of itself.

use super::outgoing::Entry;
use super::pending::{Kind, Waiting};
use crate::wire::{Object, allows_batches, keeps_null_ids, log_level, request};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::{BTreeSet, HashSet};
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// Resources that are remembered as subscribed to; a gateway allows no more by default.
const MAX_SUBSCRIPTIONS: usize = 256;
/// Tools that are remembered as only reading.
const MAX_TOOLS: usize = 10_000;
/// What the ids of the bridge's own requests begin with, in JSON.
pub(super) const OWN: &str = r#""dev.sessile.connect/"#;

/// All of that.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// The parameters of the `initialize` that was answered last.
    initialize: Option<String>,
    /// The host's `notifications/initialized`, with its line.
    initialized: Option<(u64, Utf8Bytes)>,
    /// The parameters of the last `logging/setLevel`.
    level: Option<String>,
    /// The parameters of each `resources/subscribe`.
    subscriptions: BTreeSet<String>,
    /// The revision that `initialize` agreed on.
    version: Option<String>,
    /// What of the gateway's lists may change, as in the names of notifications.
    changing: Vec<&'static str>,
    logs: bool,
    only_read: HashSet<String>,
    own: u64,
}

#[derive(Deserialize)]
struct Listed<'a> {
    #[serde(borrow)]
    tools: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Listing {
    name: String,
    #[serde(default)]
    annotations: Annotations,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Annotations {
    #[serde(default)]
    read_only_hint: bool,
}

impl Memory {
    /// Notes what follows from the result of a request.
    pub(super) fn succeeded(&mut self, request: &Waiting, result: &str) {
        let params = || request.params().map(str::to_owned);
        match request.kind {
            Kind::Initialize => {
                self.initialize = params();
                self.note_gateway(result);
            }
            Kind::ListTools => self.note_tools(result),
            Kind::SetLevel => self.level = params(),
            Kind::Subscribe if self.subscriptions.len() < MAX_SUBSCRIPTIONS => self.subscriptions.extend(params()),
            Kind::Unsubscribe => {
                params().map(|params| self.subscriptions.remove(&params));
            }
            _ => {}
        }
    }

    /// The host has said that it is initialized.
    pub(super) fn initialized(&mut self, line: u64, text: Utf8Bytes) {
        self.initialized = Some((line, text));
    }

    /// Nobody is signed in any more, which ends all subscriptions. (So does another sign-in, but then what was
    /// subscribed to may be wanted again.)
    pub(super) fn signed_out(&mut self) {
        self.subscriptions.clear();
    }

    /// What another session has to be told first. `is_sent` says of a line whether it was sent to the one before.
    pub(super) fn replay(&mut self, is_sent: impl Fn(u64) -> bool) -> Vec<Entry> {
        let mut messages = Vec::new();
        let Some(initialize) = self.initialize.clone() else { return messages };
        messages.push(self.own("initialize", &initialize));
        if let Some((line, text)) = &self.initialized
            && is_sent(*line)
        {
            messages.push(Entry { text: text.clone(), line: None, is_response: false });
        }
        if let Some(level) = self.level.clone() {
            messages.push(self.own("logging/setLevel", &level));
        }
        for subscription in self.subscriptions.clone() {
            messages.push(self.own("resources/subscribe", &subscription));
        }
        messages
    }

    /// Notifications that have a legacy host look again at what may have changed between two sessions.
    pub(super) fn changes(&self) -> Vec<String> {
        if self.initialized.is_none() {
            return Vec::new();
        }
        let list = |name: &&str| format!(r#"{{"jsonrpc":"2.0","method":"notifications/{name}/list_changed"}}"#);
        let updated = |params: &String| {
            let uri = Object::read(params)?.get("uri")?.to_owned();
            let method = "notifications/resources/updated";
            Some(format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{{"uri":{uri}}}}}"#))
        };
        self.changing.iter().map(list).chain(self.subscriptions.iter().filter_map(updated)).collect()
    }

    /// Whether a tool was listed as one that only reads.
    pub(super) fn only_reads(&self, tool: &str) -> bool {
        self.only_read.contains(tool)
    }

    /// Whether several messages may come in one line.
    pub(super) fn allows_batches(&self) -> bool {
        self.version.as_deref().is_some_and(allows_batches)
    }

    /// Whether an error that answers nobody has an id that is null.
    pub(super) fn keeps_null_ids(&self) -> bool {
        self.version.as_deref().is_some_and(keeps_null_ids)
    }

    /// Whether the host wants log messages of this level.
    pub(super) fn wants(&self, level: &str) -> bool {
        let chosen = self.level.as_deref().and_then(Object::read).and_then(|params| params.text("level"));
        let least = chosen.and_then(|chosen| log_level(&chosen));
        self.logs && self.initialized.is_some() && log_level(level) >= least
    }

    fn own(&mut self, method: &str, params: &str) -> Entry {
        self.own += 1;
        // The number goes where a request has its id.
        let text = request(0, method, params).replacen(r#""id":0"#, &format!(r#""id":{OWN}{}""#, self.own), 1);
        Entry::own(text)
    }

    fn note_gateway(&mut self, result: &str) {
        let Some(result) = Object::read(result) else { return };
        self.version = result.text("protocolVersion");
        let Some(capabilities) = result.get("capabilities").and_then(Object::read) else { return };
        self.logs = capabilities.get("logging").is_some();
        let changes = |name: &&str| {
            let declared = capabilities.get(name).and_then(Object::read);
            declared.is_some_and(|declared| declared.get("listChanged") == Some("true"))
        };
        self.changing = ["tools", "resources", "prompts"].into_iter().filter(changes).collect();
    }

    fn note_tools(&mut self, result: &str) {
        let Ok(listed) = serde_json::from_str::<Listed<'_>>(result) else { return };
        for tool in listed.tools {
            let Ok(tool) = serde_json::from_str::<Listing>(tool.get()) else { continue };
            if !tool.annotations.read_only_hint {
                self.only_read.remove(&tool.name);
            } else if self.only_read.len() < MAX_TOOLS {
                self.only_read.insert(tool.name);
            }
        }
    }
}
