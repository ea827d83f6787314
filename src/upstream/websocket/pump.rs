//! The one task of a connection: gives on what comes, sends what waits, and notices when the other side is gone.

use super::outbox::Outbox;
use crate::upstream::failure::Failure;
use crate::upstream::link::Inbox;
use futures_util::future::poll_fn;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message};

/// Messages before others get their turn.
const TURN: usize = 128;
/// A connection on which nothing comes for so long is asked whether it is there, and has as long again to answer.
pub(super) const SILENCE: Duration = Duration::from_secs(30);
/// How long a closing handshake may take.
const CLOSING: Duration = Duration::from_secs(2);

/// What the task works with.
pub(super) struct Pump<S> {
    socket: WebSocketStream<S>,
    outbox: Arc<Outbox>,
    inbox: Arc<dyn Inbox>,
    max_message_bytes: usize,
    silence: Duration,
    /// Whether something was written and not flushed.
    dirty: bool,
    last_heard: Instant,
    pinged: bool,
    timer: Pin<Box<Sleep>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Pump<S> {
    pub(super) fn new(
        socket: WebSocketStream<S>,
        outbox: Arc<Outbox>,
        inbox: Arc<dyn Inbox>,
        max_message_bytes: usize,
        silence: Duration,
    ) -> Self {
        let (last_heard, timer) = (Instant::now(), Box::pin(sleep(silence)));
        Self { socket, outbox, inbox, max_message_bytes, silence, dirty: false, last_heard, pinged: false, timer }
    }

    /// Serves the connection until it ends or the link is dropped, and closes it.
    pub(super) async fn run(mut self) {
        let mut last_words = Vec::new();
        match poll_fn(|cx| self.poll(cx)).await {
            Some(why) => {
                self.outbox.close(&format!("the connection has ended ({why})"));
                self.inbox.ended(Failure::Ended(why));
            }
            None => {
                // What was said last, such as that a call is cancelled, still goes.
                last_words.extend(std::iter::from_fn(|| self.outbox.pop()));
                self.outbox.close("its session is closed");
            }
        }
        let Self { mut socket, inbox, outbox, .. } = self;
        drop((inbox, outbox));
        let _ = timeout(CLOSING, async {
            for text in last_words {
                socket.feed(Message::Text(text.into())).await?;
            }
            let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
            socket.close(Some(frame)).await?;
            while let Some(Ok(_)) = socket.next().await {}
            Ok::<_, Error>(())
        })
        .await;
    }

    /// Does all that can be done now; ready when the connection is over, with how it ended, or when the link was
    /// dropped.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<String>> {
        self.outbox.watch(cx);
        if self.outbox.is_left() {
            return Poll::Ready(None);
        }
        let turn = self.poll_turn(cx);
        if turn.is_ready() {
            return turn.map(Some);
        }
        self.poll_timer(cx).map(Some)
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<String> {
        if let Poll::Ready(Err(error)) = self.poll_write(cx) {
            return Poll::Ready(self.name(&error));
        }
        // It is read even if nothing can be written: the other side may wait for that.
        for _ in 0..TURN {
            match Pin::new(&mut self.socket).poll_next(cx) {
                Poll::Pending => return self.poll_flush(cx),
                Poll::Ready(Some(Ok(message))) => {
                    self.last_heard = Instant::now();
                    self.pinged = false;
                    if let Some(end) = self.take(&message) {
                        return Poll::Ready(end);
                    }
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(self.name(&error)),
                Poll::Ready(None) => return Poll::Ready("the connection was lost".into()),
            }
        }
        cx.waker().wake_by_ref();
        self.poll_flush(cx)
    }

    /// Takes a message; or the end, if it is one.
    fn take(&mut self, message: &Message) -> Option<String> {
        match message {
            Message::Text(text) => self.inbox.message(text, None),
            Message::Binary(_) => return Some("it sent a binary frame".into()),
            Message::Close(None) => return Some("it closed the connection".into()),
            Message::Close(Some(frame)) => {
                let code = u16::from(frame.code);
                let reason = frame.reason.escape_debug();
                return Some(format!("it closed the connection with code {code} {reason}").trim_end().to_owned());
            }
            // tungstenite has queued the pong.
            Message::Ping(_) => self.dirty = true,
            Message::Pong(_) | Message::Frame(_) => {}
        }
        None
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while !self.outbox.is_empty() {
            match Pin::new(&mut self.socket).poll_ready(cx) {
                Poll::Ready(Ok(())) => {}
                other => return other,
            }
            let Some(text) = self.outbox.pop() else { break };
            self.dirty = true;
            self.socket.start_send_unpin(Message::Text(text.into()))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Sends what was written; ready only when that fails.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<String> {
        if self.dirty {
            match Pin::new(&mut self.socket).poll_flush(cx) {
                Poll::Pending => {}
                Poll::Ready(Ok(())) => self.dirty = false,
                Poll::Ready(Err(error)) => return Poll::Ready(self.name(&error)),
            }
        }
        Poll::Pending
    }

    /// Asks a silent connection whether it is there; ready when it does not answer.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<String> {
        while self.timer.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            if self.pinged && now >= self.last_heard + 2 * self.silence {
                return Poll::Ready("it does not answer pings".into());
            }
            if !self.pinged && now >= self.last_heard + self.silence {
                self.pinged = true;
                self.dirty = true;
                if let Err(error) = self.socket.start_send_unpin(Message::Ping(bytes::Bytes::new())) {
                    return Poll::Ready(self.name(&error));
                }
                // What can't be flushed now is flushed when there is room, or never.
                if let Poll::Ready(end) = self.poll_flush(cx) {
                    return Poll::Ready(end);
                }
            }
            let next = self.last_heard + self.silence * if self.pinged { 2 } else { 1 };
            self.timer.as_mut().reset(next.max(now + Duration::from_millis(1)));
        }
        Poll::Pending
    }

    fn name(&self, error: &Error) -> String {
        match error {
            Error::Capacity(_) => format!("it sent more than {} bytes, which is the limit", self.max_message_bytes),
            Error::ConnectionClosed | Error::AlreadyClosed => "it closed the connection".into(),
            Error::Io(error) => format!("the connection was lost: {error}"),
            other => other.to_string(),
        }
    }
}
