//! What the server says of itself.

use crate::wire::MODERN;

/// For models: how to work with this server.
const INSTRUCTIONS: &str = "Sessile is a multi-tenant gateway whose sessions stay attached to their connection. \
Sign in once per connection with auth_sign_in (email and password), or create an account and a tenant with auth_sign_up; \
ask the person for these, never invent them. From then on every call works on that tenant's data: no tool takes a token or a tenant. \
auth_whoami tells who is signed in, and tenant_switch changes the tenant. The tools that can be called change with sign-in: list them again afterwards. \
Records carry a version; pass it back when you update.";

const NAME_AND_VERSION: &str =
    concat!(r#"{"name":"sessile","title":"Sessile","version":""#, env!("CARGO_PKG_VERSION"), r#""}"#);

/// What it can do, the same in both eras.
const CAPABILITIES: &str = r#"{"completions":{},"logging":{},"prompts":{"listChanged":false},"resources":{"listChanged":true,"subscribe":true},"tools":{"listChanged":true}}"#;

/// The result of `initialize`, as members.
pub(super) fn initialize(version: &str) -> String {
    let instructions = serde_json::Value::from(INSTRUCTIONS);
    format!(
        r#""protocolVersion":"{version}","capabilities":{CAPABILITIES},"serverInfo":{NAME_AND_VERSION},"instructions":{instructions}"#
    )
}

/// The result of `server/discover`, as members.
pub(super) fn discover() -> String {
    let instructions = serde_json::Value::from(INSTRUCTIONS);
    format!(r#""supportedVersions":["{MODERN}"],"capabilities":{CAPABILITIES},"instructions":{instructions}"#)
}
