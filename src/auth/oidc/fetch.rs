//! Fetches an issuer's documents: bounded in size and time, and from where it was told to alone.

use super::options::{is_loopback, is_safe};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

/// The largest document that is read, in bytes.
const MAX_BYTES: usize = 256 * 1024;
/// How long one document may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What is read of an issuer's description of itself.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

/// A set of keys, each as it came: one that is not understood does not hide the others.
#[derive(Deserialize)]
pub(super) struct KeySet {
    pub(super) keys: Vec<Value>,
}

/// A client that fetches from this issuer.
pub(super) fn client(issuer: &str) -> Result<Client, String> {
    let builder = Client::builder().redirect(Policy::none()).timeout(TIMEOUT).user_agent("sessile");
    let local = issuer.parse().is_ok_and(|url| is_loopback(&url));
    // A proxy cannot reach this machine's own addresses.
    let builder = if local { builder.no_proxy() } else { builder };
    builder.build().map_err(|error| described(&error))
}

/// The keys of an issuer, found by way of its description.
pub(super) async fn key_set(client: &Client, issuer: &str) -> Result<KeySet, String> {
    let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let discovery: Discovery = json(client, &address).await?;
    if discovery.issuer != issuer {
        return Err(format!("{address} describes the issuer {:?}, which is another one", discovery.issuer));
    }
    let url: Url = discovery.jwks_uri.parse().map_err(|error| format!("the jwks_uri at {address}: {error}"))?;
    let local = issuer.parse().is_ok_and(|url| is_loopback(&url));
    if !is_safe(&url) || (url.scheme() == "http" && !local) {
        return Err(format!("the jwks_uri at {address} is not https"));
    }
    json(client, url.as_str()).await
}

async fn json<T: DeserializeOwned>(client: &Client, url: &str) -> Result<T, String> {
    let failed = |error: reqwest::Error| format!("{url}: {}", described(&error));
    let mut response = client.get(url).header("accept", "application/json").send().await.map_err(failed)?;
    if response.status() != StatusCode::OK {
        return Err(format!("{url}: answered with {}", response.status()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(format!("{url}: answered with more than {MAX_BYTES} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body).map_err(|error| format!("{url}: {error}"))
}

/// An error with what is behind it: the first alone says little.
fn described(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut behind = error.source();
    while let Some(cause) = behind {
        text = format!("{text}: {cause}");
        behind = cause.source();
    }
    text
}
