//! What is asked of the servers, and how an answer is recognised.
//!
//! Requests are bare `tools/call` messages, which are served without a handshake.

use std::net::SocketAddr;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde_json::{Value, json};

use super::Result;
use super::client::Connection;
use super::template::NUMBER;

/// A call that is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Operation {
    /// Answered from the session alone: the price of the gateway itself.
    Whoami,
    /// One row by its key.
    ContactGet,
    /// One row more, and a commit that must be on disk before the answer leaves.
    ContactCreate,
}

impl Operation {
    /// All of them; the one that makes the table grow comes last.
    pub(crate) const ALL: [Self; 3] = [Self::Whoami, Self::ContactGet, Self::ContactCreate];

    /// The tool that is called.
    pub(crate) fn tool(self) -> &'static str {
        match self {
            Self::Whoami => "auth_whoami",
            Self::ContactGet => "crm_contact_get",
            Self::ContactCreate => "crm_contact_create",
        }
    }

    /// The least share of the echo's calls a second that we promise.
    pub(crate) fn target(self, in_flight: usize) -> Option<f64> {
        match (self, in_flight) {
            (Self::Whoami, 1) => Some(0.75),
            (Self::Whoami, 8) => Some(0.35),
            _ => None,
        }
    }

    /// The request, with places for its number; `contact` is the one that is read.
    pub(crate) fn request(self, contact: &str) -> String {
        let arguments = match self {
            Self::Whoami => json!({}),
            Self::ContactGet => json!({ "id": contact }),
            Self::ContactCreate => new_contact(NUMBER),
        };
        request(self.tool(), &arguments)
    }
}

/// A `tools/call` with a place for its number.
pub(crate) fn request(tool: &str, arguments: &Value) -> String {
    message_text("tools/call", &json!({ "name": tool, "arguments": arguments }))
}

/// A request with a place for its number.
pub(crate) fn message_text(method: &str, params: &Value) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{NUMBER},"method":"{method}","params":{params}}}"#)
}

/// The number of the call that `message` answers, none for a notification.
///
/// # Errors
///
/// When it reports a failure: a benchmark of failing calls would measure nothing.
pub(crate) fn answered(message: &[u8]) -> Result<Option<u64>> {
    if FAILURES.iter().any(|failure| failure.find(message).is_some()) {
        return Err(format!("a call failed: {}", String::from_utf8_lossy(message)).into());
    }
    // The ids of records are text, so only the envelope's own is followed by a digit.
    let mut after_ids = ID.find_iter(message).map(|at| &message[at + ID.needle().len()..]);
    Ok(after_ids.find_map(leading_number))
}

/// The JSON-RPC message in a body, which may be an event stream or have chunks; none is null.
pub(crate) fn message(body: &[u8]) -> Result<Value> {
    let (Some(start), Some(end)) = (memchr::memchr(b'{', body), memchr::memrchr(b'}', body)) else {
        return Ok(Value::Null);
    };
    Ok(serde_json::from_slice(&body[start..=end])?)
}

/// The one user of the benchmark.
pub(crate) fn credentials() -> Value {
    json!({ "email": "load@sessile.example", "password": "load-sessile-2026" })
}

/// Signs the user up and leaves one contact to read, whose id it returns.
pub(crate) fn prepare(address: SocketAddr) -> Result<String> {
    let mut connection = Connection::open(address)?;
    let mut person = credentials();
    person["tenant_name"] = "Load".into();
    connection.call("auth_sign_up", &person)?;
    let contact = connection.call("crm_contact_create", &new_contact("zero"))?;
    let id = contact.pointer("/result/structuredContent/id").and_then(Value::as_str);
    Ok(id.ok_or("crm_contact_create answered without an id")?.to_owned())
}

static ID: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""id":"#));

/// A JSON-RPC error, or a tool's.
static FAILURES: LazyLock<[Finder<'static>; 2]> =
    LazyLock::new(|| [Finder::new(br#""error":"#), Finder::new(br#""isError":true"#)]);

fn leading_number(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit());
    let value = |number: Option<u64>, digit: &u8| {
        let units = u64::from(digit - b'0');
        Some(number.unwrap_or(0) * 10 + units)
    };
    digits.fold(None, value)
}

fn new_contact(which: &str) -> Value {
    json!({
        "name": format!("Contact {which}"),
        "email": format!("contact-{which}@customer.example"),
        "job_title": "Harbour master",
    })
}
