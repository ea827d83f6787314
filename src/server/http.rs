//! The HTTP side: health, MCP in requests, and the upgrade of `GET /mcp` to a WebSocket.

use super::auth_api::{AuthApi, Route};
use super::room::Place;
use super::tls::Tls;
use super::{Server, credential, prepare};
use crate::mcp::Dispatcher;
use crate::session::{Open, Refusal};
use crate::store::Store;
use crate::transport::http::{Body, Caller, Endpoint};
use crate::transport::{Patient, Stream, websocket};
use http::header::{
    ALLOW, CONNECTION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, ORIGIN, RETRY_AFTER, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The subprotocol of the binding.
const SUBPROTOCOL: &str = "mcp";
/// What the endpoint can be asked with.
const METHODS: &str = "GET, POST, DELETE, OPTIONS";

/// Why an upgrade is not made, as it is told.
pub(super) type Refused = Box<Response<Body>>;

/// How long a connection may take to send what is left once draining is over.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Answers HTTP requests.
pub(super) struct Router {
    dispatcher: Arc<Dispatcher>,
    endpoint: Arc<Endpoint>,
    store: Store,
    tasks: TaskTracker,
    closing: CancellationToken,
    allowed_origins: Vec<String>,
    handshake: Duration,
    drain: Duration,
    address: SocketAddr,
    auth_api: AuthApi,
    tls: Option<Arc<Tls>>,
}

impl Router {
    pub(super) fn new(server: &Server, endpoint: Arc<Endpoint>, address: SocketAddr) -> Self {
        Self {
            dispatcher: Arc::clone(&server.dispatcher),
            endpoint,
            store: server.store.clone(),
            tasks: server.tasks.clone(),
            closing: server.closing.clone(),
            allowed_origins: server.options.allowed_origins.clone(),
            handshake: server.options.handshake,
            drain: server.options.drain,
            address,
            auth_api: AuthApi::new(Arc::clone(server.dispatcher.manager()), server.options.handshake),
            tls: server.tls.clone(),
        }
    }
}

/// Serves one connection until it ends or becomes a WebSocket, which then has a task of its own.
pub(super) async fn serve(router: Arc<Router>, stream: TcpStream, peer: SocketAddr, place: Place) {
    prepare(&stream, peer);
    let Some(stream) = router.secured(stream, peer).await else { return };
    let place = Arc::new(Mutex::new(Some(place)));
    let (handshake, drain, closing) = (router.handshake, router.drain, router.closing.clone());
    let stream = Patient::new(stream, router.dispatcher.manager().limits().write_timeout);
    let service = service_fn(move |request| {
        let (router, place) = (Arc::clone(&router), Arc::clone(&place));
        async move { Ok::<_, Infallible>(router.route(request, peer, &place).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(handshake)
        .max_buf_size(16 * 1024)
        // An answer and its head are copied together and leave in one write.
        .writev(false)
        .pipeline_flush(true)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = closing.cancelled() => {
            // Idle ones close at once. What is asked for is answered, as long as draining may take.
            connection.as_mut().graceful_shutdown();
            timeout(drain + LAST_WORDS, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "HTTP connection ended");
    }
}

impl Router {
    /// The connection's stream, after the handshake when there is TLS; none when that fails.
    async fn secured(&self, stream: TcpStream, peer: SocketAddr) -> Option<Stream> {
        let Some(tls) = &self.tls else { return Some(Stream::Plain(stream)) };
        // Boxed, because what a handshake needs is not needed afterwards.
        let handshake = tokio::time::timeout(self.handshake, Box::pin(tls.accept(stream)));
        let accepted = tokio::select! {
            accepted = handshake => accepted,
            () = self.closing.cancelled() => return None,
        };
        match accepted {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) => {
                tracing::debug!(%peer, %error, "TLS handshake failed");
                None
            }
            Err(_) => {
                tracing::debug!(%peer, "TLS handshake took too long");
                None
            }
        }
    }

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
            (&Method::GET, "/mcp") if asks_for_upgrade(request.headers()) => {
                let place = || place.lock().take();
                self.upgrade(&mut request, peer, place).await.unwrap_or_else(|refused| *refused)
            }
            (_, "/mcp") => self.mcp(request, peer.ip()).await.unwrap_or_else(|refused| *refused),
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

    /// MCP in HTTP requests.
    async fn mcp(&self, request: Request<Incoming>, peer: IpAddr) -> Result<Response<Body>, Refused> {
        let (parts, body) = request.into_parts();
        let (method, headers) = (&parts.method, &parts.headers);
        let names_session = headers.contains_key("mcp-session-id");
        if method != Method::POST && !(names_session && (method == Method::GET || method == Method::DELETE)) {
            return Err(hint(method));
        }
        let principal = credential::prove(self.dispatcher.manager(), headers, peer).await?;
        let caller = Caller { principal, peer };
        Ok(match *method {
            Method::POST => self.endpoint.post(headers, body, caller).await,
            Method::GET => self.endpoint.get(headers, &caller),
            _ => self.endpoint.delete(headers, &caller),
        })
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

/// Whether somebody means to open a WebSocket, well or not.
fn asks_for_upgrade(headers: &HeaderMap) -> bool {
    headers.contains_key(UPGRADE) || headers.contains_key(SEC_WEBSOCKET_KEY)
}

/// What to do, for whoever came without a message.
fn hint(method: &Method) -> Refused {
    if method == Method::OPTIONS {
        let mut response = text(StatusCode::NO_CONTENT, "");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(METHODS));
        return response.into();
    }
    let mut response = text(
        StatusCode::METHOD_NOT_ALLOWED,
        "This is an MCP server (Model Context Protocol). Connect an MCP client to this URL: over Streamable HTTP, \
         with POST, or over WebSocket, for example with `wscat -s mcp -c ws://HOST/mcp`.\n\
         GET and DELETE without an upgrade are for sessions, which are named in Mcp-Session-Id.\n",
    );
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(METHODS));
    response.into()
}

/// Waits for the upgrade, and takes the socket itself out of what hyper kept around it.
async fn upgraded(on_upgrade: OnUpgrade, dispatcher: &Dispatcher) -> Option<WebSocketStream<Stream>> {
    let upgraded = on_upgrade.await.inspect_err(|error| tracing::debug!(%error, "upgrade failed")).ok()?;
    let Ok(parts) = upgraded.downcast::<TokioIo<Patient<Stream>>>() else {
        tracing::error!("an upgraded connection is no stream of ours");
        return None;
    };
    let config = websocket::config(dispatcher.manager().limits().max_frame_bytes);
    let (stream, read) = (parts.io.into_inner().into_inner(), parts.read_buf.to_vec());
    Some(WebSocketStream::from_partially_read(stream, read, Role::Server, Some(config)).await)
}

/// Serves a session to its end; not an `async fn` for the reason that [`websocket::serve`] is none.
fn session(
    socket: WebSocketStream<Stream>,
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
