//! What is to be served: the page that a person comes back to, and a document for authorization servers.
//!
//! The page says what happened, and repeats nothing of what it was asked with.

use super::client::{Method, metadata};
use super::{Authorizations, Callback, Unfinished};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Response, StatusCode};

/// The path of the page.
pub(crate) const CALLBACK: &str = "/oauth/callback";
/// The path of the document that says what the gateway is to authorization servers which take that for a client id.
pub(crate) const DOCUMENT: &str = "/oauth/client.json";

impl Authorizations {
    /// The document at [`DOCUMENT`].
    pub(crate) fn document(&self) -> Response<String> {
        let mut document = metadata(&self.redirect, Method::None);
        document["client_id"] = self.document.as_str().into();
        let mut response = Response::new(document.to_string());
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }

    /// Finishes what a request for the page says, by its query, and answers it.
    pub(crate) async fn answer(&self, query: Option<&str>) -> Response<String> {
        let finished = match Callback::parse(query.unwrap_or_default()) {
            Some(callback) => self.finish(callback).await,
            None => Err(Unfinished::Unknown),
        };
        let (status, title, text) = match finished {
            Ok(()) => (StatusCode::OK, "Connected", "You can close this page and go on where you were."),
            Err(Unfinished::Unknown) => (
                StatusCode::NOT_FOUND,
                "Not connected",
                "This link was used before, is too old, or is not one of this server's. Begin again where you were.",
            ),
            Err(Unfinished::Declined) => (
                StatusCode::OK,
                "Not connected",
                "The authorization was declined, so nothing has changed. You can close this page.",
            ),
            Err(Unfinished::Mismatch) => (
                StatusCode::NOT_FOUND,
                "Not connected",
                "The answer does not come from where you were sent, so it was not used. Begin again where you were.",
            ),
            Err(Unfinished::Failed(failure)) => {
                tracing::warn!(%failure, "an authorization at an upstream failed");
                (
                    StatusCode::BAD_GATEWAY,
                    "Not connected",
                    "The authorization server did not give access. Begin again where you were; whoever runs this \
                     server finds more in its log.",
                )
            }
        };
        page(status, title, text)
    }
}

fn page(status: StatusCode, title: &str, text: &str) -> Response<String> {
    let mut response = Response::new(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><h1>{title}</h1><p>{text}</p></html>\n"
    ));
    *response.status_mut() = status;
    let policy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, policy),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
