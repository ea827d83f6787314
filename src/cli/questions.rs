//! What a gateway asks while a call runs, answered by whoever sits at the terminal; declined when nobody does.

use super::terminal::{Asked, ask, ask_hidden, clean, clean_lines, err, is_attended};
use crate::client::tools::{Arguments, Field, Tool, fields_of};
use serde_json::{Value, json};

/// The member of the response that answers a request of the gateway.
pub(super) fn answer(method: &str, params: &str) -> String {
    let params: Value = serde_json::from_str(params).unwrap_or_default();
    match method {
        "ping" => r#""result":{}"#.into(),
        "elicitation/create" => format!(r#""result":{}"#, elicited(&params)),
        "roots/list" => r#""result":{"roots":[]}"#.into(),
        _ => r#""error":{"code":-32601,"message":"This client answers no such request."}"#.into(),
    }
}

fn elicited(params: &Value) -> Value {
    let message = params["message"].as_str().unwrap_or("The gateway asks something.");
    if !is_attended() {
        err(&format!("declined, since nobody is at a terminal: {}", clean(message)));
        return json!({ "action": "decline" });
    }
    err(&clean_lines(message));
    let given = if params["mode"] == "url" { visited(params) } else { filled_in(&params["requestedSchema"]) };
    match given {
        Some(Value::Null) => json!({ "action": "accept" }),
        Some(content) => json!({ "action": "accept", "content": content }),
        None => {
            err("Declined.");
            json!({ "action": "decline" })
        }
    }
}

/// Something to do elsewhere, in a browser.
fn visited(params: &Value) -> Option<Value> {
    let url = params["url"].as_str()?;
    err(&format!("Open this in a browser, if you trust it: {}", clean(url)));
    agreed("Have you?").then_some(Value::Null)
}

fn filled_in(schema: &Value) -> Option<Value> {
    let fields = fields_of(schema);
    if fields.is_empty() {
        return agreed("Do you agree?").then(|| json!({}));
    }
    let form = Tool { name: "the form".into(), description: String::new(), fields, open: false, reads: true };
    let mut content = Arguments::new(Some(&form));
    for field in &form.fields {
        ask_for(&mut content, field)?;
    }
    serde_json::from_str(&content.json()).ok()
}

fn agreed(question: &str) -> bool {
    loop {
        match ask(&format!("{question} [y/n]")) {
            Asked::Answer(answer) if matches!(answer.to_lowercase().as_str(), "y" | "yes") => return true,
            Asked::Answer(answer) if !matches!(answer.to_lowercase().as_str(), "n" | "no") => {}
            _ => return false,
        }
    }
}

/// Asks for an argument until what is typed fits; none when whoever is asked does not want to say. Nothing typed means
/// the default, or nothing where it need not be given.
pub(super) fn ask_for(arguments: &mut Arguments<'_>, field: &Field) -> Option<()> {
    if !field.description.is_empty() {
        err(&clean(&field.description));
    }
    let choices = field.choices();
    let mut label = field.name.clone();
    if !choices.is_empty() {
        label = format!("{label} [{}]", choices.join(", "));
    }
    if let Some(default) = &field.default {
        label = format!("{label} ({default} unless told)");
    }
    loop {
        let typed = if field.secret {
            match ask_hidden(&label) {
                Asked::Answer(typed) => typed,
                Asked::Declined => return None,
            }
        } else {
            match ask(&label) {
                Asked::Answer(typed) => zeroize::Zeroizing::new(typed),
                Asked::Declined => return None,
            }
        };
        if typed.is_empty() && (!field.required || field.default.is_some()) {
            return Some(());
        }
        if typed.is_empty() {
            continue;
        }
        match arguments.set(&field.name, &typed) {
            Ok(()) => return Some(()),
            Err(why) => err(&clean(&why)),
        }
    }
}
