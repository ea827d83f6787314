//! What an upstream lists, under the names by which clients know it.

use super::definition::Definition;
use super::failure::Failure;
use super::handshake::Opener;
use super::peer::{Peer, Sending};
use crate::wire::{Era, Mirrored, Object, mirrored_by_schema};
use serde_json::value::RawValue;
use std::collections::HashSet;
use std::sync::Arc;

/// The lists of MCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    Tools,
    Resources,
    Templates,
    Prompts,
}

/// What is in a list.
#[derive(Debug, Default)]
pub(crate) struct Items {
    /// By their own names, or URIs.
    pub(crate) entries: Vec<Item>,
    /// As JSON, with commas between them.
    pub(crate) json: String,
    /// Those that can't be served, since what the gateway has itself is called so.
    pub(crate) hidden: Vec<String>,
}

/// Something in a list.
#[derive(Debug)]
pub(crate) struct Item {
    /// The upstream's own name for it, or its URI, or its template.
    pub(crate) name: String,
    /// Of a tool, the arguments that HTTP headers repeat.
    pub(crate) mirrored: Vec<Mirrored>,
    /// Of a tool, whether it says that calling it twice does no more than calling it once.
    pub(crate) repeatable: bool,
}

/// More pages than this of one list are not read.
const MOST_PAGES: usize = 200;

impl List {
    /// Its method, its member in the result, its items' key, and the capability that has it.
    fn words(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::Tools => ("tools/list", "tools", "name", "tools"),
            Self::Resources => ("resources/list", "resources", "uri", "resources"),
            Self::Templates => ("resources/templates/list", "resourceTemplates", "uriTemplate", "resources"),
            Self::Prompts => ("prompts/list", "prompts", "name", "prompts"),
        }
    }

    fn has_names(self) -> bool {
        matches!(self, Self::Tools | Self::Prompts)
    }
}

/// Reads a whole list of an upstream.
pub(super) async fn fetch(
    peer: &Arc<Peer>,
    opener: &Opener,
    definition: &Definition,
    reserved: &HashSet<String>,
    list: List,
) -> Result<Items, Failure> {
    let (method, member, key, capability) = list.words();
    let mut items = Items::default();
    if !peer.agreed().is_some_and(|agreed| agreed.has(capability)) {
        return Ok(items);
    }
    let mut cursor: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let at = cursor.map(|cursor| format!(r#""cursor":{}"#, serde_json::Value::from(cursor))).unwrap_or_default();
        let params = if peer.era() == Era::Modern { opener.params(&at) } else { format!("{{{at}}}") };
        let params = Object::read(&params).unwrap_or_default();
        let sending = Sending { method, params, name: None, repeated: Vec::new(), caller: None };
        let reply = peer.request(sending).await?;
        if reply.is_error() {
            // Not every server that declares resources has templates.
            let unknown = reply.error_code() == Some(-32601);
            let message = reply.error_message().unwrap_or_default();
            return if unknown { Ok(items) } else { Err(Failure::Unreadable(format!("{method}: {message}"))) };
        }
        let result = Object::read(reply.payload()).unwrap_or_default();
        let page: Vec<&RawValue> =
            result.get(member).and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default();
        page.into_iter().for_each(|raw| items.add(definition, reserved, list, key, raw.get()));
        cursor = result.text("nextCursor").filter(|_| items.entries.len() < 100_000);
        if cursor.is_none() {
            break;
        }
    }
    Ok(items)
}

impl Items {
    fn add(&mut self, definition: &Definition, reserved: &HashSet<String>, list: List, key: &str, raw: &str) {
        let Some(mut item) = Object::read(raw) else { return };
        let Some(name) = item.text(key) else { return };
        if list == List::Tools && !definition.tools.has(&name) {
            return;
        }
        let mut shown = String::new();
        if list.has_names() {
            shown = format!("{}{name}", definition.prefix);
            if list == List::Tools && reserved.contains(&shown) {
                self.hidden.push(shown);
                return;
            }
        }
        let (mut mirrored, mut repeatable) = (Vec::new(), true);
        if list == List::Tools {
            let schema = item.get("inputSchema").and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default();
            mirrored = mirrored_by_schema(&name, &schema).unwrap_or_default();
            let hints = item.get("annotations").and_then(Object::read).unwrap_or_default();
            repeatable = hints.get("readOnlyHint") == Some("true") || hints.get("idempotentHint") == Some("true");
        }
        let separator = if self.json.is_empty() { "" } else { "," };
        self.json.push_str(separator);
        if list.has_names() && !definition.prefix.is_empty() {
            item.set("name", serde_json::Value::from(shown).to_string());
            self.json.push_str(&item.json());
        } else {
            self.json.push_str(raw);
        }
        self.entries.push(Item { name, mirrored, repeatable });
    }

    /// The item of this name of the upstream's own.
    pub(crate) fn find(&self, name: &str) -> Option<&Item> {
        self.entries.iter().find(|item| item.name == name)
    }
}
