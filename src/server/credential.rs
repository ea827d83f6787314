//! The credential that comes with a request, and the answers to one that admits nobody.
//!
//! This knows where a token is found and how a refusal looks in HTTP; what a token is worth, `auth` says.

use super::http::Refused;
use super::status;
use crate::auth::Token;
use crate::error::{Error, Result};
use crate::session::SessionManager;
use crate::tenancy::Principal;
use crate::transport::http::Body;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use std::net::IpAddr;

/// A subprotocol entry with this prefix holds a token, for web pages, which cannot set headers; it is
/// never echoed.
pub(super) const ENTRY: &str = "mcp.auth.";

/// The token of a request for a WebSocket, if there is one: in the `Authorization` header, or in an entry
/// among the subprotocols that are offered.
pub(super) fn of_upgrade<'h>(
    headers: &'h HeaderMap,
    offered: impl Iterator<Item = &'h str>,
) -> Result<Option<Token>, Refused> {
    let mut found: Vec<_> = offered.filter_map(|offer| offer.strip_prefix(ENTRY)).map(Token::new).collect();
    if headers.contains_key(AUTHORIZATION) {
        found.push(of_header(headers));
    }
    match found.pop() {
        Some(_) if !found.is_empty() => {
            Err(answer(StatusCode::BAD_REQUEST, "Send one credential, and send it in one place.\n".into()).into())
        }
        Some(token) => token.map(Some).map_err(refused),
        None => Ok(None),
    }
}

/// Whom a request proves, or nobody when it brings no credential. One that admits nobody is refused: to serve the
/// request as nobody's would let its client believe that it is signed in.
pub(super) async fn prove(
    manager: &SessionManager,
    headers: &HeaderMap,
    from: IpAddr,
) -> Result<Option<Principal>, Refused> {
    if !headers.contains_key(AUTHORIZATION) {
        return Ok(None);
    }
    let token = of_header(headers).map_err(in_json)?;
    manager.strategies().bearers.admit(&token, from).await.map(Some).map_err(in_json)
}

/// The same refusal for programs: with OAuth's two words for what is wrong (RFC 6750, section 3.1).
fn in_json(error: Error) -> Refused {
    let word = if matches!(error, Error::NotAllowed(_)) { "insufficient_scope" } else { error.code() };
    let why = if error.is_internal() { "Internal error.".to_owned() } else { error.to_string() };
    let body = serde_json::json!({ "error": word, "error_description": why });
    let mut response = refused(error);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *response.body_mut() = Body::from(body.to_string());
    response
}

/// The token of an `Authorization` header.
pub(super) fn of_header(headers: &HeaderMap) -> Result<Token> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok());
    let (scheme, token) = value.and_then(|value| value.split_once(' ')).unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Error::InvalidToken(
            "The Authorization header has to be: Bearer, a space, and an access token or an API key. Or connect without one and call the tool auth_sign_in.".into(),
        ));
    }
    Token::new(token.trim())
}

/// The answer to a credential that admits nobody.
pub(super) fn refused(error: Error) -> Refused {
    let text = if error.is_internal() {
        tracing::error!(%error, "could not look at a credential");
        "Internal error.\n".to_owned()
    } else {
        format!("{error}\n")
    };
    let mut response = answer(status::of(&error), text);
    status::add_headers(&error, response.headers_mut());
    response.into()
}

fn answer(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
