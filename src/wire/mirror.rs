//! Arguments that a tool has its callers repeat in HTTP headers (2026-07-28, Streamable HTTP, Custom
//! Headers from Tool Parameters).

use crate::error::{Error, Result};
use serde_json::{Map, Value};

/// The extension property of a schema that names the header.
const ANNOTATION: &str = "x-mcp-header";

/// An argument that a header repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirrored {
    /// The header's name, in lower case.
    pub header: String,
    /// Where the argument is: the names of properties, from the outermost.
    pub path: Vec<String>,
}

/// Finds the annotations of a tool's input schema.
///
/// # Errors
/// [`Error::Config`] when one of them is not as the specification wants it: clients would not list the tool.
pub fn mirrored_by_schema(tool: &str, schema: &Value) -> Result<Vec<Mirrored>> {
    let mut found = Vec::new();
    collect(schema, &mut Vec::new(), &mut found).map_err(|why| wrong(tool, &why))?;
    for (index, one) in found.iter().enumerate() {
        if found[..index].iter().any(|other| other.header == one.header) {
            return Err(wrong(tool, &format!("two arguments are repeated in {}", one.header)));
        }
    }
    if annotations(schema) != found.len() {
        return Err(wrong(tool, "one is where no chain of `properties` leads"));
    }
    Ok(found)
}

fn collect(schema: &Value, path: &mut Vec<String>, found: &mut Vec<Mirrored>) -> Result<(), String> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Ok(()) };
    for (name, property) in properties {
        path.push(name.clone());
        if let Some(annotation) = property.get(ANNOTATION) {
            let header = annotation.as_str().filter(|name| is_token(name));
            let header = header.ok_or_else(|| format!("{annotation} is no name for a header"))?;
            if !is_primitive(property) {
                return Err(format!("{name} is neither a string nor an integer nor a boolean"));
            }
            let header = format!("mcp-param-{}", header.to_ascii_lowercase());
            found.push(Mirrored { header, path: path.clone() });
        }
        collect(property, path, found)?;
        path.pop();
    }
    Ok(())
}

/// Whether a property holds what a header can: one such type, perhaps beside null.
fn is_primitive(property: &Value) -> bool {
    let types: Vec<_> = match property.get("type") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).filter(|one| *one != "null").collect(),
        _ => Vec::new(),
    };
    matches!(types[..], ["string" | "integer" | "boolean"])
}

/// A field name as RFC 9110 has it: `1*tchar`.
fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// How many schemas anywhere in this one have the annotation. The members of a `properties` are schemas, and
/// their names are not keywords.
fn annotations(schema: &Value) -> usize {
    let in_members = |members: &Map<String, Value>| members.values().map(annotations).sum::<usize>();
    match schema {
        Value::Object(members) => members
            .iter()
            .map(|(keyword, value)| match (keyword.as_str(), value) {
                (ANNOTATION, _) => 1,
                (
                    "properties" | "$defs" | "definitions" | "patternProperties" | "dependentSchemas",
                    Value::Object(of),
                ) => in_members(of),
                ("enum" | "const" | "default" | "examples", _) => 0,
                _ => annotations(value),
            })
            .sum(),
        Value::Array(items) => items.iter().map(annotations).sum(),
        _ => 0,
    }
}

fn wrong(tool: &str, why: &str) -> Error {
    Error::Config(format!("the tool {tool} has an {ANNOTATION} that clients would refuse: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn annotations_are_found_where_properties_lead() {
        let schema = json!({ "properties": {
            "region": { "type": "string", "x-mcp-header": "Region" },
            "x-mcp-header": { "type": "string" },
            "where": { "type": "object", "properties": { "depth": { "type": ["integer", "null"], "x-mcp-header": "Depth" } } },
        } });
        let mut found = mirrored_by_schema("a", &schema).expect("it is good");
        found.sort_by(|a, b| a.header.cmp(&b.header));
        let found: Vec<_> = found.iter().map(|one| (one.header.as_str(), one.path.join("."))).collect();
        assert_eq!(found, [("mcp-param-depth", "where.depth".to_owned()), ("mcp-param-region", "region".to_owned())]);
    }

    #[test]
    fn annotations_that_clients_refuse_are_refused_at_the_start() {
        let string = |header: &str| json!({ "type": "string", "x-mcp-header": header });
        for (why, schema) in [
            ("empty", json!({ "properties": { "a": string("") } })),
            ("a space", json!({ "properties": { "a": string("a b") } })),
            ("a line feed", json!({ "properties": { "a": string("a\n") } })),
            ("no string", json!({ "properties": { "a": { "type": "string", "x-mcp-header": 1 } } })),
            ("a number", json!({ "properties": { "a": { "type": "number", "x-mcp-header": "A" } } })),
            ("an object", json!({ "properties": { "a": { "type": "object", "x-mcp-header": "A" } } })),
            ("no type", json!({ "properties": { "a": { "x-mcp-header": "A" } } })),
            ("twice", json!({ "properties": { "a": string("Region"), "b": string("REGION") } })),
            ("in items", json!({ "properties": { "a": { "type": "array", "items": string("A") } } })),
            ("in a choice", json!({ "oneOf": [{ "properties": { "a": string("A") } }] })),
            ("in a definition", json!({ "$defs": { "A": { "properties": { "a": string("A") } } } })),
            ("at the root", json!({ "x-mcp-header": "A" })),
        ] {
            assert!(mirrored_by_schema("a", &schema).is_err(), "{why}");
        }
    }
}
