//! What the server says of itself to clients that look for a way to sign in (RFC 9728).

use super::ServerOptions;
use crate::transport::http::Body;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use serde::Serialize;

/// Where the document is, also with the path of the resource behind it.
const PATH: &str = "/.well-known/oauth-protected-resource";

/// What is told of `/mcp`.
#[derive(Debug, Clone)]
pub(super) struct ProtectedResource {
    /// The URL for others, where it is known; else it is what a request calls the server.
    public_url: Option<String>,
    scheme: &'static str,
    /// Who signs people in, besides the server itself, which is no authorization server.
    issuers: Vec<String>,
}

#[derive(Serialize)]
struct Document<'a> {
    resource: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    authorization_servers: &'a [String],
    bearer_methods_supported: [&'static str; 1],
    resource_name: &'static str,
}

impl ProtectedResource {
    pub(super) fn new(options: &ServerOptions) -> Self {
        Self {
            public_url: options.public_url.as_ref().map(|url| url.trim_end_matches('/').to_owned()),
            scheme: if options.tls.is_some() { "https" } else { "http" },
            issuers: options.oidc.iter().map(|one| one.issuer.clone()).collect(),
        }
    }

    /// Whether a path is that of the document.
    pub(super) fn is_at(path: &str) -> bool {
        path.strip_prefix(PATH).is_some_and(|rest| matches!(rest, "" | "/mcp"))
    }

    /// The document, for a request that calls the server `host`.
    pub(super) fn document(&self, host: &str) -> Response<Body> {
        let document = Document {
            resource: format!("{}/mcp", self.url(host)),
            authorization_servers: &self.issuers,
            bearer_methods_supported: ["header"],
            resource_name: "Sessile",
        };
        let mut response = match serde_json::to_string(&document) {
            Ok(text) => Response::new(Body::from(text)),
            Err(error) => {
                tracing::error!(%error, "could not write the description of the resource");
                let mut response = Response::new(Body::default());
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                return response;
            }
        };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
        response
    }

    /// Has a refusal for want of a good token say where to learn who gives them, if anybody else does.
    pub(super) fn point_to_it<B>(&self, response: &mut Response<B>, host: &str) {
        if response.status() != StatusCode::UNAUTHORIZED || self.issuers.is_empty() {
            return;
        }
        let challenge = response.headers().get(WWW_AUTHENTICATE).and_then(|challenge| challenge.to_str().ok());
        let separator = match challenge {
            None => "Bearer ",
            Some(challenge) if challenge.contains(' ') => ", ",
            Some(_) => " ",
        };
        let challenge = challenge.unwrap_or_default();
        let pointing = format!("{challenge}{separator}resource_metadata=\"{}{PATH}/mcp\"", self.url(host));
        if let Ok(pointing) = HeaderValue::try_from(pointing) {
            response.headers_mut().insert(WWW_AUTHENTICATE, pointing);
        }
    }

    fn url(&self, host: &str) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("{}://{host}", self.scheme))
    }
}
