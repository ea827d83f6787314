//! What one upstream session is opened and called with.

use super::definition::{Definition, Reach};
use super::failure::Failure;
use http::HeaderMap;
use std::fmt;
use std::sync::Arc;
use url::Url;
use zeroize::Zeroizing;

/// What one upstream session is called with. Clones share it.
#[derive(Clone)]
pub(crate) struct Outward {
    definition: Arc<Definition>,
    headers: HeaderMap,
}

impl Outward {
    /// What is filled in already, for tests of what sends it.
    #[cfg(test)]
    pub(crate) fn fixed(definition: Definition, headers: HeaderMap, _: Vec<(String, String)>) -> Self {
        Self { definition: Arc::new(definition), headers }
    }

    pub(crate) fn definition(&self) -> &Arc<Definition> {
        &self.definition
    }

    pub(crate) async fn url(&self) -> Result<Url, Failure> {
        let text = match &self.definition.reach {
            Reach::OpenApi { base_url: Some(url), .. } => url.plain().and_then(|url| url.parse().ok()),
            _ => None,
        };
        text.ok_or_else(|| Failure::Incomplete("it has no URL of its own".into()))
    }

    pub(crate) async fn headers(&self) -> Result<HeaderMap, Failure> {
        Ok(self.headers.clone())
    }

    pub(crate) async fn query(&self) -> Result<Vec<(String, Zeroizing<String>)>, Failure> {
        let Reach::OpenApi { query, .. } = &self.definition.reach else { return Ok(Vec::new()) };
        Ok(query
            .iter()
            .map(|(name, text)| (name.clone(), text.plain().unwrap_or_default().to_owned().into()))
            .collect())
    }

    pub(crate) fn unit(&self) -> &str {
        "test"
    }
}

impl fmt::Debug for Outward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outward")
    }
}
