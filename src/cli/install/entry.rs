//! What is written into a host's configuration: how to start `sessile connect`, and never a secret.

use serde_json::{Value, json};

/// An entry, whatever the format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// A command that the host starts, with its arguments.
    Command { command: String, arguments: Vec<String>, says_stdio: bool },
    /// A WebSocket that the host opens itself.
    Native { url: String },
}

impl Entry {
    /// As JSON.
    pub(super) fn json(&self) -> Value {
        match self {
            Self::Command { command, arguments, says_stdio: true } => {
                json!({ "type": "stdio", "command": command, "args": arguments })
            }
            Self::Command { command, arguments, .. } => json!({ "command": command, "args": arguments }),
            Self::Native { url } => json!({ "type": "ws", "url": url }),
        }
    }

    /// The members as they are written, each on a line of its own: a key and its value.
    pub(super) fn members(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Command { command, arguments, says_stdio } => {
                let list: Vec<_> = arguments.iter().map(|argument| quoted(argument)).collect();
                let stdio = says_stdio.then(|| ("type", quoted("stdio")));
                let rest = [("command", quoted(command)), ("args", format!("[{}]", list.join(", ")))];
                stdio.into_iter().chain(rest).collect()
            }
            Self::Native { url } => vec![("type", quoted("ws")), ("url", quoted(url))],
        }
    }

    /// Whether what stands in a configuration is an entry that we wrote, for this gateway or another.
    pub(super) fn is_ours(value: &Value) -> bool {
        let is_sessile = |command: &str| command.rsplit('/').next().is_some_and(|name| name == "sessile");
        let bridge = value["command"].as_str().is_some_and(is_sessile) && value["args"][0] == "connect";
        bridge || value["type"] == "ws" && value["url"].is_string() && value.get("headers").is_none()
    }

    /// Whether an entry already does what this one does, whatever else it says.
    pub(super) fn is_served_by(&self, value: &Value) -> bool {
        let wanted = self.json();
        wanted.as_object().is_some_and(|wanted| wanted.iter().all(|(key, wanted)| value.get(key) == Some(wanted)))
    }
}

/// A string as JSON and TOML both write it.
pub(super) fn quoted(text: &str) -> String {
    // Serialising a string can't fail. TOML alone wants DEL escaped.
    serde_json::to_string(text).unwrap_or_default().replace('\u{7f}', "\\u007F")
}
