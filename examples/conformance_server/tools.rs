//! Tools that answer by themselves.

use crate::PNG;
use serde_json::{Value, json};
use sessile::error::Result;
use sessile::tools::{Access, Arguments, Content, Contents, Context, Effect, Output, Tool};
use sessile::wire::Capability;
use std::future::Future;
use std::time::Duration;

/// A tenth of a second of nothing, at 8,000 samples a second.
fn silence() -> Vec<u8> {
    const SAMPLES: u32 = 800;
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + SAMPLES).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data");
    wav.extend(SAMPLES.to_le_bytes());
    wav.resize(wav.len() + SAMPLES as usize, 128);
    wav
}

/// A tool without arguments.
pub(crate) fn tool<F>(name: &'static str, what: &'static str, run: fn(Context, Arguments) -> F) -> Tool
where
    F: Future<Output = Result<Output>> + Send + 'static,
{
    Tool::raw(name, Access::Anyone, json!({ "type": "object", "properties": {} }), run).described(name, what)
}

pub(crate) fn all() -> Vec<Tool> {
    vec![
        tool("test_simple_text", "Gives a text.", |_, _| async {
            Ok(Output::text("This is a simple text response for testing."))
        })
        .with_effect(Effect::Reads),
        tool("test_image_content", "Gives an image.", |_, _| async {
            Ok(Output::new(vec![Content::image(PNG, "image/png")]))
        }),
        tool("test_audio_content", "Gives a sound.", |_, _| async {
            Ok(Output::new(vec![Content::audio(&silence(), "audio/wav")]))
        }),
        tool("test_embedded_resource", "Gives a resource.", |_, _| async {
            let resource =
                Contents::text("test://embedded-resource", "text/plain", "This is an embedded resource content.");
            Ok(Output::new(vec![Content::embedded(&resource)]))
        }),
        tool("test_multiple_content_types", "Gives a text, an image and a resource.", |_, _| async {
            let json = r#"{"test":"data","value":123}"#;
            let resource = Contents::text("test://mixed-content-resource", "application/json", json);
            Ok(Output::new(vec![
                Content::text("Multiple content types test:"),
                Content::image(PNG, "image/png"),
                Content::embedded(&resource),
            ]))
        }),
        tool("test_error_handling", "Always fails.", |_, _| async {
            Ok(Output::text("This tool intentionally returns an error for testing").failed())
        }),
        tool("test_tool_with_progress", "Says three times how far it is.", progress),
        tool("test_tool_with_logging", "Logs three lines.", logging),
        tool("test_logging_tool", "Logs one line.", |context, _| async move {
            context.reporter.log("info", &"Somebody wanted to read this");
            Ok(Output::text("Logged, if that was wanted."))
        }),
        tool("test_missing_capability", "Needs a client that can sample.", |context, _| async move {
            let needed = Capability::Sampling;
            if context.client_can(needed) { Ok(Output::text("It can.")) } else { Err(needed.missing()) }
        }),
        tool("test_trigger_tool_change", "Says that the tools changed.", |context, _| async move {
            context.announcer().tools_changed();
            Ok(Output::text("Told."))
        }),
        tool("test_trigger_prompt_change", "Says that the prompts changed.", |context, _| async move {
            context.announcer().prompts_changed();
            Ok(Output::text("Told."))
        }),
        tool("test_reconnection", "Takes a while.", |_, _| async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Ok(Output::text("That took a while."))
        }),
        Tool::raw("test_custom_header", Access::Anyone, mirrored_in_header(), |_, arguments| async move {
            Ok(Output::text(arguments.text("value")?))
        })
        .described("test_custom_header", "Takes an argument that HTTP clients repeat in a header."),
        Tool::raw("json_schema_2020_12_tool", Access::Anyone, many_keywords(), |_, arguments| async move {
            Ok(Output::text("Read.").structured(&arguments.value()))
        })
        .described("json_schema_2020_12_tool", "Has a schema with many keywords."),
    ]
}

async fn progress(context: Context, _: Arguments) -> Result<Output> {
    for done in [0, 50, 100] {
        context.reporter.progress(done, 100, "on the way");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(Output::text("Done."))
}

async fn logging(context: Context, _: Arguments) -> Result<Output> {
    for line in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
        context.reporter.log("info", &line);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(Output::text("Logged."))
}

fn mirrored_in_header() -> Value {
    json!({
        "type": "object",
        "properties": { "value": { "type": "string", "x-mcp-header": "Value" } },
        "required": ["value"],
    })
}

fn many_keywords() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": { "street": { "type": "string" }, "city": { "type": "string" } },
            },
        },
        "properties": {
            "name": { "type": "string" },
            "address": { "$ref": "#/$defs/address" },
            "contactMethod": { "type": "string", "enum": ["phone", "email"] },
            "phone": { "type": "string" },
            "email": { "type": "string" },
        },
        "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
        "if": { "properties": { "contactMethod": { "const": "phone" } }, "required": ["contactMethod"] },
        "then": { "required": ["phone"] },
        "else": { "required": ["email"] },
        "additionalProperties": false,
    })
}
