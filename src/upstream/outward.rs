//! What one upstream session is opened and called with, for one tenant or user.

use super::definition::{Definition, Reach};
use super::failure::Failure;
use http::HeaderMap;
use std::fmt;
use std::sync::Arc;
use url::Url;
use zeroize::Zeroizing;

/// What an upstream is told, with credentials filled in.
#[derive(Clone)]
pub(crate) struct Outward(Arc<Fixed>);

struct Fixed {
    definition: Arc<Definition>,
    headers: HeaderMap,
    environment: Vec<(String, Zeroizing<String>)>,
}

impl Outward {
    /// The same for every call.
    #[cfg(test)]
    pub(crate) fn fixed(
        definition: Definition,
        headers: HeaderMap,
        environment: Vec<(String, Zeroizing<String>)>,
    ) -> Self {
        Self(Arc::new(Fixed { definition: Arc::new(definition), headers, environment }))
    }

    /// What the upstream is.
    pub(crate) fn definition(&self) -> &Arc<Definition> {
        &self.0.definition
    }

    /// The endpoint. Never logged.
    #[allow(clippy::unused_async)]
    pub(crate) async fn url(&self) -> Result<Url, Failure> {
        let (Reach::Http { url, .. } | Reach::WebSocket { url, .. }) = &self.0.definition.reach else {
            return Err(Failure::Incomplete("it has no URL".to_owned()));
        };
        let url = url.plain().ok_or_else(|| Failure::Incomplete("its URL needs a credential".to_owned()))?;
        url.parse().map_err(|error| Failure::Incomplete(format!("its URL can't be used: {error}")))
    }

    /// What is sent with each request.
    #[allow(clippy::unused_async)]
    pub(crate) async fn headers(&self) -> Result<HeaderMap, Failure> {
        Ok(self.0.headers.clone())
    }

    /// Whom it is for, in log lines.
    pub(crate) fn unit(&self) -> &str {
        "fixed"
    }
}

impl fmt::Debug for Outward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outward").field("upstream", &self.0.definition.name).finish_non_exhaustive()
    }
}
