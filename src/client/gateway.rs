//! A gateway as MCP: the handshake, its tools, and what it answers to calls.

use super::tools::{Tool, Toolbox};
use super::{CallError, Caller, DialError, Event, GatewayUrl, dial};
use crate::auth::Token;
use crate::wire::{LATEST_LEGACY, Object};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use zeroize::Zeroizing;

/// How long the handshake, lists and short calls may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many pages of a list are read.
const PAGES: usize = 200;

/// A connection with one.
#[derive(Debug)]
pub(crate) struct Gateway {
    /// What else is said on it.
    pub(crate) caller: Caller,
}

/// Why there is no gateway to talk to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// There is no connection.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// There is one, but no handshake.
    #[error("it does not begin to speak MCP: {0}")]
    Handshake(CallError),
}

/// What a tool answered.
#[derive(Debug, Clone)]
pub(crate) struct ToolResult {
    /// The whole result, as it came.
    pub(crate) json: Zeroizing<String>,
    /// What is in it for programs, as it came.
    pub(crate) structured: Option<Zeroizing<String>>,
    /// What is in it for people and models; what is no text is named.
    pub(crate) text: String,
    /// Whether the tool failed.
    pub(crate) failed: bool,
    /// Why, in a word, where the gateway says so.
    pub(crate) code: Option<String>,
}

impl OpenError {
    /// Whether the token admits nobody, so that trying again with it changes nothing.
    pub(crate) fn is_about_the_token(&self) -> bool {
        matches!(self, Self::Dial(error) if error.is_about_the_token())
    }
}

impl Gateway {
    /// Connects, with a token if there is one, and shakes hands. Events arrive at the receiver.
    ///
    /// # Errors
    /// Why that came to nothing.
    pub(crate) async fn open(url: &GatewayUrl, token: Option<&Token>) -> Result<(Self, Receiver<Event>), OpenError> {
        let (mut gateway, events) = Self::connect(url, token).await?;
        gateway.shake_hands().await.map_err(OpenError::Handshake)?;
        Ok((gateway, events))
    }

    /// Connects, with a token if there is one, and says nothing yet.
    ///
    /// # Errors
    /// There is no connection.
    pub(crate) async fn connect(url: &GatewayUrl, token: Option<&Token>) -> Result<(Self, Receiver<Event>), DialError> {
        let (caller, events) = Caller::new(dial(url, token).await?);
        Ok((Self { caller }, events))
    }

    /// Shakes hands; gives what the gateway says of itself, as JSON.
    ///
    /// # Errors
    /// It does not take part.
    pub(crate) async fn shake_hands(&mut self) -> Result<String, CallError> {
        let params = json!({
            "protocolVersion": LATEST_LEGACY,
            "capabilities": { "elicitation": { "form": {}, "url": {} } },
            "clientInfo": { "name": "sessile", "title": "Sessile's command line", "version": env!("CARGO_PKG_VERSION") },
        });
        let welcome = self.request("initialize", &params.to_string()).await?;
        self.caller.notify("notifications/initialized", "{}").await;
        Ok(welcome)
    }

    /// All tools, as they are listed now; and the list itself, as JSON.
    ///
    /// # Errors
    /// Why there is no list.
    pub(crate) async fn tools(&mut self) -> Result<(Toolbox, String), CallError> {
        let (mut tools, mut listed) = (Vec::new(), Vec::new());
        let mut params = "{}".to_owned();
        for _ in 0..PAGES {
            let answer = self.request("tools/list", &params).await?;
            let page = Object::read(&answer).unwrap_or_default();
            let items: Vec<Box<serde_json::value::RawValue>> =
                page.get("tools").and_then(|tools| serde_json::from_str(tools).ok()).unwrap_or_default();
            for item in items {
                tools.extend(serde_json::from_str(item.get()).ok().as_ref().and_then(Tool::read));
                listed.push(item.get().to_owned());
            }
            match page.get("nextCursor").filter(|cursor| *cursor != "null") {
                Some(cursor) => params = format!(r#"{{"cursor":{cursor}}}"#),
                None => break,
            }
        }
        Ok((Toolbox::new(tools), format!("[{}]", listed.join(","))))
    }

    /// Calls a tool that asks nothing and takes no time.
    ///
    /// # Errors
    /// Why there is no result.
    pub(crate) async fn call_tool(&mut self, tool: &str, arguments: &str) -> Result<ToolResult, CallError> {
        self.request("tools/call", &call_params(tool, arguments)).await.map(ToolResult::read)
    }

    /// Sends a request that takes no time, with these parameters, a JSON object; gives its result, as JSON.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn request(&mut self, method: &str, params: &str) -> Result<String, CallError> {
        self.caller.call(method, params, PATIENCE).await
    }
}

/// The parameters of a call of a tool with these arguments, a JSON object. Its progress is told by events.
pub(crate) fn call_params(tool: &str, arguments: &str) -> Zeroizing<String> {
    let name = Value::from(tool);
    Zeroizing::new(format!(r#"{{"name":{name},"arguments":{arguments},"_meta":{{"progressToken":"call"}}}}"#))
}

impl ToolResult {
    /// Reads what a tool answered.
    pub(crate) fn read(json: String) -> Self {
        let object = Object::read(&json).unwrap_or_default();
        let structured = object
            .get("structuredContent")
            .filter(|value| *value != "null")
            .map(|value| Zeroizing::new(value.to_owned()));
        let failed = object.get("isError") == Some("true");
        let content: Vec<Value> =
            object.get("content").and_then(|all| serde_json::from_str(all).ok()).unwrap_or_default();
        let text: Vec<String> = content.iter().map(shown).collect();
        let meta: Value = object.get("_meta").and_then(|meta| serde_json::from_str(meta).ok()).unwrap_or_default();
        let code = meta["dev.sessile/error"]["code"].as_str().map(str::to_owned);
        Self { structured, text: text.join("\n"), failed, code, json: Zeroizing::new(json) }
    }

    /// What is in it for programs; null where nothing is.
    pub(crate) fn value(&self) -> Value {
        self.structured.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    }
}

/// A block of content for people.
fn shown(block: &Value) -> String {
    let text = block["text"].as_str().or_else(|| block["resource"]["text"].as_str());
    if let Some(text) = text {
        return text.to_owned();
    }
    let kind = block["type"].as_str().unwrap_or("something");
    let of = block["mimeType"].as_str().or_else(|| block["uri"].as_str()).or_else(|| block["resource"]["uri"].as_str());
    format!("({kind}: {})", of.unwrap_or("of no known kind"))
}
