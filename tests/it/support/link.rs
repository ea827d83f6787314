//! What carries a client's messages: a WebSocket, or requests over HTTP.

use super::http_link::HttpLink;
use futures_util::{SinkExt, StreamExt};
use sessile::wire::Era;
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Error as WsError};

use super::soon;

pub(crate) type Socket = WebSocketStream<TcpStream>;

/// A way for messages to go and come.
pub(crate) enum Link {
    /// All on one socket.
    Socket(Box<Socket>),
    /// Each message is a request of its own.
    Http(HttpLink),
}

impl Link {
    /// A WebSocket, opened with these headers besides its own.
    pub(crate) async fn socket(address: SocketAddr, headers: &[(&str, &str)]) -> Self {
        let uri = format!("ws://{address}/mcp").parse().expect("it is a URI");
        let mut request = ClientRequestBuilder::new(uri).with_sub_protocol("mcp");
        for (name, value) in headers {
            request = request.with_header(*name, *value);
        }
        let stream = TcpStream::connect(address).await.expect("the server listens");
        let upgraded = soon("the upgrade", tokio_tungstenite::client_async(request, stream)).await;
        let (socket, _) = upgraded.expect("the server upgrades");
        Self::Socket(Box::new(socket))
    }

    /// Requests over HTTP, each with this bearer token if there is one.
    pub(crate) async fn http(address: SocketAddr, era: Era, token: Option<&str>) -> Self {
        Self::Http(HttpLink::open(address, era, token).await)
    }

    /// Sends a message at once.
    pub(crate) async fn send(&mut self, message: Message) -> Result<(), WsError> {
        match self {
            Self::Socket(socket) => socket.send(message).await,
            Self::Http(http) => {
                http.send(message.to_text().expect("HTTP carries text"));
                Ok(())
            }
        }
    }

    /// Sends a message with the next one, or at the next [`Link::flush`].
    pub(crate) async fn feed(&mut self, message: Message) -> Result<(), WsError> {
        match self {
            Self::Socket(socket) => socket.feed(message).await,
            Self::Http(_) => self.send(message).await,
        }
    }

    /// Sends what was fed.
    pub(crate) async fn flush(&mut self) -> Result<(), WsError> {
        match self {
            Self::Socket(socket) => socket.flush().await,
            Self::Http(_) => Ok(()),
        }
    }

    /// What comes next.
    pub(crate) async fn next(&mut self) -> Option<Result<Message, WsError>> {
        match self {
            Self::Socket(socket) => socket.next().await,
            Self::Http(http) => http.next().await.map(|text| Ok(Message::text(text))),
        }
    }

    /// Ends it.
    pub(crate) async fn close(&mut self) -> Result<(), WsError> {
        match self {
            Self::Socket(socket) => socket.as_mut().close(None).await,
            Self::Http(http) => {
                http.close().await;
                Ok(())
            }
        }
    }

    /// The TCP stream below a socket.
    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        match self {
            Self::Socket(socket) => socket.get_mut(),
            Self::Http(_) => panic!("requests have no stream of their own"),
        }
    }
}
