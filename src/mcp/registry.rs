//! The tools by name, and their lists as each role sees them.

use crate::error::{Error, Result};
use crate::tenancy::Role;
use crate::tools::Tool;
use crate::wire::{Mirrored, mirrored_by_schema};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// The tools that can be called.
#[derive(Debug)]
pub struct Registry {
    tools: HashMap<Cow<'static, str>, Tool>,
    /// Of those that have some, the arguments that HTTP headers repeat.
    mirrored: HashMap<Cow<'static, str>, Vec<Mirrored>>,
    /// The `tools` member of a list: for nobody first, then for each role.
    lists: Vec<Arc<str>>,
}

impl Registry {
    /// A registry of these tools, which are listed in this order.
    ///
    /// # Errors
    /// [`Error::Config`] when two have the same name, or one would have its arguments repeated in a way that
    /// clients refuse.
    pub fn new(tools: Vec<Tool>) -> Result<Self> {
        let viewers = std::iter::once(None).chain(Role::ALL.into_iter().map(Some));
        let lists = viewers.map(|role| list(&tools, role).into()).collect();
        let mut by_name = HashMap::with_capacity(tools.len());
        let mut mirrored = HashMap::new();
        for tool in tools {
            let name = tool.name.clone();
            let arguments = mirrored_by_schema(&name, &tool.input_schema)?;
            if !arguments.is_empty() {
                mirrored.insert(name.clone(), arguments);
            }
            if by_name.insert(name.clone(), tool).is_some() {
                return Err(Error::Config(format!("two tools are called {name}")));
            }
        }
        Ok(Self { tools: by_name, mirrored, lists })
    }

    /// The tool with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Tool> {
        self.tools.get(name)
    }

    /// The arguments of a tool that HTTP headers repeat.
    #[must_use]
    pub fn mirrored(&self, name: &str) -> &[Mirrored] {
        self.mirrored.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// All tools, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Tool> {
        self.tools.values()
    }

    /// The `tools` member of a list as this role (none: not signed in) sees it.
    #[must_use]
    pub fn list(&self, role: Option<Role>) -> &Arc<str> {
        // Roles are in `ALL` in their order.
        &self.lists[role.map_or(0, |role| role as usize + 1)]
    }
}

fn list(tools: &[Tool], role: Option<Role>) -> String {
    let tools: Vec<_> = tools.iter().filter(|tool| tool.access.allows(role)).map(entry).collect();
    format!(r#""tools":{}"#, Value::Array(tools))
}

fn entry(tool: &Tool) -> Value {
    let mut entry = json!({
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": tool.input_schema,
    });
    if let Some(schema) = &tool.output_schema {
        entry["outputSchema"] = schema.clone();
    }
    if let Some(effect) = tool.effect {
        entry["annotations"] = effect.annotations(&tool.title);
    }
    entry
}
