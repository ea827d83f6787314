//! Requests of a client of authorization servers: small JSON, in a short time, to where the upstream's owner may.

use crate::upstream::Failure;
use crate::upstream::outbound::{Destinations, Outbound, read};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio::time::timeout;
use url::Url;
use zeroize::Zeroizing;

/// The largest document that is read, in bytes.
const MAX_BYTES: usize = 256 * 1024;
/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(15);
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// Sends them.
#[derive(Debug, Clone)]
pub(super) struct Requests {
    outbound: Outbound,
    /// Whether they may be sent without encryption.
    plain: bool,
}

/// Why something posted was refused: the word for it that OAuth has.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) word: String,
}

impl Requests {
    /// Requests for an upstream. Where that is called without encryption, and may be at a private address, the
    /// same goes for its authorization server.
    pub(super) fn new(outbound: &Outbound, upstream: &Url) -> Self {
        let plain = upstream.scheme() == "http" && outbound.destinations() == Destinations::Any;
        Self { outbound: outbound.clone(), plain }
    }

    /// Whether an endpoint may be used: what travels to it is secret.
    pub(super) fn check(&self, url: &Url) -> Result<(), Failure> {
        if url.scheme() == "https" || url.scheme() == "http" && self.plain {
            return Ok(());
        }
        Err(Failure::Incomplete(format!(
            "a URL of its authorization begins with {}: and not with https:",
            url.scheme()
        )))
    }

    /// A document; none where there is none.
    pub(super) async fn get<T: DeserializeOwned>(&self, url: &Url) -> Result<Option<T>, Failure> {
        let headers = HeaderMap::from_iter([(ACCEPT, JSON)]);
        let (status, body) = self.send(Method::GET, url, headers, String::new().into()).await?;
        if status.is_server_error() {
            return Err(Failure::Status(status.as_u16()));
        }
        if !status.is_success() {
            return Ok(None);
        }
        serde_json::from_slice(&body).map(Some).map_err(|_| unreadable(url))
    }

    /// Posts a JSON document, and reads another.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        url: &Url,
        body: String,
    ) -> Result<Result<T, Refusal>, Failure> {
        let headers = HeaderMap::from_iter([(ACCEPT, JSON), (CONTENT_TYPE, JSON)]);
        self.answer(url, self.send(Method::POST, url, headers, body.into()).await?)
    }

    /// Posts a form, and reads a document.
    pub(super) async fn form<T: DeserializeOwned>(
        &self,
        url: &Url,
        form: Zeroizing<String>,
        authorization: Option<HeaderValue>,
    ) -> Result<Result<T, Refusal>, Failure> {
        let mut headers = HeaderMap::from_iter([(ACCEPT, JSON), (CONTENT_TYPE, FORM)]);
        headers.extend(authorization.map(|value| (AUTHORIZATION, value)));
        self.answer(url, self.send(Method::POST, url, headers, form).await?)
    }

    fn answer<T: DeserializeOwned>(
        &self,
        url: &Url,
        (status, body): (StatusCode, Zeroizing<Vec<u8>>),
    ) -> Result<Result<T, Refusal>, Failure> {
        #[derive(Deserialize)]
        struct Said {
            error: String,
        }
        if status.is_success() {
            return serde_json::from_slice(&body).map(Ok).map_err(|_| unreadable(url));
        }
        if status.is_server_error() {
            return Err(Failure::Status(status.as_u16()));
        }
        let said = serde_json::from_slice(&body).map_or_else(|_| String::new(), |said: Said| said.error);
        // It is repeated to people, so it is one of OAuth's words or nothing.
        let is_word = said.len() <= 40 && said.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        Ok(Err(Refusal { status, word: if is_word { said } else { String::new() } }))
    }

    async fn send(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Zeroizing<String>,
    ) -> Result<(StatusCode, Zeroizing<Vec<u8>>), Failure> {
        self.check(url)?;
        let done = timeout(PATIENCE, async {
            let response = self.outbound.request(method, url, headers, body.as_bytes().to_vec().into()).await?;
            let status = response.status();
            Ok((status, Zeroizing::new(read(response.into_body(), MAX_BYTES).await?.to_vec())))
        });
        done.await.unwrap_or(Err(Failure::TimedOut(PATIENCE.as_secs())))
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.word.as_str() {
            "" => write!(f, "status {}", self.status.as_u16()),
            word => f.write_str(word),
        }
    }
}

fn unreadable(url: &Url) -> Failure {
    Failure::Unreadable(format!("what {} says is not what OAuth has", url.host_str().unwrap_or_default()))
}
