//! From a request's headers to whom they prove.

use crate::mcp::Dispatcher;
use crate::tenancy::Principal;
use crate::transport::http::Body;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use http::{HeaderMap, Response, StatusCode};
use std::net::IpAddr;

/// Whom a request proves, or nobody when it brings no credentials.
///
/// # Errors
/// The response to a request whose credentials prove nothing: to serve it as nobody's would let its client believe
/// that it is signed in.
pub(super) async fn prove(
    _dispatcher: &Dispatcher,
    headers: &HeaderMap,
    _from: IpAddr,
) -> Result<Option<Principal>, Box<Response<Body>>> {
    if !headers.contains_key(AUTHORIZATION) {
        return Ok(None);
    }
    Err(refused("This server takes no credentials."))
}

fn refused(why: &str) -> Box<Response<Body>> {
    let body = serde_json::json!({ "error": "invalid_token", "error_description": why });
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(r#"Bearer error="invalid_token""#));
    Box::new(response)
}
