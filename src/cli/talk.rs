//! A few calls of tools on a connection with a gateway, for commands that need no more.

use crate::auth::Token;
use crate::client::{CallError, Caller, DialError, Event, GatewayUrl, dial};
use crate::error::{Error, Result};
use serde_json::Value;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use zeroize::Zeroizing;

/// How long a call may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A connection, and who speaks on it.
pub(super) struct Talk {
    pub(super) caller: Caller,
    events: Receiver<Event>,
}

/// Why a tool gave no result.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// The tool says no, and why.
    #[error("{text}")]
    Refused {
        /// In a word, for programs.
        code: String,
        /// For people.
        text: String,
    },
    /// There was no answer of the tool's.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl Talk {
    /// Connects, with a token if there is one.
    pub(super) async fn open(url: &GatewayUrl, token: Option<&Token>) -> Result<Self, DialError> {
        let (caller, events) = Caller::new(dial(url, token).await?);
        Ok(Self { caller, events })
    }

    /// Calls a tool with arguments as JSON; returns what its result has for programs.
    pub(super) async fn tool(&mut self, name: &str, arguments: &str) -> Result<Value, Trouble> {
        let params = Zeroizing::new(format!(r#"{{"name":"{name}","arguments":{arguments}}}"#));
        let result = Zeroizing::new(self.caller.call("tools/call", &params, PATIENCE).await?);
        let mut result: Value = serde_json::from_str(&result).unwrap_or_default();
        if result["isError"] != true {
            return Ok(result["structuredContent"].take());
        }
        let code = result["_meta"]["dev.sessile/error"]["code"].as_str().unwrap_or("failed").to_owned();
        let text = result["content"][0]["text"].as_str().unwrap_or("the tool failed and does not say why").to_owned();
        Err(Trouble::Refused { code, text })
    }

    /// Closes in an orderly way.
    pub(super) async fn close(mut self) {
        self.caller.close().await;
        let closed = async {
            while let Some(event) = self.events.recv().await {
                if matches!(event, Event::Closed(_)) {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(2), closed).await;
    }
}

/// Runs what a command does, on this thread.
pub(super) fn run<T>(command: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Error::internal("starting the runtime", error))?.block_on(command)
}

/// What a person did, or has set up, that can't be done.
pub(super) fn wrong(why: impl std::fmt::Display) -> Error {
    Error::Config(why.to_string())
}
