//! The forms that the official conformance suite looks into, word for word. `everything_upstream` asks with them as well.

use serde_json::{Value, json};

/// One of each kind of field, filled in.
pub(crate) fn defaults() -> Value {
    json!({
        "type": "object",
        "properties": {
            "name": { "type": "string", "default": "John Doe" },
            "age": { "type": "integer", "default": 30 },
            "score": { "type": "number", "default": 95.5 },
            "status": { "type": "string", "enum": ["active", "inactive", "pending"], "default": "active" },
            "verified": { "type": "boolean", "default": true },
        },
    })
}

/// The five ways to let choose.
pub(crate) fn choices() -> Value {
    let titled = |of: &str| -> Vec<Value> {
        let titles = ["First", "Second", "Third"].iter().zip(1..);
        titles
            .map(|(title, number)| json!({ "const": format!("value{number}"), "title": format!("{title} {of}") }))
            .collect()
    };
    json!({
        "type": "object",
        "properties": {
            "untitledSingle": { "type": "string", "enum": ["option1", "option2", "option3"] },
            "titledSingle": { "type": "string", "oneOf": titled("Option") },
            "legacyEnum": {
                "type": "string",
                "enum": ["opt1", "opt2", "opt3"],
                "enumNames": ["Option One", "Option Two", "Option Three"],
            },
            "untitledMulti": { "type": "array", "items": { "type": "string", "enum": ["option1", "option2", "option3"] } },
            "titledMulti": { "type": "array", "items": { "anyOf": titled("Choice") } },
        },
    })
}
