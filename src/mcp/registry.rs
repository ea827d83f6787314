//! The tools by name, and their lists as each role sees them.

use crate::error::{Error, Result};
use crate::tenancy::Role;
use crate::tools::Tool;
use std::collections::HashMap;
use std::sync::Arc;

/// The tools that can be called.
#[derive(Debug)]
pub struct Registry {
    tools: HashMap<&'static str, Tool>,
    /// The `tools` member of a list: for nobody first, then for each role.
    lists: Vec<Arc<str>>,
}

impl Registry {
    /// A registry of these tools, which are listed in this order.
    ///
    /// # Errors
    /// [`Error::Config`] when two have the same name.
    pub fn new(tools: Vec<Tool>) -> Result<Self> {
        let viewers = std::iter::once(None).chain(Role::ALL.into_iter().map(Some));
        let lists = viewers.map(|role| list(&tools, role).into()).collect();
        let mut by_name = HashMap::with_capacity(tools.len());
        for tool in tools {
            let name = tool.name;
            if by_name.insert(name, tool).is_some() {
                return Err(Error::Config(format!("two tools are called {name}")));
            }
        }
        Ok(Self { tools: by_name, lists })
    }

    /// The tool with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Tool> {
        self.tools.get(name)
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
    format!(r#""tools":{}"#, serde_json::Value::Array(tools))
}

fn entry(tool: &Tool) -> serde_json::Value {
    serde_json::json!({
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": tool.input_schema,
        "outputSchema": tool.output_schema,
        "annotations": tool.effect.annotations(tool.title),
    })
}
