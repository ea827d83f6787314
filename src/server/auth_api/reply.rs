//! How answers look: JSON, with a status that says in general what the body says in detail.

use super::Route;
use super::body::{LIMIT, Unread};
use super::types::ErrorBody;
use crate::error::Error;
use crate::server::status;
use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, Response, StatusCode};
use serde::Serialize;

/// For one reader alone: nobody in between keeps it.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response<Bytes> {
    match serde_json::to_vec(body) {
        Ok(bytes) => private(status, bytes.into()),
        Err(error) => {
            tracing::error!(%error, "could not write an answer");
            private(StatusCode::INTERNAL_SERVER_ERROR, Bytes::new())
        }
    }
}

/// Done, and nothing to say.
pub(super) fn nothing() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// For anybody, and good for a while.
pub(super) fn public(json: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(json.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}

/// What an error is answered with; a fault of ours is told to the log alone.
pub(super) fn error(route: Route, error: &Error) -> Response<Bytes> {
    let (code, retry_after_seconds) = (error.code(), status::retry_after(error));
    let message = if error.is_internal() {
        tracing::error!(path = route.path(), %error, "a request failed");
        "Internal error.".to_owned()
    } else {
        error.to_string()
    };
    let mut response = json(status::of(error), &ErrorBody { error: code, message: &message, retry_after_seconds });
    status::add_headers(error, response.headers_mut());
    response
}

pub(super) fn unread(route: Route, unread: &Unread) -> Response<Bytes> {
    let (status, code, message) = match unread {
        Unread::Invalid(invalid) => return error(route, invalid),
        Unread::NotJson => (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Send JSON, and say so: Content-Type: application/json.".to_owned(),
        ),
        Unread::TooLarge => {
            (StatusCode::PAYLOAD_TOO_LARGE, "too_large", format!("The body may have {LIMIT} bytes at the most."))
        }
        Unread::TooSlow => (StatusCode::REQUEST_TIMEOUT, "timeout", "The body took too long to arrive.".to_owned()),
        Unread::Broken => (StatusCode::BAD_REQUEST, "invalid_arguments", "The body did not arrive whole.".to_owned()),
    };
    json(status, &ErrorBody { error: code, message: &message, retry_after_seconds: None })
}

pub(super) fn method_not_allowed(allowed: &Method) -> Response<Bytes> {
    let allow = if *allowed == Method::GET { "GET, HEAD" } else { "POST" };
    let message = format!("Use {allowed}.");
    let body = ErrorBody { error: "method_not_allowed", message: &message, retry_after_seconds: None };
    let mut response = json(StatusCode::METHOD_NOT_ALLOWED, &body);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    response
}

fn private(status: StatusCode, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
