//! The headers that repeat what a modern request says (2026-07-28, Streamable HTTP, Request Metadata).
//!
//! Whoever routes by them has to be able to rely on them, so what differs is refused.

use super::message::Asked;
use crate::mcp::Registry;
use crate::wire::Mirrored;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde_json::Value;
use std::borrow::Cow;

pub(super) const VERSION: &str = "mcp-protocol-version";
const METHOD: &str = "mcp-method";
const NAME: &str = "mcp-name";

/// Checks all that headers have to repeat of a request.
///
/// # Errors
/// What differs, for whoever reads the client's log.
pub(super) fn check(
    headers: &HeaderMap,
    asked: &Asked<'_>,
    registry: &Registry,
    beyond: Option<&[Mirrored]>,
) -> Result<(), String> {
    let version = asked.version().unwrap_or_default();
    same(VERSION, one(headers, VERSION)?, Some(version))?;
    same(METHOD, one(headers, METHOD)?, Some(&asked.method))?;
    let name = one(headers, NAME)?.map(|value| decoded(NAME, value)).transpose()?;
    match (asked.name(), name) {
        (None, None) => {}
        // Some clients send it with methods that have no name to repeat.
        (None, Some(_)) if !matches!(&*asked.method, "tools/call" | "prompts/get" | "resources/read") => {}
        (expected, name) => same(NAME, name.as_deref(), expected)?,
    }
    let arguments = (&*asked.method == "tools/call")
        .then(|| beyond.unwrap_or_else(|| registry.mirrored(asked.name().unwrap_or_default())));
    match arguments {
        None | Some([]) => Ok(()),
        Some(arguments) => check_arguments(headers, asked, arguments),
    }
}

fn check_arguments(headers: &HeaderMap, asked: &Asked<'_>, mirrored: &[Mirrored]) -> Result<(), String> {
    let given: Value = asked.params.arguments.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    for Mirrored { header, path } in mirrored {
        let argument = path.iter().try_fold(&given, |value, name| value.get(name)).filter(|value| !value.is_null());
        let value = one(headers, header)?.map(|value| decoded(header, value)).transpose()?;
        let agrees = match (argument, value.as_deref()) {
            (None, None) => true,
            (Some(Value::String(text)), Some(value)) => text == value,
            (Some(Value::Bool(yes)), Some(value)) => value == if *yes { "true" } else { "false" },
            (Some(Value::Number(number)), Some(value)) => is_number(number, value),
            _ => false,
        };
        if !agrees {
            return Err(format!("Header mismatch: {header} does not repeat the argument {}", path.join(".")));
        }
    }
    Ok(())
}

/// Whether a header says a number, in whatever spelling.
fn is_number(number: &serde_json::Number, value: &str) -> bool {
    let plain = value.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    plain && value.parse::<f64>().is_ok_and(|value| Some(value) == number.as_f64())
}

/// The one value of a header, which has to be plain text.
fn one<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, String> {
    let mut values = headers.get_all(name).into_iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(format!("Header mismatch: {name} is there more than once"));
    }
    value.to_str().map(Some).map_err(|_| format!("Header mismatch: {name} has characters that a header may not have"))
}

/// What a value stands for: itself, or what it holds as `=?base64?…?=`.
fn decoded<'h>(name: &str, value: &'h str) -> Result<Cow<'h, str>, String> {
    let Some(coded) = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) else {
        return Ok(Cow::Borrowed(value));
    };
    let text = STANDARD.decode(coded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.map(Cow::Owned).ok_or_else(|| format!("Header mismatch: {name} holds no text in base64"))
}

fn same(name: &str, header: Option<&str>, body: Option<&str>) -> Result<(), String> {
    match (header, body) {
        (header, body) if header == body => Ok(()),
        (None, _) => Err(format!("Header mismatch: {name} is missing; it has to repeat what the body says")),
        (Some(header), None) => Err(format!("Header mismatch: {name} is {header:?}, and the body has no such value")),
        (Some(header), Some(body)) => Err(format!("Header mismatch: {name} is {header:?}, and the body says {body:?}")),
    }
}
