//! An operation of an API, and the tool that it becomes.

use super::body::{Body, is_json};
use super::document::Document;
use super::parameter::{Parameter, Place};
use super::schema::Schemas;
use crate::upstream::definition::{Definition, Reach};
use http::Method;
use serde_json::{Map, Value, json};

/// The longest name of a tool: there is room for a prefix.
const LONGEST_NAME: usize = 64;
/// The longest description of one, in characters.
const LONGEST_DESCRIPTION: usize = 4000;

/// The largest schema of arguments, in bytes.
const LARGEST_INPUT: usize = 256 * 1024;
/// The largest schema of an answer that is told of, in bytes.
const LARGEST_OUTPUT: usize = 64 * 1024;

/// An operation.
#[derive(Debug)]
pub(super) struct Operation {
    /// The name of its tool.
    pub(super) name: String,
    pub(super) method: Method,
    /// Its path below the API's own, with places for parameters.
    pub(super) path: String,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<Body>,
    /// Whether what it answers is an object, as its tool says.
    pub(super) gives_object: bool,
}

impl Operation {
    /// An operation of a path, and its tool; or why there can be none.
    pub(super) fn read(
        document: &Document,
        definition: &Definition,
        (method, path): (&str, &str),
        item: &Value,
        described: &Value,
    ) -> Result<(Self, Value), String> {
        let mut schemas = Schemas::new(document);
        let (mut properties, mut required) = (Map::new(), Vec::new());
        let mut parameters: Vec<Parameter> = Vec::new();
        // Those of the operation come in place of those of the path.
        for described in all(described).chain(all(item)).map(|described| document.resolve(described)) {
            let Some(mut parameter) = Parameter::read(described) else { continue };
            let known = |other: &Parameter| other.place == parameter.place && other.name == parameter.name;
            if parameters.iter().any(known) || is_configured(definition, &parameter) {
                continue;
            }
            if properties.contains_key(&parameter.argument) {
                parameter.argument = format!("{}_{}", parameter.name, described["in"].as_str().unwrap_or_default());
            }
            properties.insert(parameter.argument.clone(), schema_of(&mut schemas, described));
            if parameter.required {
                required.push(Value::from(parameter.argument.as_str()));
            }
            parameters.push(parameter);
        }
        let body = match described.get("requestBody").map(|body| document.resolve(body)) {
            Some(body) => Body::read(body, &mut schemas, &mut properties, &mut required)?,
            None => None,
        };
        let answer = answer_schema(document, described);
        let method = Method::from_bytes(method.to_uppercase().as_bytes()).map_err(|error| error.to_string())?;
        let name = name(described["operationId"].as_str(), &method, path);
        let mut tool = json!({ "name": name });
        let summary = described["summary"].as_str().or(item["summary"].as_str()).filter(|text| !text.is_empty());
        if let Some(summary) = summary {
            tool["title"] = summary.into();
        }
        tool["description"] = description(described, summary, &method, path).into();
        tool["annotations"] = annotations(&method);
        let mut input = json!({ "type": "object", "properties": properties, "additionalProperties": false });
        if !required.is_empty() {
            input["required"] = required.into();
        }
        tool["inputSchema"] = with(input, schemas);
        let mut schemas = Schemas::new(document);
        let output = answer.map(|answer| {
            let made = schemas.make(answer);
            with(made, schemas)
        });
        // A model reads all of it each time.
        let output = output.filter(|schema| length(schema) <= LARGEST_OUTPUT);
        let gives_object = output.is_some();
        if let Some(output) = output {
            tool["outputSchema"] = output;
        }
        if length(&tool["inputSchema"]) > LARGEST_INPUT {
            return Err(format!("the schema of its arguments has more than {LARGEST_INPUT} bytes"));
        }
        Ok((Self { name, method, path: path.to_owned(), parameters, body, gives_object }, tool))
    }
}

fn length(schema: &Value) -> usize {
    schema.to_string().len()
}

fn all(described: &Value) -> impl Iterator<Item = &Value> {
    described["parameters"].as_array().into_iter().flatten()
}

/// Whether the configuration says what a parameter is: then no client does.
fn is_configured(definition: &Definition, parameter: &Parameter) -> bool {
    let Reach::OpenApi { headers, query, .. } = &definition.reach else { return false };
    match parameter.place {
        Place::Query => query.contains_key(&parameter.name),
        Place::Header => headers.keys().any(|name| name.eq_ignore_ascii_case(&parameter.name)),
        Place::Path | Place::Cookie => false,
    }
}

/// The schema of a parameter, with what is said about it.
fn schema_of(schemas: &mut Schemas<'_>, described: &Value) -> Value {
    let content = described["content"].as_object().and_then(|content| content.values().next());
    let schema = content.map_or(&described["schema"], |media| &media["schema"]);
    let mut made = schemas.make(schema);
    if let (Some(made), Some(text)) = (made.as_object_mut(), described["description"].as_str()) {
        made.entry("description").or_insert_with(|| text.into());
    }
    made
}

/// The schema of what is answered when all is well, where that is one, in JSON, and an object.
fn answer_schema<'a>(document: &'a Document, described: &'a Value) -> Option<&'a Value> {
    let good = described["responses"].as_object()?.iter().filter(|(status, _)| status.starts_with('2'));
    let mut good = good.map(|(_, response)| document.resolve(response));
    let (only, None) = (good.next()?, good.next()) else { return None };
    let content = only["content"].as_object()?;
    let (kind, media) = content.iter().next().filter(|_| content.len() == 1)?;
    // Itself, and not a reference to it: tools have to say at the top that it is an object.
    let target = document.resolve(media.get("schema")?);
    (is_json(kind) && target["type"] == "object" && target["nullable"] != true).then_some(target)
}

fn with(mut schema: Value, schemas: Schemas<'_>) -> Value {
    let definitions = schemas.definitions();
    if !definitions.is_empty() {
        schema["$defs"] = Value::Object(definitions);
    }
    schema
}

/// A name that MCP allows, of what the description calls the operation.
fn name(id: Option<&str>, method: &Method, path: &str) -> String {
    let id = id.filter(|id| !id.is_empty());
    let text = id.map_or_else(|| format!("{}{path}", method.as_str().to_ascii_lowercase()), str::to_owned);
    let mut name = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_ascii_alphanumeric() || "_-.".contains(c) => name.push(c),
            '{' | '}' => {}
            _ if name.ends_with('_') => {}
            _ => name.push('_'),
        }
    }
    let name: String = name.trim_matches('_').chars().take(LONGEST_NAME).collect();
    if name.is_empty() { method.as_str().to_ascii_lowercase() } else { name }
}

fn description(described: &Value, summary: Option<&str>, method: &Method, path: &str) -> String {
    let long = described["description"].as_str().filter(|text| !text.is_empty());
    let mut text = match (summary, long) {
        (Some(short), Some(long)) => format!("{short}\n\n{long}"),
        (Some(text), None) | (None, Some(text)) => text.to_owned(),
        (None, None) => format!("{method} {path}"),
    };
    if described["deprecated"] == true {
        text.insert_str(0, "Deprecated. ");
    }
    text.chars().take(LONGEST_DESCRIPTION).collect()
}

/// What a method promises.
fn annotations(method: &Method) -> Value {
    match *method {
        Method::GET => json!({ "readOnlyHint": true, "openWorldHint": true }),
        Method::DELETE => json!({ "destructiveHint": true, "idempotentHint": true, "openWorldHint": true }),
        Method::PUT => json!({ "idempotentHint": true, "openWorldHint": true }),
        _ => json!({ "openWorldHint": true }),
    }
}
