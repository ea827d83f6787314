//! Which redirects are followed: those that repeat the request, to the same origin.
//!
//! A redirect elsewhere would take the upstream's credentials with it.

use crate::upstream::Failure;
use http::header::LOCATION;
use http::{Response, StatusCode};
use std::borrow::Cow;
use url::Url;

/// How many are followed, one after the other.
const MOST: usize = 3;

/// A URL that a request is sent to, and how it came to that.
pub(super) struct Hop<'u> {
    url: Cow<'u, Url>,
    before: usize,
}

impl<'u> Hop<'u> {
    pub(super) fn first(url: &'u Url) -> Self {
        Self { url: Cow::Borrowed(url), before: 0 }
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Where a response leads on to; nowhere if it is an answer.
    pub(super) fn next<B>(&self, response: &Response<B>) -> Result<Option<Self>, Failure> {
        let status = response.status();
        let repeats = matches!(status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
        if !status.is_redirection() || status == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let target = location.and_then(|location| self.url.join(location).ok());
        let Some(target) = target else {
            return Err(Failure::Unreadable(format!("it redirects with status {} to nowhere", status.as_u16())));
        };
        // Only the origin is named: what follows it may hold a secret.
        let origin = target.origin().ascii_serialization();
        let refused = |why: &str| Failure::Unreadable(format!("it redirects to {origin}, and {why}"));
        if !repeats {
            return Err(refused(&format!("a redirect with status {} is not followed", status.as_u16())));
        }
        if target.origin() != self.url.origin() {
            return Err(refused("redirects to another origin are not followed; configure that URL instead"));
        }
        if self.before == MOST {
            return Err(refused("there were too many redirects before that"));
        }
        Ok(Some(Self { url: Cow::Owned(target), before: self.before + 1 }))
    }
}
