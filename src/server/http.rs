//! The HTTP side: which request is whose.

mod upgrade;

use super::auth_api::{AuthApi, Route};
use super::cors::{self, Reach};
use super::forwarded::TrustedProxies;
use super::origin::Gate;
use super::room::Place;
use super::tls::Tls;
use super::well_known::ProtectedResource;
use super::{Server, credential, prepare};
use crate::mcp::Dispatcher;
use crate::store::Store;
use crate::transport::http::{Body, Caller, Endpoint};
use crate::transport::{Patient, Stream};
use crate::upstream::{CALLBACK, DOCUMENT, Upstreams};
use http::header::{ALLOW, CONTENT_TYPE, HOST, HeaderValue, ORIGIN};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

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
    gate: Gate,
    proxies: TrustedProxies,
    resource: ProtectedResource,
    handshake: Duration,
    drain: Duration,
    auth_api: AuthApi,
    upstreams: Arc<Upstreams>,
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
            gate: server.gate.at(address),
            proxies: server.options.trusted_proxies.clone(),
            resource: ProtectedResource::new(&server.options),
            handshake: server.options.handshake,
            drain: server.options.drain,
            auth_api: AuthApi::new(Arc::clone(server.dispatcher.manager()), server.options.handshake),
            upstreams: Arc::clone(&server.gateway),
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
        request: Request<Incoming>,
        peer: SocketAddr,
        place: &Mutex<Option<Place>>,
    ) -> Response<Body> {
        match (request.method(), request.uri().path()) {
            // Health is asked for by machines, under whatever name they have for this one.
            (&Method::GET | &Method::HEAD, "/healthz") => text(StatusCode::OK, "ok\n"),
            (&Method::GET | &Method::HEAD, "/readyz") => self.ready().await,
            (_, "/healthz" | "/readyz") => use_get(),
            _ => self.guarded(request, peer, place).await,
        }
    }

    /// Serves a request that is for this server, and from no page that may not talk to it.
    async fn guarded(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        place: &Mutex<Option<Place>>,
    ) -> Response<Body> {
        let (headers, reach) = (request.headers(), cors::reach(request.uri().path()));
        let checked = self.gate.check_host(request.uri(), headers).and_then(|host| match reach {
            Reach::Anybody => Ok(()),
            Reach::Allowed | Reach::Nobody => self.gate.check_origin(headers, host),
        });
        if let Err(foreign) = checked {
            return text(foreign.status(), foreign.text());
        }
        let (origin, host) = (headers.get(ORIGIN).cloned(), headers.get(HOST).cloned());
        let host = host.as_ref().and_then(|host| host.to_str().ok()).unwrap_or_default();
        let mut response = if reach != Reach::Nobody && cors::is_preflight(request.method(), headers) {
            cors::preflight(headers)
        } else if ProtectedResource::is_at(request.uri().path()) {
            match *request.method() {
                Method::GET | Method::HEAD => self.resource.document(host),
                _ => use_get(),
            }
        } else {
            let client = self.proxies.client(peer.ip(), headers);
            self.served(request, client, place).await
        };
        self.resource.point_to_it(&mut response, host);
        cors::allow(&mut response, reach, origin);
        response
    }

    async fn served(
        &self,
        mut request: Request<Incoming>,
        client: IpAddr,
        place: &Mutex<Option<Place>>,
    ) -> Response<Body> {
        if let Some(route) = Route::find(request.uri().path()) {
            return Box::pin(self.auth_api.serve(route, request, client)).await.map(Body::from);
        }
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/mcp") if upgrade::is_asked_for(request.headers()) => {
                let place = || place.lock().take();
                self.upgrade(&mut request, client, place).await.unwrap_or_else(|refused| *refused)
            }
            (&Method::GET, CALLBACK) => {
                let query = request.uri().query();
                Box::pin(self.upstreams.authorizations().answer(query)).await.map(Body::from)
            }
            (&Method::GET | &Method::HEAD, DOCUMENT) => self.upstreams.authorizations().document().map(Body::from),
            (_, DOCUMENT) => use_get(),
            (_, CALLBACK) => {
                let mut refusal = use_get();
                refusal.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
                refusal
            }
            (_, "/mcp") => self.mcp(request, client).await.unwrap_or_else(|refused| *refused),
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

fn use_get() -> Response<Body> {
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "Use GET.\n");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

fn text(status: StatusCode, body: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
