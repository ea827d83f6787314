//! The built-in tools' own schemas, as an owner's `tools/list` shows them.

use super::schema;
use jsonschema::Validator;
use serde_json::Value;
use sessile::mcp::Registry;
use sessile::tenancy::Role;
use sessile::tools;
use std::collections::HashMap;
use std::sync::LazyLock;

struct ToolSchemas {
    input: Validator,
    output: Validator,
}

static TOOLS: LazyLock<HashMap<String, ToolSchemas>> = LazyLock::new(|| {
    let compiled = |tool: &Value| {
        let name = tool["name"].as_str().expect("a tool has a name").to_owned();
        let input = schema::compile(&tool["inputSchema"]);
        let output = schema::compile(&nothing_more(tool["outputSchema"].clone()));
        (name, ToolSchemas { input, output })
    };
    tool_list().iter().map(compiled).collect()
});

/// A schema that allows no member which it does not name: a tool says all that it gives.
fn nothing_more(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(members) => {
            let object = members.contains_key("properties");
            members.values_mut().for_each(|member| *member = nothing_more(member.take()));
            if object {
                members.insert("unevaluatedProperties".into(), false.into());
            }
        }
        Value::Array(members) => members.iter_mut().for_each(|member| *member = nothing_more(member.take())),
        _ => {}
    }
    schema
}

/// The built-in tools, as an owner's `tools/list` has them.
pub(crate) fn tool_list() -> Vec<Value> {
    let registry = Registry::new(tools::all()).expect("the built-in tools have names of their own");
    let list = format!("{{{}}}", registry.list(Some(Role::Owner)));
    let mut list: Value = serde_json::from_str(&list).expect("the list is JSON");
    match list["tools"].take() {
        Value::Array(tools) => tools,
        other => panic!("the list has no tools: {other}"),
    }
}

/// Checks arguments that a test believes to be good. Tools that a test brings along are not known.
pub(super) fn check_arguments(tool: &str, arguments: &Value) {
    if let Some(schemas) = TOOLS.get(tool) {
        schema::fits(&schemas.input, &format!("the input schema of {tool}"), arguments);
    }
}

/// Checks what a tool gave back: its data has to be there unless it failed, and to fit.
pub(super) fn check_result(tool: &str, result: &Value) {
    if result["isError"] == true || result["resultType"] == "input_required" {
        return;
    }
    if let Some(schemas) = TOOLS.get(tool) {
        let content = result.get("structuredContent").unwrap_or_else(|| panic!("{tool} gave no data: {result}"));
        schema::fits(&schemas.output, &format!("the output schema of {tool}"), content);
    }
}
