//! What one upstream session is opened and called with.

use super::definition::Definition;
use super::failure::Failure;
use http::HeaderMap;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What one upstream session is opened and called with, already for one tenant and user.
#[derive(Clone)]
pub(crate) struct Outward(Arc<Parts>);

struct Parts {
    definition: Arc<Definition>,
    url: Option<url::Url>,
    headers: HeaderMap,
    environment: Vec<(String, Zeroizing<String>)>,
}

impl Outward {
    pub(crate) fn definition(&self) -> &Arc<Definition> {
        &self.0.definition
    }

    pub(crate) async fn url(&self) -> Result<url::Url, Failure> {
        self.0.url.clone().ok_or_else(|| Failure::Incomplete("it has no URL".into()))
    }

    pub(crate) async fn headers(&self) -> Result<HeaderMap, Failure> {
        Ok(self.0.headers.clone())
    }

    pub(crate) async fn environment(&self) -> Result<Vec<(String, Zeroizing<String>)>, Failure> {
        Ok(self.0.environment.clone())
    }

    pub(crate) fn unit(&self) -> &str {
        "a unit"
    }

    #[cfg(test)]
    pub(crate) fn fixed(
        definition: Definition,
        headers: HeaderMap,
        environment: Vec<(String, Zeroizing<String>)>,
    ) -> Self {
        use super::definition::Reach;
        let url = match &definition.reach {
            Reach::WebSocket { url, .. } => url.plain().and_then(|url| url.parse().ok()),
            _ => None,
        };
        Self(Arc::new(Parts { definition: Arc::new(definition), url, headers, environment }))
    }
}

impl fmt::Debug for Outward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outward").finish_non_exhaustive()
    }
}
