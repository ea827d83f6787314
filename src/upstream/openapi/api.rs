//! What a description says of an API: its name, where it is, and its operations.

use super::document::Document;
use super::operation::Operation;
use crate::upstream::definition::{Definition, Reach};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use url::Url;

/// The methods whose operations become tools.
const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];
/// The most operations.
const MOST: usize = 2000;
/// The most that their tools take in a list, in bytes.
const LARGEST: usize = 16 << 20;
/// The longest instructions, in characters.
const LONGEST: usize = 4000;

/// An API.
#[derive(Debug)]
pub(super) struct Api {
    /// Its `Implementation`, as JSON.
    pub(super) implementation: Arc<str>,
    pub(super) instructions: Option<String>,
    /// The `tools` member of a list.
    pub(super) tools: String,
    pub(super) operations: HashMap<String, Operation>,
    /// Where its description says that it is.
    pub(super) server: Option<Url>,
}

impl Api {
    /// Reads what a definition wants of a description, which may have come from a URL.
    pub(super) fn read(document: &Document, from: Option<&Url>, definition: &Definition) -> Result<Self, String> {
        let root = document.root();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let title = text(&root["info"]["title"]).unwrap_or_else(|| definition.name.clone());
        let version = text(&root["info"]["version"]).unwrap_or_else(|| "0".into());
        let implementation = json!({ "name": definition.name, "title": title, "version": version });
        let paths = root["paths"].as_object().ok_or("has no `paths`")?;
        let (mut operations, mut tools, mut length) = (HashMap::new(), Vec::new(), 0);
        for (path, item) in paths {
            let item = document.resolve(item);
            for method in METHODS {
                let Some(described) = item.get(method).filter(|described| is_wanted(described, definition)) else {
                    continue;
                };
                match Operation::read(document, definition, (method, path), item, described) {
                    Ok((mut operation, mut tool)) => {
                        if operations.len() >= MOST {
                            return Err(format!("has more than {MOST} operations; choose some by `tags`"));
                        }
                        operation.name = unused(&operation.name, &operations);
                        tool["name"] = Value::from(operation.name.as_str());
                        let tool = tool.to_string();
                        length += tool.len();
                        if length > LARGEST {
                            return Err(format!("gives tools of more than {LARGEST} bytes; choose some by `tags`"));
                        }
                        tools.push(tool);
                        operations.insert(operation.name.clone(), operation);
                    }
                    Err(why) => {
                        tracing::warn!(upstream = definition.name, method, path, why, "left out an operation");
                    }
                }
            }
        }
        Ok(Self {
            implementation: implementation.to_string().into(),
            instructions: text(&root["info"]["description"]).map(|text| text.chars().take(LONGEST).collect()),
            tools: format!(r#""tools":[{}]"#, tools.join(",")),
            operations,
            server: server(&root["servers"][0], from),
        })
    }
}

/// Whether an operation has one of the tags that are wanted.
fn is_wanted(operation: &Value, definition: &Definition) -> bool {
    let Reach::OpenApi { tags, .. } = &definition.reach else { return false };
    let of = operation["tags"].as_array();
    tags.is_empty() || of.into_iter().flatten().filter_map(Value::as_str).any(|tag| tags.contains(tag))
}

fn unused(name: &str, taken: &HashMap<String, Operation>) -> String {
    let mut others = (2..).map(|number| format!("{name}_{number}"));
    if !taken.contains_key(name) {
        return name.to_owned();
    }
    others.find(|other| !taken.contains_key(other)).unwrap_or_default()
}

/// Where a server is, with its variables as they usually are.
fn server(server: &Value, from: Option<&Url>) -> Option<Url> {
    let mut text = server.get("url").and_then(Value::as_str).unwrap_or("/").to_owned();
    for (name, variable) in server.get("variables").and_then(Value::as_object).into_iter().flatten() {
        let usual = variable.get("default").and_then(Value::as_str).unwrap_or_default();
        text = text.replace(&format!("{{{name}}}"), usual);
    }
    match from {
        Some(from) => from.join(&text).ok(),
        None => Url::parse(&text).ok(),
    }
    .filter(|url| matches!(url.scheme(), "http" | "https"))
}
