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
        let [input, output] = ["inputSchema", "outputSchema"].map(|which| schema::compile(&tool[which]));
        (name, ToolSchemas { input, output })
    };
    tool_list().iter().map(compiled).collect()
});

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
    if result["isError"] == true {
        return;
    }
    let content = result.get("structuredContent").unwrap_or_else(|| panic!("{tool} gave no data: {result}"));
    if let Some(schemas) = TOOLS.get(tool) {
        schema::fits(&schemas.output, &format!("the output schema of {tool}"), content);
    }
}
