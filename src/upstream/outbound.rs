//! What leaves for an upstream.

use super::failure::Failure;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use url::Url;

/// Where connections may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Destinations {
    /// Anywhere.
    Any,
}

/// The one way out.
#[derive(Debug, Clone)]
pub(crate) struct Outbound(Client<HttpConnector, Full<Bytes>>);

impl Outbound {
    pub(crate) fn new(_: Destinations) -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }

    /// Sends a request and waits until its answer begins.
    pub(crate) async fn request(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<Incoming>, Failure> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = url.as_str().parse().map_err(|_| Failure::Incomplete("its URL can't be used".into()))?;
        *request.headers_mut() = headers;
        self.0.request(request).await.map_err(|error| Failure::Unreachable(error.to_string()))
    }
}

/// All of a body, if it is not larger than that.
pub(crate) async fn read(body: Incoming, limit: usize) -> Result<Bytes, Failure> {
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Failure::TooLarge(limit)),
        Err(error) => Err(Failure::Ended(error.to_string())),
    }
}
