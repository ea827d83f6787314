//! The OpenAPI document: made of the types that travel, so that it cannot say anything else than they do.
//!
//! It describes what this server serves besides MCP. MCP describes itself: `tools/list` has the schemas.

mod answers;
mod operations;

use super::auth_api::{ErrorBody, Me, Refresh, Route, SignIn, SignUp, SignedIn};
use crate::auth::Tokens;
use crate::tools::input::drop_rust_formats;
use http::Method;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::transform::RecursiveTransform;
use serde_json::{Map, Value, json};

const DESCRIPTION: &str = "Sign in with email and password for a pair of tokens, send the access token with each request \
as `Authorization: Bearer …`, and exchange the refresh token for the next pair before the access token expires. API keys \
take the access token's place where there is nobody to sign in.\n\nErrors have a stable word in `error` and a sentence in \
`message`. Before any of that, a request that is no HTTP, or whose headers are too \
long, gets a bare 400 or 431; and one to another host, or from a page whose origin may not connect, gets 403 and a line \
of text. Browsers' preflight requests (OPTIONS) are answered with 204.";

/// The document, as JSON.
pub(super) fn document() -> String {
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Sessile",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        // Wherever it was read from.
        "servers": [{ "url": "/" }],
        "tags": [
            { "name": "auth", "description": "Signing in and out." },
            { "name": "discovery", "description": "What others need to know of this server." },
            { "name": "health", "description": "For load balancers and supervisors." },
        ],
        "paths": paths(),
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An access token, as a sign-in gives it, or an API key (`sessile_key_…`).",
                },
            },
            "schemas": schemas(),
            "responses": answers::components(),
            "headers": answers::headers(),
        },
    });
    document.to_string()
}

fn paths() -> Map<String, Value> {
    let mut paths = Map::new();
    for route in Route::ALL {
        let method = if route.method() == Method::GET { "get" } else { "post" };
        paths.insert(route.path().into(), json!({ method: operations::of(route) }));
    }
    for (path, item) in operations::others() {
        paths.insert(path.into(), item);
    }
    paths
}

/// The schemas of all types that travel, by name: what is read, and what is written.
fn schemas() -> Map<String, Value> {
    let settings = || {
        SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
            settings.transforms.push(Box::new(RecursiveTransform(drop_rust_formats)));
        })
    };
    let mut read = SchemaGenerator::new(settings());
    read.subschema_for::<SignUp>();
    read.subschema_for::<SignIn>();
    read.subschema_for::<Refresh>();
    let mut written = SchemaGenerator::new(settings().for_serialize());
    written.subschema_for::<SignedIn>();
    written.subschema_for::<Tokens>();
    written.subschema_for::<Me>();
    written.subschema_for::<ErrorBody<'_>>();
    let mut schemas = read.take_definitions(true);
    schemas.extend(written.take_definitions(true));
    schemas.insert("JsonWebKeySet".into(), answers::key_set());
    schemas
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere() {
        fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
            match value {
                Value::Object(members) => {
                    found.extend(members.get("$ref").and_then(Value::as_str));
                    members.values().for_each(|member| references(member, found));
                }
                Value::Array(members) => members.iter().for_each(|member| references(member, found)),
                _ => {}
            }
        }
        let document: Value = serde_json::from_str(&document()).expect("it is JSON");
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 20, "only {found:?}");
        for reference in found {
            let pointer = reference.strip_prefix('#').expect("all is in one document");
            assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
        }
    }
}
