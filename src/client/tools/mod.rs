//! A gateway's tools as its lists tell them: their names, their arguments, and how to find one.

mod arguments;
mod field;
mod names;

pub(crate) use arguments::{Arguments, looks_secret};
pub(crate) use field::{Field, Kind, fields_of};
pub(crate) use names::{Found, nearest};

use serde_json::Value;

/// A tool as it is listed.
#[derive(Debug, Clone)]
pub(crate) struct Tool {
    /// Its name.
    pub(crate) name: String,
    /// What it does; may be empty.
    pub(crate) description: String,
    /// Its arguments, the required ones first.
    pub(crate) fields: Vec<Field>,
    /// Whether it takes arguments that are not listed.
    pub(crate) open: bool,
    /// Whether it says that it changes nothing.
    pub(crate) reads: bool,
}

/// All tools of a gateway, as it listed them last.
#[derive(Debug, Clone, Default)]
pub(crate) struct Toolbox {
    tools: Vec<Tool>,
}

impl Tool {
    /// Reads a tool; none when it has no name.
    pub(crate) fn read(listed: &Value) -> Option<Self> {
        let name = listed["name"].as_str()?.to_owned();
        let text = |member: &str| listed[member].as_str().filter(|text| !text.is_empty());
        let annotated = || listed["annotations"]["title"].as_str();
        let description = text("description").or_else(|| text("title")).or_else(annotated).unwrap_or_default();
        let schema = &listed["inputSchema"];
        let open = match &schema["additionalProperties"] {
            Value::Bool(open) => *open,
            Value::Object(_) => true,
            _ => schema["properties"].as_object().is_none_or(serde_json::Map::is_empty),
        };
        Some(Self {
            description: description.to_owned(),
            fields: fields_of(schema),
            open,
            reads: listed["annotations"]["readOnlyHint"] == true,
            name,
        })
    }

    /// The argument with this name.
    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// What it does, in one line.
    pub(crate) fn summary(&self) -> &str {
        let line = self.description.lines().next().unwrap_or_default();
        line.find(". ").map_or(line, |end| &line[..=end])
    }
}

impl Toolbox {
    /// Holds these.
    pub(crate) fn new(tools: Vec<Tool>) -> Self {
        Self { tools }
    }

    /// The tool with exactly this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.name == name)
    }

    /// All of them, as listed.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Tool> {
        self.tools.iter()
    }
}
