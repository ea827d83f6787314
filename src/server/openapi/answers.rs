//! Answers that many endpoints share, and their headers.

use serde_json::{Map, Value, json};

/// A refusal: its status, its name among the components, when it comes, the headers that come with it, and
/// how its body looks.
type Refusal = (u16, &'static str, &'static str, &'static [&'static str], &'static str);

const REFUSALS: [Refusal; 13] = [
    (
        400,
        "Invalid",
        "The body is not what the schema asks for; the message names the field.",
        &[],
        r#"{"error":"invalid_arguments","message":"Invalid arguments for POST /auth/sign-in: missing field `password`."}"#,
    ),
    (
        401,
        "Unauthorized",
        "Wrong email or password, or a token that is missing, expired or revoked.",
        &["WWW-Authenticate"],
        r#"{"error":"invalid_token","message":"This token has expired. Get a new one."}"#,
    ),
    (
        403,
        "Forbidden",
        "Known, and not allowed: the account is disabled, is no member of the tenant, or the proof is not good for this.",
        &[],
        r#"{"error":"not_allowed","message":"This account is disabled. Ask whoever runs this server to enable it again."}"#,
    ),
    (
        404,
        "NotFound",
        "There is no such tenant of one's own, or the invitation is not valid.",
        &[],
        r#"{"error":"not_found","message":"This invitation code is not valid: it is mistyped, expired or used already. Ask for a new one."}"#,
    ),
    (
        405,
        "MethodNotAllowed",
        "The endpoint is asked with another method.",
        &["Allow"],
        r#"{"error":"method_not_allowed","message":"Use POST."}"#,
    ),
    (
        408,
        "Timeout",
        "The body took too long to arrive.",
        &[],
        r#"{"error":"timeout","message":"The body took too long to arrive."}"#,
    ),
    (
        409,
        "Conflict",
        "The account is there already, one is a member already, or several tenants have the name.",
        &[],
        r#"{"error":"already_exists","message":"There is already an account with this email address. Sign in with auth_sign_in instead."}"#,
    ),
    (
        413,
        "TooLarge",
        "The body has more than 65,536 bytes.",
        &[],
        r#"{"error":"too_large","message":"The body may have 65536 bytes at the most."}"#,
    ),
    (
        415,
        "UnsupportedMediaType",
        "The body is not sent as `application/json`.",
        &[],
        r#"{"error":"unsupported_media_type","message":"Send JSON, and say so: Content-Type: application/json."}"#,
    ),
    (
        429,
        "TooMany",
        "Too many requests from here just now, too many failed attempts from here or on this account, or a limit was hit.",
        &["Retry-After"],
        r#"{"error":"too_many_attempts","message":"Too many failed sign-ins. Try again in 2 s.","retry_after_seconds":2}"#,
    ),
    (
        500,
        "Internal",
        "A fault of the server, whose log says more.",
        &[],
        r#"{"error":"internal","message":"Internal error."}"#,
    ),
    (
        503,
        "Busy",
        "The server cannot take this on just now.",
        &["Retry-After"],
        r#"{"error":"busy","message":"Too many people are signing in just now. Try again in a few seconds.","retry_after_seconds":5}"#,
    ),
    (503, "NotReady", "The server is shutting down, or its database does not answer.", &[], "draining\n"),
];

/// The responses of the operations with these refusals, by status.
pub(super) fn refusals(statuses: &[u16]) -> Map<String, Value> {
    let named = |status: &u16| REFUSALS.iter().find(|(known, ..)| known == status);
    statuses.iter().filter_map(named).map(|(status, name, ..)| (status.to_string(), refusal(name))).collect()
}

/// A reference to one of them.
pub(super) fn refusal(name: &str) -> Value {
    json!({ "$ref": format!("#/components/responses/{name}") })
}

/// An answer of JSON by a schema's name, for one reader alone.
pub(super) fn private(description: &str, schema: &str, example: &Value) -> Value {
    let mut answer = json_answer(description, schema, example);
    answer["headers"] = header_references(&["Cache-Control"]);
    answer
}

/// An answer of JSON by a schema, for anybody and for a while.
pub(super) fn public(description: &str, schema: &Value) -> Value {
    json!({
        "description": description,
        "headers": {
            "Cache-Control": {
                "required": true, "description": "Good for five minutes.", "schema": { "const": "public, max-age=300" },
            },
        },
        "content": { "application/json": { "schema": schema } },
    })
}

/// A line of text.
pub(super) fn line(description: &str, example: &str) -> Value {
    json!({
        "description": description,
        "content": { "text/plain": { "schema": { "type": "string" }, "example": example } },
    })
}

/// All refusals, by name.
pub(super) fn components() -> Map<String, Value> {
    let component = |(_, name, description, headers, example): &Refusal| {
        let answer = match serde_json::from_str(example) {
            Ok(example) => {
                let mut answer = json_answer(description, "Error", &example);
                let headers: Vec<_> = headers.iter().copied().chain(["Cache-Control"]).collect();
                answer["headers"] = header_references(&headers);
                answer
            }
            Err(_) => line(description, example),
        };
        ((*name).to_owned(), answer)
    };
    REFUSALS.iter().map(component).collect()
}

/// The headers of answers, by name.
pub(super) fn headers() -> Value {
    json!({
        "WWW-Authenticate": {
            "required": true,
            "description": "Asks for a bearer token; says what was wrong with the one that came (RFC 6750).",
            "schema": { "type": "string", "pattern": "^Bearer (realm|error)=\"" },
        },
        "Retry-After": {
            "required": true,
            "description": "After how many seconds it is worth to try again.",
            "schema": { "type": "integer", "minimum": 1 },
        },
        "Allow": {
            "required": true,
            "description": "The methods that the endpoint is asked with.",
            "schema": { "enum": ["GET, HEAD", "POST"] },
        },
        "Cache-Control": {
            "required": true,
            "description": "Nobody in between keeps the answer.",
            "schema": { "const": "no-store" },
        },
    })
}

/// The schema of the public keys (RFC 7517, RFC 8037).
pub(super) fn key_set() -> Value {
    json!({
        "type": "object",
        "required": ["keys"],
        "properties": {
            "keys": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["kty", "crv", "alg", "use", "kid", "x"],
                    "properties": {
                        "kty": { "const": "OKP" },
                        "crv": { "const": "Ed25519" },
                        "alg": { "const": "EdDSA" },
                        "use": { "const": "sig" },
                        "kid": { "type": "string", "description": "As access tokens name it." },
                        "x": { "type": "string", "description": "The public key, in base64url." },
                    },
                },
            },
        },
    })
}

fn json_answer(description: &str, schema: &str, example: &Value) -> Value {
    let schema = format!("#/components/schemas/{schema}");
    json!({
        "description": description,
        "content": { "application/json": { "schema": { "$ref": schema }, "example": example } },
    })
}

fn header_references(names: &[&str]) -> Value {
    let reference = |name: &&str| ((*name).to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }));
    names.iter().map(reference).collect::<Map<_, _>>().into()
}
