//! How a request's JSON is read: all of it, in bounds, and into a type that holds its own rules.

use super::Route;
use crate::error::Error;
use crate::tools::input;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// The largest body that is read, in bytes.
pub(super) const LIMIT: usize = 64 * 1024;

/// A body on its way.
pub(super) struct Arriving<'a> {
    pub(super) route: Route,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: Incoming,
    /// How long it may take.
    pub(super) patience: Duration,
}

/// Why a body was not taken.
#[derive(Debug)]
pub(super) enum Unread {
    NotJson,
    TooLarge,
    TooSlow,
    /// The connection broke in the middle of it.
    Broken,
    Invalid(Error),
}

impl Arriving<'_> {
    pub(super) async fn read<T: DeserializeOwned>(self) -> Result<T, Unread> {
        if !is_json(self.headers) {
            return Err(Unread::NotJson);
        }
        let whole = Limited::new(self.body, LIMIT).collect();
        let bytes = match tokio::time::timeout(self.patience, whole).await {
            Ok(Ok(whole)) => whole.to_bytes(),
            Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(Unread::TooLarge),
            Ok(Err(_)) => return Err(Unread::Broken),
            Err(_) => return Err(Unread::TooSlow),
        };
        let name = format!("{} {}", self.route.method(), self.route.path());
        let text = std::str::from_utf8(&bytes).map_err(|_| {
            Unread::Invalid(Error::InvalidArguments(format!("Invalid arguments for {name}: must be UTF-8.")))
        })?;
        input::read(&name, text.trim_start_matches([' ', '\t', '\r', '\n'])).map_err(Unread::Invalid)
    }
}

/// A form would be let through by browsers without asking, from any page; JSON is not.
fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}
