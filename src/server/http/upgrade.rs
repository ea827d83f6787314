//! The upgrade of `GET /mcp` to a WebSocket.

use super::super::credential;
use super::super::room::Place;
use super::{Refused, Router, text};
use crate::mcp::Dispatcher;
use crate::session::{Open, Refusal};
use crate::transport::http::Body;
use crate::transport::{Patient, Stream, websocket};
use http::header::{
    CONNECTION, HeaderName, HeaderValue, RETRY_AFTER, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

/// The subprotocol of the binding.
const SUBPROTOCOL: &str = "mcp";

/// Whether somebody means to open a WebSocket, well or not.
pub(super) fn is_asked_for(headers: &HeaderMap) -> bool {
    headers.contains_key(UPGRADE) || headers.contains_key(SEC_WEBSOCKET_KEY)
}

impl Router {
    /// Answers an upgrade with 101 and starts the WebSocket's task, or says why not.
    pub(super) async fn upgrade(
        &self,
        request: &mut Request<Incoming>,
        client: IpAddr,
        place: impl FnOnce() -> Option<Place>,
    ) -> Result<Response<Body>, Refused> {
        let headers = request.headers();
        if !has_token(headers, &CONNECTION, "upgrade") || !has_token(headers, &UPGRADE, "websocket") {
            let mut response = text(
                StatusCode::UPGRADE_REQUIRED,
                "An upgrade to a WebSocket needs the headers Connection: Upgrade and Upgrade: websocket, and a proxy has to pass both on. A WebSocket client sends them, for example `wscat -c ws://HOST/mcp`.\n",
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
        let protocol = negotiate_subprotocol(headers)?;
        let token = credential::of_upgrade(headers, tokens(headers, &SEC_WEBSOCKET_PROTOCOL))?;
        let accept = derive_accept_key(key.as_bytes());
        let open = self.dispatcher.manager().open(client).map_err(refused)?;
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
    let place = place.map(|place| Box::new(place) as websocket::Guard);
    let serving = websocket::serve(socket, place, open, dispatcher, drain);
    async move {
        let reason = serving.await;
        let (calls, seconds) = (session.calls(), started.elapsed().as_secs());
        tracing::info!(session = %session.id(), %reason, calls, seconds, "session ended");
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
        Refusal::Draining => {
            (StatusCode::SERVICE_UNAVAILABLE, "5", "The server is shutting down. Connect again in a moment.\n")
        }
        Refusal::Full => (
            StatusCode::SERVICE_UNAVAILABLE,
            "30",
            "The server has as many sessions as it may. Its setting limits.max_sessions says how many.\n",
        ),
        Refusal::AddressFull => (
            StatusCode::TOO_MANY_REQUESTS,
            "30",
            "There are too many sessions from this address. The server's setting limits.max_sessions_per_address says how many there may be; behind a proxy, see trusted_proxies.\n",
        ),
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
