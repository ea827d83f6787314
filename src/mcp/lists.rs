//! Results that are lists or parts of them.

use crate::wire::{Answer, Frame, WireError};
use serde::Deserialize;
use std::sync::LazyLock;

/// The members of a result, with what may be said about keeping them.
#[derive(Debug)]
pub(super) enum Members {
    /// A result that is no cacheable one.
    Plain(String),
    /// A result that only its caller may keep, and which is stale at once.
    Private(String),
}

impl Members {
    pub(super) fn into_answer(self, answer: Answer) -> Frame {
        match self {
            Self::Plain(members) => answer.members(&members),
            Self::Private(members) => answer.cacheable(&members, 0, false),
        }
    }
}

/// The resource templates.
pub(super) fn templates() -> &'static str {
    static MEMBERS: LazyLock<String> = LazyLock::new(|| {
        let templates: Vec<_> = crate::store::RecordKind::ALL
            .into_iter()
            .map(|kind| {
                serde_json::json!({
                    "uriTemplate": template(kind),
                    "name": kind.as_str(),
                    "title": format!("One of the tenant's {}", kind.plural()),
                    "description": format!("The {} with this id, as JSON.", kind.as_str()),
                    "mimeType": "application/json",
                })
            })
            .collect();
        format!(r#""resourceTemplates":{}"#, serde_json::Value::Array(templates))
    });
    &MEMBERS
}

/// The URI template of the records of a kind.
pub(super) fn template(kind: crate::store::RecordKind) -> String {
    format!("crm://{}/{{id}}", kind.plural())
}

/// The prompts.
pub(super) fn prompts() -> &'static str {
    static MEMBERS: LazyLock<String> = LazyLock::new(|| format!(r#""prompts":{}"#, super::prompts::list()));
    &MEMBERS
}

/// What a client calls itself, in one line of a sane length.
pub(super) fn client_name(client_info: &str) -> String {
    #[derive(Deserialize)]
    struct Info {
        #[serde(default)]
        name: String,
        #[serde(default)]
        version: String,
    }
    let Ok(info) = serde_json::from_str::<Info>(client_info) else { return String::new() };
    let name = format!("{} {}", info.name, info.version);
    name.chars().filter(|c| !c.is_control()).take(100).collect::<String>().trim().to_owned()
}

pub(super) fn no_such_cursor() -> WireError {
    WireError::invalid_params("Invalid params: unknown cursor; start again without one")
}
