//! A link over a WebSocket: one message a text frame.
//!
//! One task reads and writes. What is sent waits for it, within bounds, so nobody waits for a slow upstream.

mod outbox;
mod pump;
#[cfg(test)]
mod tests;

use super::failure::Failure;
use super::link::{Inbox, Link, Outgoing, Purpose};
use super::outbound::{Outbound, Socket};
use super::outward::Outward;
use http::header::{SEC_WEBSOCKET_PROTOCOL, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use outbox::Outbox;
use pump::{Pump, SILENCE};
use std::sync::Arc;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError, SubProtocolError};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use tokio_util::task::TaskTracker;

/// Bytes that are read at once; the buffer is zero-filled before each read, so small is fast.
const READ_BUFFER: usize = 4096;
/// Bytes that are gathered before they are written without a flush.
const WRITE_BUFFER: usize = 64 * 1024;

/// Connects, for as long as that takes. When the link is dropped, the connection is closed, by a task that `tasks` has.
///
/// `inbox` may be told that a request failed from within [`Link::send`].
///
/// # Errors
/// [`Failure::Unreachable`] when there is no connection, [`Failure::Unauthorized`] and [`Failure::Status`] when the
/// upstream does not want one, and what keeps URL and headers from being put together.
pub(crate) async fn open(
    outward: Outward,
    outbound: &Outbound,
    inbox: Arc<dyn Inbox>,
    tasks: &TaskTracker,
) -> Result<Box<dyn Link>, Failure> {
    let (url, headers) = (outward.url().await?, outward.headers().await?);
    let limits = &outward.definition().limits;
    let offered = connect(&url, &headers, true, outbound, limits.max_message_bytes).await;
    let socket = match offered {
        // The specification lets a server ignore what is offered. The client that is used here does not.
        Err(Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(SubProtocolError::NoSubProtocol))) => {
            connect(&url, &headers, false, outbound, limits.max_message_bytes).await
        }
        other => other,
    };
    let socket = socket.map_err(refused)?;
    let outbox = Arc::new(Outbox::default());
    let upstream = &outward.definition().name;
    tasks.spawn(Pump::new(socket, Arc::clone(&outbox), Arc::clone(&inbox), limits.max_message_bytes, SILENCE).run());
    Ok(Box::new(WebSocketLink { upstream: upstream.clone(), outbox, inbox }))
}

async fn connect(
    url: &url::Url,
    headers: &HeaderMap,
    offer: bool,
    outbound: &Outbound,
    max_message_bytes: usize,
) -> Result<WebSocketStream<Socket>, Error> {
    let request = request(url, headers, offer)?;
    let socket = outbound.open(url).await.map_err(|failure| Error::Io(std::io::Error::other(failure)))?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(Some(max_message_bytes))
        .max_frame_size(Some(max_message_bytes));
    let (socket, _) = client_async_with_config(request, socket, Some(config)).await?;
    Ok(socket)
}

fn request(url: &url::Url, headers: &HeaderMap, offer: bool) -> Result<Request<()>, Error> {
    let mut request = url.as_str().into_client_request()?;
    for (name, value) in headers {
        // What makes up the upgrade is not for a configuration to change.
        if !request.headers().contains_key(name) {
            request.headers_mut().append(name, value.clone());
        }
    }
    request.headers_mut().remove(SEC_WEBSOCKET_PROTOCOL);
    if offer {
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("mcp"));
    }
    Ok(request)
}

/// Why there is no connection.
fn refused(error: Error) -> Failure {
    match error {
        Error::Http(response) => match response.status() {
            StatusCode::UNAUTHORIZED => {
                let wanted = response.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
                Failure::Unauthorized(wanted.map(str::to_owned))
            }
            status => Failure::Status(status.as_u16()),
        },
        Error::Io(error) if error.get_ref().is_some_and(|inner| inner.is::<Failure>()) => {
            let failure = error.into_inner().and_then(|inner| inner.downcast::<Failure>().ok());
            failure.map_or_else(|| Failure::Unreachable("no connection came about".into()), |failure| *failure)
        }
        other => Failure::Unreachable(other.to_string()),
    }
}

#[derive(Debug)]
struct WebSocketLink {
    upstream: String,
    outbox: Arc<Outbox>,
    inbox: Arc<dyn Inbox>,
}

impl Link for WebSocketLink {
    fn send(&self, message: Outgoing) {
        if let Err(failure) = self.outbox.push(message.text) {
            match message.purpose {
                Purpose::Request { id, .. } => self.inbox.failed(id, failure),
                Purpose::Notification { .. } | Purpose::Response => {
                    tracing::debug!(upstream = self.upstream, %failure, "a message was not delivered");
                }
            }
        }
    }
}

impl Drop for WebSocketLink {
    fn drop(&mut self) {
        self.outbox.leave();
    }
}
