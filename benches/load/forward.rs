//! Another yardstick for the calls to an HTTP upstream: a process in between that passes requests on, on the HTTP
//! library that Sessile uses on both sides, and does nothing else.
//!
//! What it takes is what HTTP asks of anybody who stands there and keeps connections: to read and to write its messages,
//! twice a call.

use std::convert::Infallible;
use std::net::SocketAddr;

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{Either, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::Result;
use super::echo::{end_with_input, listen};

/// Passes requests on to the upstream there, until standard input ends.
pub(crate) fn run(upstream: SocketAddr) -> Result<()> {
    end_with_input();
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let authority: Authority = upstream.to_string().parse()?;
    let serve = listen("proxy", move |stream| {
        let (client, authority) = (client.clone(), authority.clone());
        async move {
            let service = service_fn(|request| pass(&client, &authority, request));
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        }
    });
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve)
}

async fn pass(
    client: &Client<HttpConnector, Incoming>,
    authority: &Authority,
    mut request: Request<Incoming>,
) -> std::result::Result<Response<Either<Incoming, Empty<Bytes>>>, Infallible> {
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority.clone());
    parts.path_and_query.get_or_insert(PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
    Ok(match client.request(request).await {
        Ok(response) => response.map(Either::Left),
        Err(_) => {
            let mut response = Response::new(Either::Right(Empty::new()));
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        }
    })
}
