//! How a connection ends: its last calls, its last words, and the reason that errors stand for.

use super::Connection;
use super::control::received;
use crate::session::EndReason;
use futures_util::{SinkExt, StreamExt};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as WsError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message};

/// How long a closing handshake may take.
const CLOSING: Duration = Duration::from_secs(2);

impl Connection {
    /// Finishes the calls that run, and takes no new ones.
    fn poll_calls_to_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if ready!(self.poll_writable(cx)).is_err() {
                return Poll::Ready(());
            }
            let answer = if let Some(call) = &mut self.exclusive {
                let answer = ready!(Pin::new(call).poll(cx));
                self.exclusive = None;
                answer
            } else {
                match ready!(self.calls.poll_next_unpin(cx)) {
                    Some(answer) => answer,
                    None => return Poll::Ready(()),
                }
            };
            if self.answer(answer).is_err() {
                return Poll::Ready(());
            }
        }
    }

    /// How many messages of the client were taken up, where they are counted: one that is held was not.
    fn taken_up(&self) -> Option<u64> {
        let keeping = self.keeping.as_ref()?;
        Some(keeping.got - u64::from(self.held.is_some()))
    }

    /// Closes the socket: what is left to say, the close frame, and a moment for the client's own.
    pub(super) async fn finish(&mut self, reason: EndReason, drain: Duration) {
        if reason == EndReason::Draining && self.socket.is_some() {
            self.leave(reason).await;
            let _ = timeout(drain, poll_fn(|cx| self.poll_calls_to_end(cx))).await;
        }
        // Calls that still run end here, and with them whatever they hold.
        self.exclusive = None;
        self.calls.clear();
        let taken = self.taken_up().filter(|_| reason == EndReason::Draining);
        self.leave(reason).await;
        let Some(mut socket) = self.socket.take().filter(|_| reason != EndReason::ConnectionLost) else { return };
        let farewell = if reason == EndReason::Draining { self.dispatcher.farewell(&self.open) } else { Vec::new() };
        let closing = async {
            for frame in farewell {
                socket.feed(Message::Text(frame.into())).await?;
            }
            if let Some(taken) = taken {
                socket.feed(Message::Text(received(taken).into())).await?;
            }
            if reason != EndReason::ClientClosed {
                let frame = CloseFrame { code: CloseCode::from(reason.close_code()), reason: reason.name().into() };
                socket.send(Message::Close(Some(frame))).await?;
            }
            while let Some(Ok(_)) = socket.next().await {}
            // TLS has a farewell of its own.
            socket.get_mut().shutdown().await?;
            Ok::<_, WsError>(())
        };
        let _ = timeout(CLOSING, closing).await;
    }
}

pub(super) fn end_reason(error: &WsError) -> EndReason {
    match error {
        WsError::ConnectionClosed | WsError::AlreadyClosed => EndReason::ClientClosed,
        WsError::Capacity(CapacityError::MessageTooLong { .. }) => EndReason::MessageTooBig,
        WsError::Utf8(_) => EndReason::InvalidUtf8,
        WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => EndReason::ConnectionLost,
        WsError::Protocol(_) => EndReason::ProtocolError,
        WsError::WriteBufferFull(_) => EndReason::SlowReader,
        WsError::Io(_) => EndReason::ConnectionLost,
        _ => EndReason::Internal,
    }
}
