//! What an API answered, as a tool's result.

use super::body::{essence, is_json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::borrow::Cow;

/// What is shown of the body of a failure, in bytes.
const SHOWN: usize = 16 * 1024;

/// The members of the result, and whether it is a failure. `named` is what the body is called where it is a resource.
pub(super) fn of(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    named: &str,
    wants_object: bool,
) -> (String, bool) {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(essence).unwrap_or_default();
    if !status.is_success() {
        let shown = &body[..body.len().min(SHOWN)];
        let shown = if is_text(&kind, shown) { String::from_utf8_lossy(shown) } else { "".into() };
        let more = if body.len() > SHOWN { " …" } else { "" };
        return (text(format!("HTTP {status}\n{shown}{more}").trim_end(), true), true);
    }
    if is_json(&kind)
        && let Ok(raw) = serde_json::from_slice::<&RawValue>(body)
    {
        let is_object = raw.get().trim_start().starts_with('{');
        if is_object {
            let members = format!(r#"{},"structuredContent":{}"#, text(raw.get(), false), in_one_line(raw.get()));
            return (members, false);
        }
        if !wants_object {
            return (text(raw.get(), false), false);
        }
    }
    if wants_object {
        // A client may refuse a result without what the tool says that it gives.
        let said = format!("HTTP {status}, but with something else than the API's description says:\n");
        let shown = String::from_utf8_lossy(&body[..body.len().min(SHOWN)]);
        return (text(&(said + &shown), true), true);
    }
    if body.is_empty() {
        return (text(&format!("HTTP {status}"), false), false);
    }
    let data = || STANDARD.encode(body);
    let block = match kind.split('/').next().unwrap_or_default() {
        "image" if kind != "image/svg+xml" => json!({ "type": "image", "data": data(), "mimeType": kind }),
        "audio" => json!({ "type": "audio", "data": data(), "mimeType": kind }),
        _ if is_text(&kind, body) => return (text(&String::from_utf8_lossy(body), false), false),
        _ => {
            let kind = if kind.is_empty() { "application/octet-stream" } else { &kind };
            json!({ "type": "resource", "resource": { "uri": named, "mimeType": kind, "blob": data() } })
        }
    };
    (format!(r#""content":[{block}]"#), false)
}

/// The members of a result that is a text.
pub(super) fn text(text: &str, failed: bool) -> String {
    let text = Value::from(text);
    let failed = if failed { r#","isError":true"# } else { "" };
    format!(r#""content":[{{"type":"text","text":{text}}}]{failed}"#)
}

/// JSON without line breaks between its tokens, else as it is.
fn in_one_line(json: &str) -> Cow<'_, str> {
    if !json.contains(['\n', '\r']) {
        return json.into();
    }
    let (mut line, mut within, mut escaped) = (String::with_capacity(json.len()), false, false);
    for c in json.chars() {
        if within || !c.is_ascii_whitespace() {
            line.push(c);
        }
        within ^= c == '"' && !escaped;
        escaped = c == '\\' && within && !escaped;
    }
    line.into()
}

/// Whether a body is for people to read.
fn is_text(kind: &str, body: &[u8]) -> bool {
    let known =
        ["application/xml", "application/yaml", "application/x-yaml", "application/javascript", "image/svg+xml"];
    kind.starts_with("text/")
        || is_json(kind)
        || known.contains(&kind)
        || kind.ends_with("+xml")
        || (kind.is_empty() && std::str::from_utf8(body).is_ok())
}
