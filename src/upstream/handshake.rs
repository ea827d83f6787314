//! How a session with an upstream begins, in either era.

use super::definition::{EraChoice, Isolation};
use super::failure::Failure;
use super::peer::{Peer, Sending};
use super::reply::Reply;
use crate::session::Channel;
use crate::wire::{Era, LATEST_LEGACY, LEGACY, MODERN, Object};
use serde_json::json;
use std::sync::Arc;

/// What a session with an upstream has turned out to be.
#[derive(Debug, Clone)]
pub(crate) struct Agreed {
    /// The era in which it is spoken to.
    pub(crate) era: Era,
    /// The revision of MCP.
    pub(crate) version: String,
    /// Its `ServerCapabilities`, as JSON.
    pub(crate) capabilities: String,
    /// How models are to work with it.
    pub(crate) instructions: Option<String>,
}

/// What an upstream is told of whoever opens the session.
#[derive(Debug, Clone)]
pub(crate) struct Opener {
    /// The era that the client speaks.
    pub(crate) era: Era,
    /// Its `Implementation`, as JSON; ours when it is empty.
    pub(crate) implementation: String,
    /// Its `ClientCapabilities`, as JSON; none when it is empty.
    pub(crate) capabilities: String,
}

/// Our own `Implementation`.
const SESSILE: &str = concat!(r#"{"name":"sessile","title":"Sessile","version":""#, env!("CARGO_PKG_VERSION"), r#""}"#);

impl Opener {
    pub(super) fn implementation(&self) -> &str {
        if self.implementation.starts_with('{') { &self.implementation } else { SESSILE }
    }

    pub(super) fn capabilities(&self) -> &str {
        if self.capabilities.starts_with('{') { &self.capabilities } else { "{}" }
    }

    /// What a legacy upstream is told that can be asked for, once for the whole session. A modern client says it with
    /// each request, so it may be anything that can be passed on; what a request's client can't do is refused then.
    fn for_a_session(&self) -> String {
        let mut capabilities = Object::read(self.capabilities()).unwrap_or_default();
        if self.era == Era::Modern {
            capabilities.set("elicitation", r#"{"form":{},"url":{}}"#);
            for name in ["sampling", "roots"] {
                if capabilities.get(name).is_none() {
                    capabilities.set(name, "{}");
                }
            }
        }
        capabilities.json()
    }

    /// The `_meta` that a modern request needs, with these members put in.
    pub(crate) fn put_meta(&self, meta: &mut Object<'_>) {
        meta.set("io.modelcontextprotocol/clientCapabilities", self.capabilities().to_owned());
        meta.set("io.modelcontextprotocol/clientInfo", self.implementation().to_owned());
        meta.set("io.modelcontextprotocol/protocolVersion", json!(MODERN).to_string());
    }

    /// `params` of a modern request of the gateway's own, with these members besides `_meta`.
    pub(super) fn params(&self, members: &str) -> String {
        let mut meta = Object::default();
        self.put_meta(&mut meta);
        let comma = if members.is_empty() { "" } else { "," };
        format!(r#"{{"_meta":{}{comma}{members}}}"#, meta.json())
    }
}

/// What an upstream is told of the client.
pub(crate) fn opener(channel: &Channel, era: Era, isolation: Isolation, meta: Option<(&str, &str)>) -> Opener {
    let nothing = Opener { era, implementation: String::new(), capabilities: String::new() };
    if isolation == Isolation::Shared {
        return nothing;
    }
    match (era, meta) {
        (Era::Modern, Some((implementation, capabilities))) => {
            Opener { implementation: implementation.to_owned(), capabilities: capabilities.to_owned(), ..nothing }
        }
        (Era::Modern, None) => nothing,
        (Era::Legacy, _) => {
            let said = channel.session().client().and_then(|client| client.own_words);
            said.map_or(nothing.clone(), |said| Opener {
                implementation: said.implementation.clone(),
                capabilities: said.capabilities.clone(),
                ..nothing
            })
        }
    }
}

/// The eras to try, in this order.
pub(super) fn order(choice: EraChoice, opener: &Opener, known: Option<Era>) -> Vec<Era> {
    match (choice, known, opener.era) {
        (EraChoice::Legacy, ..) => vec![Era::Legacy],
        (EraChoice::Modern, ..) => vec![Era::Modern],
        (EraChoice::Auto, Some(Era::Legacy), Era::Modern) | (EraChoice::Auto, _, Era::Legacy)
            if known != Some(Era::Modern) =>
        {
            vec![Era::Legacy, Era::Modern]
        }
        _ => vec![Era::Modern, Era::Legacy],
    }
}

/// Opens the session in this era.
pub(super) async fn shake(peer: &Arc<Peer>, opener: &Opener, era: Era) -> Result<(), Failure> {
    let agreed = match era {
        Era::Legacy => initialize(peer, opener).await?,
        Era::Modern => discover(peer, opener).await?,
    };
    peer.agree(agreed);
    if era == Era::Legacy {
        peer.notify("notifications/initialized", "");
    }
    Ok(())
}

async fn initialize(peer: &Arc<Peer>, opener: &Opener) -> Result<Agreed, Failure> {
    let params = format!(
        r#"{{"protocolVersion":"{LATEST_LEGACY}","capabilities":{},"clientInfo":{}}}"#,
        opener.for_a_session(),
        opener.implementation()
    );
    let reply = ask(peer, "initialize", &params).await?;
    let result = read(&reply)?;
    let version = result.text("protocolVersion").unwrap_or_default();
    if !LEGACY.contains(&version.as_str()) {
        return Err(Failure::Unreadable(format!("it speaks {version:?}, which the gateway does not")));
    }
    Ok(agreed(Era::Legacy, version, &result))
}

async fn discover(peer: &Arc<Peer>, opener: &Opener) -> Result<Agreed, Failure> {
    let reply = ask(peer, "server/discover", &opener.params("")).await?;
    let result = read(&reply)?;
    let versions: Vec<String> =
        result.get("supportedVersions").and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default();
    if !versions.iter().any(|version| version == MODERN) {
        return Err(Failure::Unreadable(format!("it speaks {versions:?}, which the gateway does not")));
    }
    Ok(agreed(Era::Modern, MODERN.to_owned(), &result))
}

fn agreed(era: Era, version: String, result: &Object<'_>) -> Agreed {
    let capabilities = result.get("capabilities").unwrap_or("{}").to_owned();
    Agreed { era, version, capabilities, instructions: result.text("instructions") }
}

async fn ask(peer: &Arc<Peer>, method: &str, params: &str) -> Result<Reply, Failure> {
    let params = Object::read(params).unwrap_or_default();
    peer.request(Sending { method, params, name: None, repeated: Vec::new(), caller: None }).await
}

fn read(reply: &Reply) -> Result<Object<'_>, Failure> {
    if let Some(message) = reply.error_message() {
        let message: String = message.chars().filter(|c| !c.is_control()).take(200).collect();
        return Err(Failure::Unreadable(format!("it refused the handshake: {message}")));
    }
    Object::read(reply.payload()).ok_or_else(|| Failure::Unreadable("the handshake's result is no object".into()))
}

impl Agreed {
    /// Whether it has declared this: `tools`, `resources`, `resources.subscribe`.
    pub(crate) fn has(&self, capability: &str) -> bool {
        let mut value = Some(self.capabilities.clone());
        for part in capability.split('.') {
            value = value.and_then(|json| Some(Object::read(&json)?.get(part)?.to_owned()));
        }
        value.is_some_and(|json| json != "false" && json != "null")
    }
}
