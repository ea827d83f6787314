//! One argument of a tool, read from its JSON schema as far as a command line needs it.

use serde_json::Value;

/// An argument, or a member of one that is an object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    /// Its name.
    pub(crate) name: String,
    /// What it is for; may be empty.
    pub(crate) description: String,
    /// What it holds.
    pub(crate) kind: Kind,
    /// Whether it has to be given.
    pub(crate) required: bool,
    /// Whether it may be `null`.
    pub(crate) nullable: bool,
    /// The only values that it may have, if they are listed.
    pub(crate) choices: Vec<Value>,
    /// Whether it must not be seen: a password.
    pub(crate) secret: bool,
    /// What it is unless given.
    pub(crate) default: Option<Value>,
}

/// What an argument holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A list of such.
    List(Box<Field>),
    /// An object with these members, where they are listed.
    Object(Vec<Field>),
    /// Anything.
    Any,
}

/// How deep schemas are looked into; one that refers to itself has no end.
const DEPTH: usize = 6;

/// The properties of an object's schema, the required ones first.
pub(crate) fn fields_of(schema: &Value) -> Vec<Field> {
    properties(schema, schema, DEPTH)
}

impl Field {
    /// The values that it may have, as they are typed.
    pub(crate) fn choices(&self) -> Vec<String> {
        let of = if let Kind::List(item) = &self.kind { &item.choices } else { &self.choices };
        if of.is_empty() && self.kind == Kind::Boolean {
            return vec!["true".into(), "false".into()];
        }
        of.iter().filter(|choice| !choice.is_null()).map(typed).collect()
    }

    /// What to write for it, in a word.
    pub(crate) fn placeholder(&self) -> &'static str {
        match &self.kind {
            Kind::Text if self.secret => "hidden",
            Kind::Text => "text",
            Kind::Integer | Kind::Number => "number",
            Kind::Boolean => "true|false",
            Kind::List(_) => "a,b,…",
            Kind::Object(_) => "{…}",
            Kind::Any => "value",
        }
    }
}

/// A value as somebody types it.
pub(super) fn typed(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn properties(schema: &Value, root: &Value, depth: usize) -> Vec<Field> {
    let Some(depth) = depth.checked_sub(1) else { return Vec::new() };
    let schema = resolved(schema, root);
    let Some(listed) = schema["properties"].as_object() else { return Vec::new() };
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut fields: Vec<Field> = listed
        .iter()
        .map(|(name, schema)| field(name, schema, required.contains(&name.as_str()), root, depth))
        .collect();
    // In the order in which the schema requires them.
    fields.sort_by_key(|field| required.iter().position(|name| *name == field.name).unwrap_or(usize::MAX));
    fields
}

fn field(name: &str, outer: &Value, required: bool, root: &Value, depth: usize) -> Field {
    let outer = resolved(outer, root);
    let (schema, nullable) = without_null(outer, root);
    let types = types(schema);
    let nullable = nullable || types.contains(&"null");
    let kind = match types.iter().find(|kind| **kind != "null").copied() {
        _ if types.contains(&"string") => Kind::Text,
        Some("integer") => Kind::Integer,
        Some("number") => Kind::Number,
        Some("boolean") => Kind::Boolean,
        Some("array") => Kind::List(Box::new(field("", &schema["items"], false, root, depth.saturating_sub(1)))),
        Some("object") => Kind::Object(properties(schema, root, depth)),
        _ => Kind::Any,
    };
    let described = outer["description"].as_str().or_else(|| schema["description"].as_str());
    Field {
        name: name.to_owned(),
        description: described.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" "),
        kind,
        required,
        nullable,
        choices: choices(schema, root),
        secret: schema["format"] == "password" || schema["writeOnly"] == true,
        default: outer.get("default").filter(|default| !default.is_null()).cloned(),
    }
}

/// What a schema says, or what the one says that it refers to.
fn resolved<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    let mut schema = schema;
    for _ in 0..DEPTH {
        let Some(pointer) = schema["$ref"].as_str().and_then(|to| to.strip_prefix('#')) else { break };
        let Some(found) = root.pointer(pointer) else { break };
        schema = found;
    }
    schema
}

/// The schema that is meant by "this or null", and whether it is one of these.
fn without_null<'a>(schema: &'a Value, root: &'a Value) -> (&'a Value, bool) {
    let Some(any) = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array()) else { return (schema, false) };
    let (null, others): (Vec<_>, Vec<_>) = any.iter().partition(|one| one["type"] == "null");
    match (&null[..], &others[..]) {
        ([_, ..], [one]) => (resolved(one, root), true),
        _ => (schema, false),
    }
}

/// The types that a schema allows; those of its choices where it says nothing else.
fn types(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => {
            let choices = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array());
            let of_choices = choices.into_iter().flatten().filter_map(|choice| choice["type"].as_str());
            let texts = schema["enum"].as_array().is_some_and(|choices| choices.iter().any(Value::is_string));
            of_choices.chain(texts.then_some("string")).collect()
        }
    }
}

fn choices(schema: &Value, root: &Value) -> Vec<Value> {
    if let Some(listed) = schema["enum"].as_array() {
        return listed.clone();
    }
    let several = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array());
    let constants: Option<Vec<Value>> = several
        .map(|all| all.iter().map(|one| resolved(one, root).get("const").cloned()).collect::<Option<_>>())
        .unwrap_or_default();
    constants.unwrap_or_default()
}
