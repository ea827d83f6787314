//! The HTTP side: health, and the upgrade of `GET /mcp` to a WebSocket.

use super::auth_api::{AuthApi, Route};
use super::room::Place;
use super::{Server, credential, prepare};
use crate::mcp::Dispatcher;
use crate::session::{Open, Refusal};
use crate::store::Store;
use crate::transport::websocket;
use bytes::Bytes;
use http::header::{
    ALLOW, CONNECTION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, ORIGIN, RETRY_AFTER, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The subprotocol of the binding.
const SUBPROTOCOL: &str = "mcp";

pub(super) type Body = Full<Bytes>;
/// Why an upgrade is not made, as it is told.
pub(super) type Refused = Box<Response<Body>>;

/// Answers HTTP requests.
pub(super) struct Router {
    dispatcher: Arc<Dispatcher>,
    store: Store,
    tasks: TaskTracker,
    closing: CancellationToken,
    allowed_origins: Vec<String>,
    handshake: Duration,
    drain: Duration,
    address: SocketAddr,
    auth_api: AuthApi,
}

impl Router {
    pub(super) fn new(server: &Server, address: SocketAddr) -> Self {
        Self {
            dispatcher: Arc::clone(&server.dispatcher),
            store: server.store.clone(),
            tasks: server.tasks.clone(),
            closing: server.closing.clone(),
            allowed_origins: server.options.allowed_origins.clone(),
            handshake: server.options.handshake,
            drain: server.options.drain,
            address,
            auth_api: AuthApi::new(Arc::clone(server.dispatcher.manager()), server.options.handshake),
        }
    }
}

/// Serves one connection until it ends or becomes a WebSocket, which then has a task of its own.
pub(super) async fn serve(router: Arc<Router>, stream: TcpStream, peer: SocketAddr, place: Place) {
    prepare(&stream, peer);
    let place = Arc::new(Mutex::new(Some(place)));
    let handshake = router.handshake;
    let closing = router.closing.clone();
    let service = service_fn(move |request| {
        let (router, place) = (Arc::clone(&router), Arc::clone(&place));
        async move { Ok::<_, Infallible>(router.route(request, peer, &place).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(handshake)
        .max_buf_size(16 * 1024)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    // Draining does not wait for idle keep-alive connections: they are dropped.
    tokio::select! {
        ended = connection => if let Err(error) = ended {
            tracing::debug!(%peer, %error, "HTTP connection ended");
        },
        () = closing.cancelled() => {}
    }
}

impl Router {
    async fn route(
        &self,
        mut request: Request<Incoming>,
        peer: SocketAddr,
        place: &Mutex<Option<Place>>,
    ) -> Response<Body> {
        if let Some(route) = Route::find(request.uri().path()) {
            return Box::pin(self.auth_api.serve(route, request, peer.ip())).await.map(Body::from);
        }
        match (request.method(), request.uri().path()) {
            (&Method::GET | &Method::HEAD, "/healthz") => text(StatusCode::OK, "ok\n"),
            (&Method::GET | &Method::HEAD, "/readyz") => self.ready().await,
            (&Method::GET, "/mcp") => {
                let place = || place.lock().take();
                self.upgrade(&mut request, peer, place).await.unwrap_or_else(|refused| *refused)
            }
            (_, "/mcp") => {
                let mut response = text(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "MCP is served here over WebSocket: open one with GET and an upgrade.\n",
                );
                response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
                response
            }
            (_, "/healthz" | "/readyz") => {
                let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "Use GET.\n");
                response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
                response
            }
            _ => text(
                StatusCode::NOT_FOUND,
                "Not found. MCP is at /mcp, health at /healthz and /readyz; /openapi.json describes the rest.\n",
            ),
        }
    }

    async fn ready(&self) -> Response<Body> {
        if self.dispatcher.manager().is_draining() {
            return text(StatusCode::SERVICE_UNAVAILABLE, "draining\n");
        }
        match self.store.ping().await {
            Ok(()) => text(StatusCode::OK, "ok\n"),
            Err(error) => {
                tracing::error!(%error, "not ready");
                text(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n")
            }
        }
    }

    /// Answers an upgrade with 101 and starts the WebSocket's task, or says why not.
    async fn upgrade(
        &self,
        request: &mut Request<Incoming>,
        peer: SocketAddr,
        place: impl FnOnce() -> Option<Place>,
    ) -> Result<Response<Body>, Refused> {
        let headers = request.headers();
        if !has_token(headers, &CONNECTION, "upgrade") || !has_token(headers, &UPGRADE, "websocket") {
            let mut response = text(
                StatusCode::UPGRADE_REQUIRED,
                "MCP is served here over WebSocket: connect with a WebSocket client, for example `wscat -c ws://HOST/mcp`.\n",
            );
            response.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
            return Err(response.into());
        }
        if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
            let mut response = text(StatusCode::UPGRADE_REQUIRED, "Only WebSocket version 13 (RFC 6455) is served.\n");
            response.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            return Err(response.into());
        }
        let Some(key) = headers.get(SEC_WEBSOCKET_KEY) else {
            return Err(text(StatusCode::BAD_REQUEST, "Sec-WebSocket-Key is missing.\n").into());
        };
        self.check_origin(headers)?;
        let protocol = negotiate_subprotocol(headers)?;
        let token = credential::of_upgrade(headers, tokens(headers, &SEC_WEBSOCKET_PROTOCOL))?;
        let accept = derive_accept_key(key.as_bytes());
        let open = self.dispatcher.manager().open(peer.ip()).map_err(refused)?;
        if let Some(token) = token {
            self.dispatcher.manager().enter(&open, &token).await.map_err(credential::refused)?;
        }
        let Some(on_upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
            return Err(text(StatusCode::BAD_REQUEST, "This connection cannot be upgraded.\n").into());
        };
        let (dispatcher, tasks, drain, place) = (Arc::clone(&self.dispatcher), self.tasks.clone(), self.drain, place());
        self.tasks.spawn(async move {
            if let Some(socket) = upgraded(on_upgrade, &dispatcher).await {
                // A task of its own, which is small: what upgrading took is gone with this one.
                tasks.spawn(session(socket, open, dispatcher, drain, place));
            }
        });
        let mut response = Response::new(Body::default());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(
            SEC_WEBSOCKET_ACCEPT,
            HeaderValue::try_from(accept).unwrap_or_else(|_| HeaderValue::from_static("")),
        );
        if let Some(protocol) = protocol {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
        }
        Ok(response)
    }

    /// A web page of another origin may not connect, unless it is configured; clients that are no
    /// browsers send no origin.
    fn check_origin(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
        let origin = origin.to_str().unwrap_or_default();
        let own = headers.get(HOST).and_then(|host| host.to_str().ok()).is_some_and(|host| self.is_own(origin, host));
        if own || self.allowed_origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)) {
            return Ok(());
        }
        tracing::warn!(origin, "refused a connection from a foreign origin");
        Err(text(
            StatusCode::FORBIDDEN,
            "This origin may not connect. The server's setting allowed_origins names those that may.\n",
        )
        .into())
    }

    /// Whether an origin is the server itself. The `Host` header alone would not show it: by DNS
    /// rebinding, a foreign page can have any name resolve to this address.
    fn is_own(&self, origin: &str, host: &str) -> bool {
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let local = name == "localhost" || name.trim_matches(['[', ']']).parse() == Ok(self.address.ip());
        local && authority == Some(host)
    }
}

/// Waits for the upgrade, and takes the socket itself out of what hyper kept around it.
async fn upgraded(on_upgrade: OnUpgrade, dispatcher: &Dispatcher) -> Option<WebSocketStream<TcpStream>> {
    let upgraded = on_upgrade.await.inspect_err(|error| tracing::debug!(%error, "upgrade failed")).ok()?;
    let Ok(parts) = upgraded.downcast::<TokioIo<TcpStream>>() else {
        tracing::error!("an upgraded connection is not a TCP stream");
        return None;
    };
    let config = websocket::config(dispatcher.manager().limits().max_frame_bytes);
    let (stream, read) = (parts.io.into_inner(), parts.read_buf.to_vec());
    Some(WebSocketStream::from_partially_read(stream, read, Role::Server, Some(config)).await)
}

/// Serves a session to its end; not an `async fn` for the reason that [`websocket::serve`] is none.
fn session(
    socket: WebSocketStream<TcpStream>,
    open: Open,
    dispatcher: Arc<Dispatcher>,
    drain: Duration,
    place: Option<Place>,
) -> impl Future<Output = ()> {
    let started = Instant::now();
    let session = Arc::clone(open.session());
    tracing::info!(session = %session.id(), peer = %session.peer(), "session opened");
    let serving = websocket::serve(socket, open, dispatcher, drain);
    async move {
        let reason = serving.await;
        let (calls, seconds) = (session.calls(), started.elapsed().as_secs());
        tracing::info!(session = %session.id(), %reason, calls, seconds, "session ended");
        drop(place);
    }
}

/// The subprotocol to select: `mcp` when it is offered, none when none is.
fn negotiate_subprotocol(headers: &HeaderMap) -> Result<Option<&'static str>, Refused> {
    let offered = tokens(headers, &SEC_WEBSOCKET_PROTOCOL);
    let mut any = false;
    let mut selected = None;
    for offer in offered {
        any = true;
        if offer == SUBPROTOCOL {
            selected = Some(SUBPROTOCOL);
        }
    }
    if any && selected.is_none() {
        return Err(text(StatusCode::BAD_REQUEST, "Offer the WebSocket subprotocol `mcp`, or none.\n").into());
    }
    Ok(selected)
}

fn refused(refusal: Refusal) -> Refused {
    let (status, retry_after, reason) = match refusal {
        Refusal::Draining => (StatusCode::SERVICE_UNAVAILABLE, "5", "The server is shutting down.\n"),
        Refusal::Full => (StatusCode::SERVICE_UNAVAILABLE, "30", "The server has as many sessions as it may.\n"),
        Refusal::AddressFull => {
            (StatusCode::TOO_MANY_REQUESTS, "30", "There are too many sessions from this address.\n")
        }
    };
    tracing::warn!(?refusal, "refused a session");
    let mut response = text(status, reason);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(retry_after));
    response.into()
}

fn tokens<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|token| !token.is_empty())
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    tokens(headers, name).any(|found| found.eq_ignore_ascii_case(token))
}

fn text(status: StatusCode, body: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
