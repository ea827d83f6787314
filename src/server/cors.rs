//! What web pages of other origins may read (CORS). Which origins may talk to the server at all is
//! `origin`'s to say.
//!
//! No cookies are used, so credentials of the browser's own are never asked for.

use http::header::{
    ACCEPT, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, ORIGIN, VARY,
};
use http::{HeaderMap, Method, Response, StatusCode};

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, DELETE");
/// What pages may send, besides what browsers let them send anyway.
const HEADERS: [HeaderName; 8] = [
    AUTHORIZATION,
    CONTENT_TYPE,
    ACCEPT,
    HeaderName::from_static("mcp-session-id"),
    HeaderName::from_static("mcp-protocol-version"),
    HeaderName::from_static("mcp-method"),
    HeaderName::from_static("mcp-name"),
    HeaderName::from_static("last-event-id"),
];
/// Headers that stand for a tool's parameters begin with this.
const PARAMETER: &str = "mcp-param-";
/// As many of these are granted at once.
const MAX_PARAMETERS: usize = 64;
const EXPOSED: HeaderValue = HeaderValue::from_static("Mcp-Session-Id, WWW-Authenticate, Retry-After");
/// How long a browser may remember an answer, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// What of the server a path is, for pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// For pages of allowed origins.
    Allowed,
    /// For any page: it is public.
    Anybody,
    /// Not for pages of other origins.
    Nobody,
}

/// Which pages may read a path.
pub(super) fn reach(path: &str) -> Reach {
    match path {
        "/mcp" | "/openapi.json" => Reach::Allowed,
        _ if path.starts_with("/auth/") => Reach::Allowed,
        _ if path.starts_with("/.well-known/") => Reach::Anybody,
        _ => Reach::Nobody,
    }
}

/// Whether a request asks what a page may do.
pub(super) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS && headers.contains_key(ORIGIN) && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Answers a preflight; [`allow`] says for whom.
pub(super) fn preflight<B: Default>(requested: &HeaderMap) -> Response<B> {
    let mut response = Response::new(B::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    let mut names = HEADERS.to_vec();
    let asked_for =
        requested.get_all(ACCESS_CONTROL_REQUEST_HEADERS).into_iter().filter_map(|names| names.to_str().ok());
    let parameters = asked_for.flat_map(|names| names.split(',')).filter_map(|name| name.trim().parse().ok());
    names.extend(parameters.filter(|name: &HeaderName| name.as_str().starts_with(PARAMETER)).take(MAX_PARAMETERS));
    let names: Vec<_> = names.iter().map(HeaderName::as_str).collect();
    if let Ok(names) = names.join(", ").parse() {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names);
    }
    headers.append(VARY, HeaderValue::from_static("Access-Control-Request-Headers"));
    response
}

/// Lets the pages of an origin read an answer, if they may.
pub(super) fn allow<B>(response: &mut Response<B>, reach: Reach, allowed_origin: Option<HeaderValue>) {
    let headers = response.headers_mut();
    let origin = match reach {
        Reach::Nobody => return,
        Reach::Anybody => Some(HeaderValue::from_static("*")),
        Reach::Allowed => {
            // Without an origin, too: a cache may keep the answer for a page.
            headers.append(VARY, HeaderValue::from_static("Origin"));
            allowed_origin
        }
    };
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}
