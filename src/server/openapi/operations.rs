//! The operations: what each endpoint is for, what it takes and what it answers.

use super::Route;
use super::answers::{line, private, public, refusal, refusals};
use crate::upstream::{CALLBACK, DOCUMENT};
use serde_json::{Value, json};

const USER: &str = "0198c0de-0000-7000-8000-000000000001";
const TENANT: &str = "0198c0de-0000-7000-8000-000000000002";

/// The operation of an endpoint.
pub(super) fn of(route: Route) -> Value {
    match route {
        Route::SignUp => with_body(
            "signUp",
            "Sign up",
            "Creates an account and a new tenant that it owns, and signs it in.",
            "SignUp",
            json!({ "email": "ada@example.com", "password": "correct horse battery", "tenant_name": "Analytical Engines" }),
            ("201", renewable(private("The account is there, and signed in.", "SignedIn", &signed_in()), "/tokens")),
            &[400, 401, 403, 405, 408, 409, 413, 415, 429, 500, 503],
        ),
        Route::SignIn => with_body(
            "signIn",
            "Sign in",
            "Signs in with email and password, to the tenant used last unless another is named. Failed attempts are answered more and more slowly, by account and by address.",
            "SignIn",
            json!({ "email": "ada@example.com", "password": "correct horse battery" }),
            ("200", renewable(private("Signed in.", "SignedIn", &signed_in()), "/tokens")),
            &[400, 401, 403, 404, 405, 408, 409, 413, 415, 429, 500, 503],
        ),
        Route::Refresh => with_body(
            "refresh",
            "Refresh the tokens",
            "Gives a new pair of tokens for a refresh token, once. If a refresh token comes a second time, somebody has stolen it: the whole sign-in is ended, and all of its tokens with it.",
            "Refresh",
            json!({ "refresh_token": "sessile_refresh_0123456789abcdef0123456789abcdef01234567" }),
            ("200", renewable(private("The next pair.", "Tokens", &tokens()), "")),
            &[400, 401, 403, 405, 408, 413, 415, 429, 500, 503],
        ),
        Route::SignOut => secured(
            "signOut",
            "Sign out",
            "Ends the sign-in that the access token follows from: none of its tokens is good any more, from the answer on. An API key cannot sign out: it is refused with 403.",
            (
                "204",
                json!({ "description": "Signed out.", "headers": { "Cache-Control": { "$ref": "#/components/headers/Cache-Control" } } }),
            ),
            &[401, 403, 405, 429, 500, 503],
        ),
        Route::Me => secured(
            "me",
            "Who am I?",
            "Tells whose token it is, in which tenant and with which role: the role as it is now, which may be another one than when the token was issued. HEAD is answered as well.",
            ("200", private("Whose token it is.", "Me", &me())),
            &[401, 403, 405, 429, 500, 503],
        ),
        Route::Keys => open(
            "keys",
            "The keys that verify access tokens",
            "A JSON Web Key Set (RFC 7517). Tokens name their key in `kid`; keys are replaced from time to time. HEAD is answered as well.",
            public("The public keys.", &json!({ "$ref": "#/components/schemas/JsonWebKeySet" })),
            &[405, 500, 503],
        ),
        Route::Document => open(
            "document",
            "This document",
            "HEAD is answered as well.",
            public(
                "An OpenAPI 3.1 document.",
                &json!({
                    "type": "object",
                    "required": ["openapi", "info", "paths"],
                    "properties": { "openapi": { "const": "3.1.0" }, "info": { "type": "object" }, "paths": { "type": "object" } },
                }),
            ),
            &[405],
        ),
    }
}

/// What else is served.
pub(super) fn others() -> [(&'static str, Value); 7] {
    let health = |id: &str, summary: &str, description: &str, responses: Value| {
        let get = json!({
            "operationId": id,
            "tags": ["health"],
            "summary": summary,
            "description": description,
            "responses": responses,
        });
        json!({ "get": get })
    };
    let not_allowed = json!({
        "description": "The endpoint is asked with another method.",
        "headers": { "Allow": { "$ref": "#/components/headers/Allow" } },
        "content": { "text/plain": { "schema": { "type": "string" }, "example": "Use GET.\n" } },
    });
    let resource = |id: &str| {
        let mut get = open(
            id,
            "Where to sign in",
            "What OAuth clients ask a protected resource for (RFC 9728): who else signs people in. HEAD is answered as well.",
            protected_resource(),
            &[],
        );
        get["responses"]["405"] = not_allowed.clone();
        json!({ "get": get })
    };
    [
        (DOCUMENT, json!({ "get": gateway_as_client(&not_allowed) })),
        (CALLBACK, json!({ "get": back_from_visit(&not_allowed) })),
        ("/.well-known/oauth-protected-resource", resource("protectedResource")),
        ("/.well-known/oauth-protected-resource/mcp", resource("protectedResourceOfMcp")),
        (
            "/healthz",
            health(
                "alive",
                "Is the process alive?",
                "HEAD is answered as well.",
                json!({ "200": line("It is.", "ok\n"), "405": not_allowed }),
            ),
        ),
        (
            "/readyz",
            health(
                "ready",
                "Should it be sent requests?",
                "HEAD is answered as well.",
                json!({ "200": line("It should.", "ok\n"), "405": not_allowed, "503": refusal("NotReady") }),
            ),
        ),
        (
            "/mcp",
            json!({
                "summary": "The Model Context Protocol",
                "description": "MCP in both eras, up to 2025-11-25 and 2026-07-28: the CRM's tools are called here, with the same bearer tokens. It is no REST interface: messages are JSON-RPC, and `tools/list` has their schemas. GET with an upgrade opens a WebSocket.",
            }),
        ),
    ]
}

fn gateway_as_client(not_allowed: &Value) -> Value {
    let document = json!({ "type": "object", "required": ["client_id", "redirect_uris"] });
    let success = json!({
        "description": "The gateway as a client.",
        "content": { "application/json": { "schema": document } },
    });
    let mut get = open(
        "gatewayAsClient",
        "The gateway as a client of OAuth",
        "What authorization servers of upstreams read that take this URL for a client id. HEAD is answered as well.",
        success,
        &[],
    );
    get["responses"]["405"] = not_allowed.clone();
    get
}

fn back_from_visit(not_allowed: &Value) -> Value {
    let page = |description: &str| json!({ "description": description, "content": { "text/html": { "schema": { "type": "string" } } } });
    let text = |name: &str| json!({ "name": name, "in": "query", "schema": { "type": "string" } });
    json!({
        "operationId": "backFromVisit",
        "tags": ["discovery"],
        "summary": "Where people come back to",
        "description": "A page for people who have let the gateway use an upstream, or have not. Each link is good once.",
        "parameters": [text("state"), text("code"), text("iss"), text("error")],
        "responses": {
            "200": page("It is done, or was declined."),
            "404": page("The link was used before, is too old, or is not from where the person was sent."),
            "405": not_allowed,
            "502": page("The upstream's authorization server gave no access."),
        },
    })
}

fn protected_resource() -> Value {
    let url = || json!({ "type": "string", "format": "uri" });
    json!({
        "description": "The description of `/mcp`.",
        "headers": { "Cache-Control": { "required": true, "schema": { "const": "max-age=300" } } },
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["resource", "bearer_methods_supported", "resource_name"],
                    "properties": {
                        "resource": url(),
                        "authorization_servers": { "type": "array", "items": url() },
                        "bearer_methods_supported": { "const": ["header"] },
                        "resource_name": { "const": "Sessile" },
                    },
                },
            },
        },
    })
}

fn with_body(
    id: &str,
    summary: &str,
    description: &str,
    schema: &str,
    example: Value,
    success: (&str, Value),
    statuses: &[u16],
) -> Value {
    let mut operation = operation(id, "auth", summary, description, success, statuses);
    let reference = format!("#/components/schemas/{schema}");
    operation["requestBody"] = json!({
        "required": true,
        "content": { "application/json": { "schema": { "$ref": reference }, "example": example } },
    });
    operation
}

fn secured(id: &str, summary: &str, description: &str, success: (&str, Value), statuses: &[u16]) -> Value {
    let mut operation = operation(id, "auth", summary, description, success, statuses);
    operation["security"] = json!([{ "bearer": [] }]);
    operation
}

fn open(id: &str, summary: &str, description: &str, success: Value, statuses: &[u16]) -> Value {
    operation(id, "discovery", summary, description, ("200", success), statuses)
}

fn operation(
    id: &str,
    tag: &str,
    summary: &str,
    description: &str,
    (status, success): (&str, Value),
    statuses: &[u16],
) -> Value {
    let mut responses = refusals(statuses);
    responses.insert(status.to_owned(), success);
    json!({
        "operationId": id,
        "tags": [tag],
        "summary": summary,
        "description": description,
        "responses": responses,
    })
}

/// Links an answer to what gives the next tokens; `place` is where in the answer the present ones are.
fn renewable(mut answer: Value, place: &str) -> Value {
    let token = format!("$response.body#{place}/refresh_token");
    answer["links"] = json!({
        "refresh": {
            "operationId": "refresh",
            "requestBody": { "refresh_token": token },
            "description": "Before the access token expires.",
        },
    });
    answer
}

fn user() -> Value {
    json!({ "id": USER, "email": "ada@example.com" })
}

fn tenant() -> Value {
    json!({ "id": TENANT, "name": "Analytical Engines" })
}

fn tenants() -> Value {
    json!([{ "id": TENANT, "name": "Analytical Engines", "role": "owner" }])
}

fn tokens() -> Value {
    json!({
        "access_token": "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl",
        "token_type": "Bearer",
        "expires_in": 600,
        "refresh_token": "sessile_refresh_0123456789abcdef0123456789abcdef01234567",
        "refresh_expires_in": 2_592_000,
    })
}

fn signed_in() -> Value {
    json!({ "user": user(), "tenant": tenant(), "role": "owner", "tenants": tenants(), "tokens": tokens() })
}

fn me() -> Value {
    json!({
        "user": user(),
        "tenant": tenant(),
        "role": "owner",
        "proof": "access_token",
        "until": "2026-09-01T12:00:00.000Z",
        "tenants": tenants(),
    })
}
