//! Which lines hold something that must not be kept.

use super::command::{Command, understand};
use super::line::Line;
use super::listen::Shared;
use crate::client::tools::{Tool, Toolbox, looks_secret};

/// How secrets of ours begin.
const PREFIXES: &[&str] = &["sessile_key_", "sessile_refresh_", "sessile_reset_", "sessile_invite_", "ssr_", "eyJ"];

impl Shared {
    /// Whether a line may hold a secret. What is not understood may: it can be a password at the wrong place.
    pub(super) fn holds_secret(&self, typed: &str) -> bool {
        typed.starts_with(char::is_whitespace)
            || PREFIXES.iter().any(|prefix| typed.contains(prefix))
            || holds_secret(&self.tools(), typed)
    }
}

fn holds_secret(toolbox: &Toolbox, typed: &str) -> bool {
    let line = Line::read(typed);
    match understand(toolbox, &line) {
        Command::Nothing | Command::Exit | Command::Tools | Command::More => false,
        Command::Help(_) | Command::Watch { .. } => false,
        Command::Message(json) => {
            looks_secret(json) || toolbox.iter().any(|tool| has_secrets(tool) && json.contains(&tool.name))
        }
        Command::Tool { name, words } => match toolbox.get(&name) {
            Some(tool) if has_secrets(tool) => {
                // Nothing but arguments by name, and none that is secret.
                let rest = &line.words[words..];
                let harmless = |text: &str| {
                    let name = text.trim_start_matches("--").split_once('=').map(|(name, _)| name);
                    name.is_some_and(|name| tool.field(name).is_some_and(|field| !field.secret))
                };
                line.json.is_some() || !rest.iter().all(|word| harmless(&word.text))
            }
            _ => {
                let words = line.words[words..].iter().map(|word| word.text.as_str());
                line.json.is_some_and(looks_secret) || words.into_iter().any(|word| looks_secret(name_of(word)))
            }
        },
        Command::Unknown(_) => true,
    }
}

/// What names an argument in a word; nothing in one that is a value.
fn name_of(word: &str) -> &str {
    match word.split_once('=') {
        Some((name, _)) => name,
        None if word.starts_with("--") => word,
        None => "",
    }
}

fn has_secrets(tool: &Tool) -> bool {
    tool.fields.iter().any(|field| field.secret)
}

#[cfg(test)]
mod tests {
    use super::holds_secret;
    use crate::client::tools::{Tool, Toolbox};
    use serde_json::json;

    #[test]
    fn only_lines_without_secrets_are_kept() {
        let text = json!({ "type": "string" });
        let secret = json!({ "type": "string", "format": "password" });
        let toolbox = Toolbox::new(
            [
                json!({ "name": "auth_sign_in", "inputSchema": { "properties": { "email": text, "password": secret } } }),
                json!({ "name": "credential_set", "inputSchema": { "properties": { "name": text, "value": secret } } }),
                json!({ "name": "crm_search", "inputSchema": { "properties": { "query": text, "token": text } } }),
            ]
            .iter()
            .filter_map(Tool::read)
            .collect(),
        );
        for (line, secret) in [
            ("search words", false),
            ("help sign in", false),
            ("exit", false),
            ("sign in", false),
            ("sign in email=a@b.example", false),
            ("sign in --email=a@b.example", false),
            ("sign in a@b.example hunter2hunter2", true),
            ("sign in email=a@b.example password=hunter2hunter2", true),
            ("sign in --email a@b.example --password hunter2hunter2", true),
            ("auth_sign_in {\"email\":\"a@b.example\",\"password\":\"hunter2hunter2\"}", true),
            ("credential set name=x value=hunter2hunter2", true),
            ("search --token abc", true),
            ("search {\"token\":\"abc\"}", true),
            ("hunter2hunter2", true),
            ("{\"method\":\"tools/list\"}", false),
            ("{\"method\":\"tools/call\",\"params\":{\"name\":\"auth_sign_in\",\"arguments\":{}}}", true),
            ("{\"method\":\"x\",\"params\":{\"password\":\"y\"}}", true),
        ] {
            assert_eq!(holds_secret(&toolbox, line), secret, "{line}");
        }
    }
}
