//! The one client for all that leaves for an upstream.
//!
//! Whoever adds an upstream chooses where the gateway connects to. What tenants add may lead to public addresses only,
//! so each connection is checked where it is made, whatever a URL, a name or a redirect says. Nothing here knows MCP.

mod address;
mod connector;
mod network;
mod redirect;
mod socket;
#[cfg(test)]
mod tests;

pub(crate) use address::is_public;
pub(crate) use socket::Socket;

use super::failure::Failure;
use bytes::Bytes;
use connector::Connector;
use http::header::{CONNECTION, CONTENT_LENGTH, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use network::System;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// How long a connection is kept for the next request. Many servers close theirs after 5 s, and a request that meets
/// the closing is lost.
const KEPT: Duration = Duration::from_secs(4);
/// How many are kept of one host.
const KEPT_PER_HOST: usize = 32;
const AGENT: HeaderValue = HeaderValue::from_static(concat!("sessile/", env!("CARGO_PKG_VERSION")));
/// What says how a message travels is for this client to set.
const OWN: [http::HeaderName; 6] = [CONNECTION, CONTENT_LENGTH, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];

/// Where connections may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Destinations {
    /// Anywhere: for upstreams of whoever runs the server.
    Any,
    /// To public addresses only: for upstreams that tenants add.
    Public,
}

/// A client for upstreams. Clones share their connections.
#[derive(Clone)]
pub(crate) struct Outbound {
    connector: Connector,
    client: Client<Connector, Full<Bytes>>,
}

impl Outbound {
    /// A client that connects to these destinations alone. It keeps connections of its own.
    pub(crate) fn new(destinations: Destinations) -> Self {
        Self::over(Connector::new(destinations, Arc::new(System::default())))
    }

    /// Where it connects to.
    pub(crate) fn destinations(&self) -> Destinations {
        self.connector.destinations
    }

    fn over(connector: Connector) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(KEPT)
            .pool_max_idle_per_host(KEPT_PER_HOST)
            .build(connector.clone());
        Self { connector, client }
    }

    /// A connection with the host of a URL, for `ws`, `wss`, `http` and `https`, with TLS where the scheme says so.
    ///
    /// # Errors
    /// [`Failure::Incomplete`] for a URL that can't be used, [`Failure::Unreachable`] for all else.
    pub(crate) async fn open(&self, url: &Url) -> Result<Socket, Failure> {
        let (host, port) = check(url, &["http", "https", "ws", "wss"])?;
        self.connector.open(host, port, matches!(url.scheme(), "https" | "wss")).await
    }

    /// Sends a request and waits until its answer begins, for as long as that takes once there is a connection.
    /// Redirects are followed that repeat the request (307 and 308) and lead to the same origin.
    ///
    /// # Errors
    /// [`Failure::Incomplete`] for a URL that can't be used, [`Failure::Unreachable`] when nothing was sent,
    /// [`Failure::Ended`] when it is not known what became of it, [`Failure::Unreadable`] for other redirects.
    pub(crate) async fn request(
        &self,
        method: Method,
        url: &Url,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<Incoming>, Failure> {
        for name in OWN {
            headers.remove(name);
        }
        headers.entry(USER_AGENT).or_insert(AGENT);
        let mut hop = redirect::Hop::first(url);
        loop {
            let url = hop.url();
            check(url, &["http", "https"])?;
            let uri: Uri = url.as_str().parse().map_err(|_| Failure::Incomplete("its URL can't be used".to_owned()))?;
            let mut request = Request::new(Full::new(body.clone()));
            *request.method_mut() = method.clone();
            *request.uri_mut() = uri;
            *request.headers_mut() = headers.clone();
            let response = self.client.request(request).await.map_err(|error| failure(url, &error))?;
            match hop.next(&response)? {
                None => return Ok(response),
                Some(next) => hop = next,
            }
        }
    }
}

/// All of a body, if it is not larger than that.
///
/// # Errors
/// [`Failure::TooLarge`], or [`Failure::Ended`] when it breaks off.
pub(crate) async fn read(body: Incoming, limit: usize) -> Result<Bytes, Failure> {
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Failure::TooLarge(limit)),
        Err(error) => Err(Failure::Ended(chain(&*error))),
    }
}

/// An error with what is behind it: the first alone says little.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut behind = error.source();
    while let Some(cause) = behind {
        text = format!("{text}: {cause}");
        behind = cause.source();
    }
    text
}

/// The host and the port of a URL that may be used.
fn check<'u>(url: &'u Url, schemes: &[&str]) -> Result<(&'u str, u16), Failure> {
    let wrong = |what: String| Err(Failure::Incomplete(what));
    if !schemes.contains(&url.scheme()) {
        return wrong(format!("its URL begins with {}: and not with one of {}", url.scheme(), schemes.join(", ")));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("there is a user name or a password in its URL; put them into a header".to_owned());
    }
    match (url.host_str(), url.port_or_known_default()) {
        (Some(host), Some(port)) => Ok((host, port)),
        _ => wrong("its URL has no host".to_owned()),
    }
}

/// A host without the brackets of an IPv6 address.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host)
}

/// Why there is no answer. The connector says so itself where it was the connector.
fn failure(url: &Url, error: &Error) -> Failure {
    let mut behind: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = behind {
        if let Some(failure) = cause.downcast_ref::<Failure>() {
            return failure.clone();
        }
        behind = cause.source();
    }
    let text = format!("{}: {}", url.host_str().unwrap_or_default(), chain(error));
    if error.is_connect() { Failure::Unreachable(text) } else { Failure::Ended(text) }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("connector", &self.connector).finish_non_exhaustive()
    }
}
