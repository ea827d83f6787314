//! `GET /metrics`, at an address of its own: what Prometheus reads. Nothing else is served there, and nobody is asked
//! who they are.

use super::{Server, prepare};
use crate::error::{Error, Result};
use crate::session::SessionManager;
use crate::upstream::Upstreams;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Connections that are served at once.
const CONNECTIONS: usize = 16;
/// How long a connection may be without a request.
const IDLE: Duration = Duration::from_secs(60);
/// How long to wait when a connection could not be accepted.
const BREATH: Duration = Duration::from_millis(100);

/// Where metrics are read, once it is served.
#[derive(Debug)]
pub(super) struct Listener(StdListener);

/// Answers whoever asks.
struct Page {
    manager: Arc<SessionManager>,
    upstreams: Arc<Upstreams>,
}

impl Listener {
    /// Takes the address.
    ///
    /// # Errors
    /// [`Error::Config`] when it can't be had.
    pub(super) fn bind(address: SocketAddr) -> Result<Self> {
        let bound = StdListener::bind(address).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok(listener)
        });
        let wrong = |error| Error::Config(format!("metrics.listen: cannot listen on {address}: {error}"));
        bound.map(Self).map_err(wrong)
    }

    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.0.local_addr().ok()
    }

    /// What serves the server's metrics until it closes.
    ///
    /// # Errors
    /// [`Error::Internal`] outside of a runtime.
    pub(super) fn serve(self, server: &Server) -> Result<impl Future<Output = ()> + Send + 'static> {
        let listener =
            TcpListener::from_std(self.0).map_err(|error| Error::internal("listening for metrics", error))?;
        let manager = Arc::clone(server.dispatcher.manager());
        let page = Arc::new(Page { manager, upstreams: Arc::clone(&server.gateway) });
        Ok(accept(listener, page, server.tasks.clone(), server.closing.clone()))
    }
}

async fn accept(listener: TcpListener, page: Arc<Page>, tasks: TaskTracker, closing: CancellationToken) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let next = async {
            let permit = Arc::clone(&room).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            next = next => next,
            () = closing.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (page, closing) = (Arc::clone(&page), closing.clone());
                tasks.spawn(async move {
                    let _permit = permit;
                    tokio::select! {
                        () = connection(stream, peer, page) => {}
                        () = closing.cancelled() => {}
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection for metrics");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, page: Arc<Page>) {
    prepare(&stream, peer);
    let service = service_fn(move |request| {
        let answer = page.answer(&request);
        async { Ok::<_, Infallible>(answer) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        tracing::debug!(%peer, %error, "a connection for metrics ended");
    }
}

impl Page {
    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        let (status, kind, text) = match (request.method(), request.uri().path()) {
            (&Method::GET | &Method::HEAD, "/metrics") => {
                let text = self.manager.metrics().text(self.manager.session_counts(), &self.upstreams.states());
                let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
                (StatusCode::OK, kind, text)
            }
            (_, "/metrics") => (StatusCode::METHOD_NOT_ALLOWED, plain, "Use GET.\n".into()),
            _ => (StatusCode::NOT_FOUND, plain, "Not found. Metrics are at /metrics.\n".into()),
        };
        let mut response = Response::new(Full::from(text));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, kind);
        response
    }
}
