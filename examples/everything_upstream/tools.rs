//! The list of tools, and those that only answer.

use crate::{PNG, asking, reporting, tasks};
use rmcp::model::*;
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};

/// Half a second of nothing.
const WAV: &str = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQIAAACAgA==";

/// Every tool, in the order in which they are listed.
pub(crate) fn all() -> Vec<Tool> {
    let mut tools = vec![
        plain("test_simple_text", "Answers with a text."),
        plain("test_image_content", "Answers with a picture."),
        plain("test_audio_content", "Answers with a sound."),
        plain("test_embedded_resource", "Answers with a resource."),
        plain("test_multiple_content_types", "Answers with a text, a picture and a resource."),
        plain("test_error_handling", "Fails."),
        plain("test_missing_capability", "Is only for clients whose model can be asked."),
        tool("json_schema_2020_12_tool", "Has a schema with much in it.", elaborate()),
        tool(
            "test_custom_header",
            "Answers with what a header has to repeat.",
            json!({
                "type": "object",
                "properties": { "value": { "type": "string", "x-mcp-header": "Value" } },
                "required": ["value"],
            }),
        ),
        tool("echo", "Answers with its arguments.", json!({ "type": "object" })),
    ];
    tools.extend(reporting::tools());
    tools.extend(asking::tools());
    tools.extend(tasks::tools());
    tools
}

/// A tool with this schema of its arguments.
pub(crate) fn tool(name: &'static str, description: &'static str, schema: Value) -> Tool {
    let Value::Object(schema) = schema else { panic!("{name} has no object as its schema") };
    Tool::new(name, description, schema)
}

/// A tool without arguments.
pub(crate) fn plain(name: &'static str, description: &'static str) -> Tool {
    tool(name, description, json!({ "type": "object", "properties": {} }))
}

/// The result that is one text.
pub(crate) fn text(text: impl Into<String>) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

/// Calls a tool that does nothing but answer.
pub(crate) fn call(
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResult, ErrorData> {
    let argument = |name: &str| request.arguments.as_ref().and_then(|arguments| arguments.get(name)?.as_str());
    Ok(match request.name.as_ref() {
        "test_simple_text" => text("This is a simple text response for testing."),
        "test_image_content" => CallToolResult::success(vec![ContentBlock::image(PNG, "image/png")]),
        "test_audio_content" => CallToolResult::success(vec![ContentBlock::Audio(AudioContent::new(WAV, "audio/wav"))]),
        "test_embedded_resource" => {
            CallToolResult::success(vec![embedded("test://embedded-resource", "text/plain", "The text of a resource.")])
        }
        "test_multiple_content_types" => CallToolResult::success(vec![
            ContentBlock::text("Multiple content types test:"),
            ContentBlock::image(PNG, "image/png"),
            embedded("test://mixed-content-resource", "application/json", r#"{"test":"data","value":123}"#),
        ]),
        "test_error_handling" => {
            CallToolResult::error(vec![ContentBlock::text("This tool fails whenever it is called.")])
        }
        "test_missing_capability" => {
            if context.client_capabilities().is_none_or(|client| client.sampling.is_none()) {
                let needed = ClientCapabilities::builder().enable_sampling().build();
                return Err(ErrorData::missing_required_client_capability(needed));
            }
            text("The client's model can be asked.")
        }
        "json_schema_2020_12_tool" | "echo" => text(json!(request.arguments).to_string()),
        "test_custom_header" => {
            let value = argument("value").ok_or_else(|| ErrorData::invalid_params("`value` is missing", None))?;
            text(value)
        }
        name => return Err(ErrorData::invalid_params(format!("there is no tool {name}"), None)),
    })
}

fn embedded(uri: &str, mime_type: &str, text: &str) -> ContentBlock {
    ContentBlock::resource(ResourceContents::text(text, uri).with_mime_type(mime_type))
}

fn elaborate() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "address",
                "type": "object",
                "properties": { "street": { "type": "string" }, "city": { "type": "string" } },
            },
        },
        "properties": { "name": { "type": "string" }, "address": { "$ref": "#/$defs/address" } },
        "allOf": [{ "anyOf": [{ "required": ["name"] }, { "required": ["address"] }] }],
        "if": { "required": ["address"] },
        "then": { "properties": { "address": { "required": ["street"] } } },
        "else": { "required": ["name"] },
        "additionalProperties": false,
    })
}
