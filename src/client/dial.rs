//! One WebSocket connection with a gateway.

use super::GatewayUrl;
use crate::auth::Token;
use crate::upstream::{Destinations, Failure, Outbound};
use http::header::{AUTHORIZATION, RETRY_AFTER, SEC_WEBSOCKET_PROTOCOL, USER_AGENT};
use http::{HeaderValue, Response, StatusCode};
use std::time::Duration;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::{Error as WsError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// An open connection with a gateway.
pub(crate) type Socket = WebSocketStream<crate::upstream::OutboundSocket>;

/// How long an upgrade may take, once there is a connection.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes that are read at once; the buffer is zero-filled before each read, so small is fast.
const READ_BUFFER: usize = 8192;
/// Bytes that are gathered before they are written without a flush.
const WRITE_BUFFER: usize = 64 * 1024;
/// The largest message that a gateway may send. Gateways bound what they take themselves.
const MAX_MESSAGE: usize = 64 * 1024 * 1024;

/// Why there is no connection. What it says is for people, and holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DialError {
    /// Nothing answers there: its name, its address, its port or its certificate.
    #[error("cannot reach it: {0}")]
    Unreachable(String),
    /// The gateway wants no connection, or not with this token.
    #[error("it answered with HTTP status {status}: {why}")]
    Refused {
        /// The status.
        status: u16,
        /// What it says of that.
        why: String,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// Something answers that is no gateway.
    #[error("what answers there is no gateway: {0}")]
    NotAGateway(String),
}

impl DialError {
    /// Whether the token admits nobody, so that trying again with it changes nothing.
    pub(crate) fn is_about_the_token(&self) -> bool {
        matches!(self, Self::Refused { status: 401 | 403, .. })
    }

    /// Whether trying again later may help.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused { status, .. } => *status == 429 || *status >= 500,
            Self::NotAGateway(_) => false,
        }
    }
}

/// Connects and upgrades, with a token if there is one.
///
/// # Errors
/// Why there is no connection, by kind.
pub(crate) async fn dial(url: &GatewayUrl, token: Option<&Token>) -> Result<Socket, DialError> {
    // Whoever types a URL may go anywhere.
    let outbound = Outbound::new(Destinations::Any);
    let mut request = url.url().as_str().into_client_request().map_err(|error| wrong(&error))?;
    let headers = request.headers_mut();
    headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("mcp"));
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("sessile/", env!("CARGO_PKG_VERSION"))));
    if let Some(token) = token {
        let bearer = zeroize::Zeroizing::new(format!("Bearer {}", token.text()));
        let mut value = HeaderValue::from_str(&bearer)
            .map_err(|_| DialError::NotAGateway("the token holds characters that no token has".into()))?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    let socket = outbound.open(url.url()).await.map_err(|failure| match failure {
        Failure::Unreachable(why) => DialError::Unreachable(why),
        other => DialError::Unreachable(other.to_string()),
    })?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    match tokio::time::timeout(PATIENCE, client_async_with_config(request, socket, Some(config))).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(WsError::Http(response))) => Err(refused(&response)),
        Ok(Err(WsError::ConnectionClosed | WsError::Protocol(ProtocolError::HandshakeIncomplete))) => {
            Err(DialError::Unreachable("it closed the connection before it answered".into()))
        }
        Ok(Err(WsError::Io(error))) => Err(DialError::Unreachable(error.to_string())),
        Ok(Err(error)) => Err(wrong(&error)),
        Err(_) => Err(DialError::Unreachable(format!("it did not answer within {} s", PATIENCE.as_secs()))),
    }
}

fn wrong(error: &WsError) -> DialError {
    DialError::NotAGateway(error.to_string())
}

fn refused(response: &Response<Option<Vec<u8>>>) -> DialError {
    let status = response.status();
    let said = String::from_utf8_lossy(response.body().as_deref().unwrap_or_default());
    // A gateway says why in one line; what else may answer there, such as a web page, is not repeated.
    let line = said.lines().next().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('<'));
    let why = line.map_or_else(|| reason(status).to_owned(), |line| line.chars().take(300).collect());
    if status.is_success() || status.is_redirection() || status == StatusCode::NOT_FOUND {
        return DialError::NotAGateway(format!("HTTP status {}: {why}", status.as_u16()));
    }
    let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    DialError::Refused { status: status.as_u16(), why, retry_after: seconds.map(Duration::from_secs) }
}

fn reason(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("no reason given")
}
