//! A WebSocket connection: one task that reads frames, polls the connection's calls, and writes.
//!
//! All that a connection does happens in its one task. Calls that wait are polled in it and
//! dropped with it, so nothing outlives the connection. Frames that are ready together leave in
//! one write: the socket is flushed only when there is nothing more to do just now.

mod closing;
mod control;
mod keeping;
mod resuming;
mod timers;
mod waiting;

use crate::mcp::{Dispatcher, Running, Step};
use crate::session::{Channel, EndReason, Open};
use crate::transport::Stream;
use crate::wire::{Frame, RequestId};
use closing::end_reason;
use futures_util::stream::FuturesUnordered;
use futures_util::{Sink, Stream as _, StreamExt};
use keeping::Keeping;
use std::any::Any;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_tungstenite::tungstenite::error::Error as WsError;
use tokio_tungstenite::tungstenite::protocol::{Message, WebSocketConfig};

/// Bytes that are read at once; the buffer is zero-filled before each read, so small is fast.
const READ_BUFFER: usize = 4096;
/// Bytes that are gathered before they are written without a flush.
const WRITE_BUFFER: usize = 64 * 1024;
/// Frames that are served before the runtime gets its turn.
const TURN: usize = 128;

type Socket = WebSocketStream<Stream>;

/// What a connection holds as long as it has a socket.
pub(crate) type Guard = Box<dyn Any + Send>;

/// The WebSocket settings for messages of at most this many bytes.
pub(crate) fn config(max_frame_bytes: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(Some(max_frame_bytes))
        .max_frame_size(Some(max_frame_bytes))
}

/// Serves a connection until it ends, and says why it did.
///
/// This future's size is what each idle session costs. So what is needed at the end only is boxed,
/// and the connection is captured: an `async fn` would have room for its arguments once more.
pub(crate) fn serve(
    socket: Socket,
    guard: Option<Guard>,
    open: Open,
    dispatcher: Arc<Dispatcher>,
    drain: Duration,
) -> impl Future<Output = EndReason> {
    let mut connection = Connection::new(socket, guard, open, dispatcher);
    async move {
        let reason = poll_fn(|cx| connection.poll(cx)).await;
        if let Some(setting) = reason.setting() {
            connection.dispatcher.manager().metrics().limit_hit(setting);
        }
        Box::pin(connection.finish(reason, drain)).await;
        reason
    }
}

struct Connection {
    /// None while the session waits for its client, or the socket is elsewhere.
    socket: Option<Socket>,
    guard: Option<Guard>,
    open: Open,
    channel: Channel,
    dispatcher: Arc<Dispatcher>,
    /// Calls that run beside each other.
    calls: FuturesUnordered<Call>,
    /// The call that all further messages wait for.
    exclusive: Option<Call>,
    /// A message that came while an exclusive call runs.
    held: Option<Utf8Bytes>,
    /// Whether the principal is to be looked at again, once no exclusive call runs.
    review: bool,
    /// Whether something was written and not flushed.
    dirty: bool,
    /// Whether others have left something to send.
    outgoing: bool,
    /// Whether something came in this turn.
    heard: bool,
    /// Whether no message has come yet.
    first: bool,
    /// What there is for a client that has asked to resume.
    keeping: Option<Box<Keeping>>,
    /// Since when the client has left bytes unread.
    blocked_since: Option<Instant>,
    /// Since when nobody is signed in, while that is so.
    stranger_since: Option<Instant>,
    last_heard: Instant,
    pinged: bool,
    timer: Pin<Box<Sleep>>,
}

/// A running call, with the hold on its id.
struct Call {
    running: Running,
    cancelled: bool,
}

impl Future for Call {
    type Output = Option<Frame>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Frame>> {
        if self.cancelled { Poll::Ready(None) } else { Pin::new(&mut self.running).poll(cx) }
    }
}

impl Connection {
    fn new(socket: Socket, guard: Option<Guard>, open: Open, dispatcher: Arc<Dispatcher>) -> Self {
        let now = Instant::now();
        let mut connection = Self {
            socket: Some(socket),
            guard,
            channel: Channel::connection(Arc::clone(&open)),
            open,
            dispatcher,
            calls: FuturesUnordered::new(),
            exclusive: None,
            held: None,
            review: false,
            dirty: false,
            outgoing: false,
            heard: false,
            first: true,
            keeping: None,
            blocked_since: None,
            stranger_since: None,
            last_heard: now,
            pinged: false,
            timer: Box::pin(sleep(Duration::ZERO)),
        };
        connection.note_standing();
        let next = connection.next_deadline();
        connection.timer.as_mut().reset(next);
        connection
    }

    /// Does all that can be done now; ready when the connection is to end.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<EndReason> {
        loop {
            match self.poll_once(cx) {
                Poll::Ready(reason) if self.outlives(reason) => self.begin_to_wait(reason),
                otherwise => return otherwise,
            }
        }
    }

    fn poll_once(&mut self, cx: &mut Context<'_>) -> Poll<EndReason> {
        self.open.watch_for_attention(cx);
        if let Poll::Ready(reason) = self.poll_timer(cx) {
            return Poll::Ready(reason);
        }
        self.heard = false;
        let turn = self.poll_turn(cx);
        if self.heard {
            self.last_heard = Instant::now();
            self.pinged = false;
        }
        turn
    }

    /// Works until there is nothing to do, or the runtime should get its turn.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<EndReason> {
        if self.is_resuming()
            && let Err(reason) = ready!(self.poll_resuming(cx))
        {
            return Poll::Ready(reason);
        }
        for _ in 0..TURN {
            if self.open.take_attention() {
                if let Some(reason) = self.open.ended() {
                    return Poll::Ready(reason);
                }
                self.review |= self.open.take_review();
                self.outgoing = true;
                if let Err(reason) = self.receive_visitor() {
                    return Poll::Ready(reason);
                }
            }
            // A client that does not read gets no further answers, and so nothing grows.
            match self.poll_writable(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(end_reason(&error)),
                Poll::Ready(Ok(())) => {}
            }
            if std::mem::take(&mut self.outgoing)
                && let Err(reason) = self.send_outgoing()
            {
                return Poll::Ready(reason);
            }
            match self.poll_work(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(reason)) => return Poll::Ready(reason),
                Poll::Pending => return self.poll_flushed(cx),
            }
        }
        cx.waker().wake_by_ref();
        self.poll_flushed(cx)
    }

    /// Does one thing: finishes a call, or takes a message.
    fn poll_work(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), EndReason>> {
        if self.keeping.is_some()
            && let Poll::Ready(done) = self.poll_keeping(cx)
        {
            return Poll::Ready(done);
        }
        if self.review && self.exclusive.is_none() {
            self.review = false;
            let running = self.dispatcher.reviewing(&self.open);
            self.exclusive = Some(Call { running, cancelled: false });
        }
        if let Some(call) = &mut self.exclusive
            && let Poll::Ready(answer) = Pin::new(call).poll(cx)
        {
            self.exclusive = None;
            self.note_standing();
            // Changes may have waited for the principal to be looked at.
            self.outgoing = true;
            return Poll::Ready(self.answer(answer));
        }
        if !self.calls.is_empty()
            && let Poll::Ready(Some(answer)) = self.calls.poll_next_unpin(cx)
        {
            return Poll::Ready(self.answer(answer));
        }
        if self.held.is_some() && self.exclusive.is_some() {
            return Poll::Pending;
        }
        if let Some(held) = self.held.take() {
            self.heard = true;
            return Poll::Ready(self.take(&held, cx));
        }
        let Some(socket) = &mut self.socket else { return Poll::Pending };
        let message = match ready!(Pin::new(socket).poll_next(cx)) {
            Some(Ok(message)) => message,
            Some(Err(error)) => return Poll::Ready(Err(end_reason(&error))),
            None => return Poll::Ready(Err(EndReason::ConnectionLost)),
        };
        self.heard = true;
        match message {
            Message::Text(text) => {
                if (self.first || self.keeping.is_some())
                    && let Some(done) = self.sift(&text)
                {
                    // Nothing else is looked at while a session is about to be resumed.
                    return if self.is_resuming() { self.poll_resuming(cx) } else { Poll::Ready(done) };
                }
                if self.exclusive.is_some() && !self.cannot_wait(&text) {
                    // One message is held, and the socket is not read any further.
                    self.held = Some(text);
                    return Poll::Pending;
                }
                Poll::Ready(self.take(&text, cx))
            }
            Message::Binary(_) => Poll::Ready(Err(EndReason::BinaryFrame)),
            Message::Close(_) => Poll::Ready(Err(EndReason::ClientClosed)),
            // tungstenite has queued the pong; the flush at the end of the turn sends it.
            Message::Ping(_) => {
                self.dirty = true;
                Poll::Ready(Ok(()))
            }
            Message::Pong(_) | Message::Frame(_) => Poll::Ready(Ok(())),
        }
    }

    /// Gives a message to the dispatcher, and polls what it starts once: most calls need no more.
    fn take(&mut self, text: &str, cx: &mut Context<'_>) -> Result<(), EndReason> {
        match self.dispatcher.receive(&self.channel, text) {
            Step::Nothing => Ok(()),
            Step::Answer(frame) => self.send(frame.text),
            Step::Cancel(id) => {
                self.cancel(&id);
                Ok(())
            }
            Step::Run(mut running) => match Pin::new(&mut running).poll(cx) {
                Poll::Ready(answer) => {
                    if running.is_exclusive() {
                        self.note_standing();
                    }
                    self.answer(answer)
                }
                Poll::Pending => {
                    let exclusive = running.is_exclusive();
                    let call = Call { running, cancelled: false };
                    if exclusive {
                        self.exclusive = Some(call);
                    } else {
                        self.calls.push(call);
                    }
                    Ok(())
                }
            },
        }
    }

    /// Sends a call's answer, behind whatever the call itself has sent.
    fn answer(&mut self, answer: Option<Frame>) -> Result<(), EndReason> {
        for message in self.open.take_messages() {
            self.send(message)?;
        }
        answer.map_or(Ok(()), |frame| self.send(frame.text))
    }

    fn cancel(&mut self, id: &RequestId) {
        if self.exclusive.as_ref().is_some_and(|call| call.running.id() == Some(id)) {
            self.exclusive = None;
        }
        for call in self.calls.iter_mut().filter(|call| call.running.id() == Some(id)) {
            call.cancelled = true;
        }
        // What was cancelled is dropped now, and not at its next wake.
        if self.calls.iter().any(|call| call.cancelled) {
            let calls = std::mem::take(&mut self.calls);
            self.calls = calls.into_iter().filter(|call| !call.cancelled).collect();
        }
    }

    /// Whether a message need not wait for the call that all others wait for: it cancels that, or answers what was
    /// asked.
    fn cannot_wait(&self, text: &str) -> bool {
        if Dispatcher::answers(&self.open, text) {
            return true;
        }
        let Some(id) = Dispatcher::cancels(text) else { return false };
        self.exclusive.as_ref().is_some_and(|call| call.running.id() == Some(&id))
    }

    fn send_outgoing(&mut self) -> Result<(), EndReason> {
        self.dispatcher.outgoing(&self.open).into_iter().try_for_each(|frame| self.send(frame))
    }

    fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), WsError>> {
        let Some(socket) = &mut self.socket else { return Poll::Ready(Ok(())) };
        let writable = Pin::new(socket).poll_ready(cx);
        if writable.is_pending() {
            self.note_blocked();
        }
        writable
    }

    /// Sends what was written; ready only when that fails.
    fn poll_flushed(&mut self, cx: &mut Context<'_>) -> Poll<EndReason> {
        let Some(socket) = self.socket.as_mut().filter(|_| self.dirty) else { return Poll::Pending };
        match Pin::new(socket).poll_flush(cx) {
            Poll::Pending => {
                self.note_blocked();
                Poll::Pending
            }
            Poll::Ready(Ok(())) => {
                self.dirty = false;
                // Only now has the client taken all that was sent. Room for more does not show that.
                self.blocked_since = None;
                Poll::Pending
            }
            Poll::Ready(Err(error)) => Poll::Ready(end_reason(&error)),
        }
    }
}
