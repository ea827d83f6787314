//! Schemas of a description as JSON Schema that stands by itself: what it refers to is in its `$defs`.

use super::document::Document;
use serde_json::{Map, Value, json};

/// Keywords that hold one schema.
const ONE: &[&str] = &[
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];
/// Keywords that hold a list of schemas.
const MANY: &[&str] = &["allOf", "anyOf", "oneOf", "prefixItems"];
/// Keywords that hold schemas by name.
const NAMED: &[&str] = &["$defs", "dependentSchemas", "patternProperties", "properties"];
/// Keywords of OpenAPI that say nothing to a model.
const FOREIGN: &[&str] = &["discriminator", "example", "externalDocs", "nullable", "xml"];

/// Makes schemas of a document's, and keeps what they refer to.
#[derive(Debug)]
pub(super) struct Schemas<'a> {
    document: &'a Document,
    definitions: Map<String, Value>,
}

impl<'a> Schemas<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        Self { document, definitions: Map::new() }
    }

    /// What was referred to by the schemas that were made.
    pub(super) fn definitions(self) -> Map<String, Value> {
        self.definitions
    }

    /// A schema of the document's, as JSON Schema.
    pub(super) fn make(&mut self, schema: &Value) -> Value {
        let Value::Object(schema) = schema else {
            // Of 3.1: `true` or `false`.
            return if schema.is_boolean() { schema.clone() } else { json!({}) };
        };
        let mut made = Map::new();
        for (keyword, value) in schema {
            let key = keyword.as_str();
            if FOREIGN.contains(&key) {
                continue;
            }
            let value = if key == "$ref" {
                match value.as_str().and_then(|reference| self.refer(reference)) {
                    Some(reference) => Value::from(reference),
                    None => continue,
                }
            } else if ONE.contains(&key) {
                self.make(value)
            } else if let (true, Value::Array(schemas)) = (MANY.contains(&key), value) {
                schemas.iter().map(|schema| self.make(schema)).collect()
            } else if let (true, Value::Object(schemas)) = (NAMED.contains(&key), value) {
                Value::Object(schemas.iter().map(|(name, schema)| (name.clone(), self.make(schema))).collect())
            } else {
                value.clone()
            };
            made.insert(keyword.clone(), value);
        }
        if self.document.is_old {
            renew(schema, &mut made);
        }
        Value::Object(made)
    }

    /// Whether a schema is of an object whose properties are known, and these; what it refers to is looked at.
    pub(super) fn object<'s>(&self, schema: &'s Value) -> Option<&'s Map<String, Value>>
    where
        'a: 's,
    {
        let schema = self.document.resolve(schema);
        let is_plain = ["allOf", "anyOf", "oneOf", "patternProperties"].iter().all(|key| schema.get(key).is_none());
        let open = schema.get("additionalProperties").is_some_and(|more| more.is_object() || *more == true);
        let nullable = schema.get("nullable").is_some_and(|nullable| *nullable == true);
        let is_object = schema.get("type").is_none_or(|kind| kind == "object");
        (is_plain && is_object && !open && !nullable).then(|| schema.get("properties")?.as_object()).flatten()
    }

    /// What an object of a schema has to have.
    pub(super) fn required(&self, schema: &Value) -> Vec<String> {
        let required = self.document.resolve(schema).get("required").and_then(Value::as_array).into_iter().flatten();
        required.filter_map(|name| name.as_str().map(str::to_owned)).collect()
    }

    /// The same reference within the schemas that are made, with what it leads to among the definitions.
    fn refer(&mut self, reference: &str) -> Option<String> {
        let target = self.document.at(reference)?;
        let name: String = reference
            .strip_prefix("#/components/schemas/")
            .unwrap_or(reference.trim_start_matches("#/"))
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || "_-.".contains(c) { c } else { '_' })
            .collect();
        if !self.definitions.contains_key(&name) {
            // Noted before it is made, because it may refer to itself.
            self.definitions.insert(name.clone(), Value::Null);
            let made = self.make(target);
            self.definitions.insert(name.clone(), made);
        }
        Some(format!("#/$defs/{name}"))
    }
}

/// Says what OpenAPI 3.0 says in its own way as JSON Schema does.
fn renew(old: &Map<String, Value>, made: &mut Map<String, Value>) {
    for (limit, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
        match old.get(exclusive) {
            Some(Value::Bool(true)) => {
                let number = made.remove(limit).unwrap_or_default();
                made.insert(exclusive.into(), number);
            }
            Some(Value::Bool(false)) => drop(made.remove(exclusive)),
            _ => {}
        }
    }
    if old.get("nullable") != Some(&Value::Bool(true)) {
        return;
    }
    if let Some(Value::Array(values)) = made.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    match made.get("type").cloned() {
        Some(kind @ Value::String(_)) => drop(made.insert("type".into(), json!([kind, "null"]))),
        Some(_) => {}
        None if ["$ref", "allOf", "anyOf", "oneOf"].iter().any(|key| made.contains_key(*key)) => {
            let whole = Value::Object(std::mem::take(made));
            made.insert("anyOf".into(), json!([whole, { "type": "null" }]));
        }
        None => {}
    }
}
