//! A host that speaks over standard input and output, and a gateway that speaks over a WebSocket: lines become
//! messages and messages lines, as they are. When the connection is lost, the session goes on over another one, where
//! the gateway still has it.
//!
//! One task does all of it. It reads of a message who is asked for what, and nothing else, unless its connection was
//! lost: only then it matters what a request is, and whether it may be repeated.

mod answers;
mod backoff;
mod gateway;
mod host;
mod memory;
mod news;
mod opening;
mod outgoing;
mod pending;
mod resume;
mod sessions;
mod stdio;
mod timing;

pub(crate) use news::Verbosity;

use crate::auth::Token;
use crate::client::{GatewayUrl, Socket};
use crate::wire::RequestId;
use answers::Fault;
use backoff::Backoff;
use futures_util::SinkExt as _;
use memory::Memory;
use news::say;
use opening::{NotOpened, Opened};
use outgoing::Outgoing;
use pending::Pending;
use resume::Credential;
use std::collections::HashSet;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use stdio::{Input, Output};
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// Messages before the runtime and its signals get their turn.
const TURN: usize = 128;
/// How long answers are waited for when the host has closed its end. Hosts are known to kill after two seconds.
const LEAVING: Duration = Duration::from_millis(1500);
/// How long a closing handshake may take, and how long the host may take for the last answers.
const CLOSING: Duration = Duration::from_millis(400);

/// What a bridge is to do.
pub(crate) struct Options {
    /// Where the gateway is.
    pub(crate) url: GatewayUrl,
    /// The token to connect with, if there is one.
    pub(crate) token: Option<Token>,
    /// What is in its place, when the gateway has refused it.
    pub(crate) other_token: Box<dyn Fn() -> Option<Token>>,
    /// How long a request waits for a connection.
    pub(crate) wait: Duration,
    /// How long a request may take in all, if that is bounded.
    pub(crate) call_timeout: Option<Duration>,
    /// After what silence the gateway is asked whether it is there; it has half as long to answer.
    pub(crate) silence: Duration,
    /// How much is said on standard error.
    pub(crate) verbosity: Verbosity,
}

/// Serves the host until it leaves or `told` is done. All that the host asked for is answered then, or told that it is
/// not.
pub(crate) async fn run(options: Options, told: impl Future<Output = ()>) {
    let mut bridge = Bridge::new(options);
    bridge.dial();
    tokio::select! {
        () = poll_fn(|cx| bridge.poll(cx)) => {}
        () = told => {}
    }
    bridge.finish().await;
}

struct Bridge {
    options: Options,
    /// The gateway without what its URL may hold beside its place.
    place: String,
    token: Option<Arc<Token>>,
    input: Input,
    output: Output,
    link: Link,
    outgoing: Outgoing,
    pending: Pending,
    memory: Memory,
    /// What the gateway asked the host and has no answer to.
    asked: HashSet<RequestId>,
    credential: Option<Credential>,
    /// Whether somebody signed in by a tool, whom the token does not bring back.
    by_tool: bool,
    /// Counted messages of the session that came.
    received: u64,
    /// Messages and bytes of them that were not acknowledged.
    unacknowledged: (u64, usize),
    backoff: Backoff,
    /// Lines of the host until now.
    lines: u64,
    /// Since when there is no connection, while there is none.
    lost_at: Option<Instant>,
    /// Whether that was said.
    lost_told: bool,
    /// What went wrong last.
    trouble: String,
    /// Whether the gateway said before it closed what it had taken up.
    drained: bool,
    /// Whether there ever was a connection.
    was_open: bool,
    /// Until when to wait for answers, once the host has closed its end.
    leave_by: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

type Opening = Pin<Box<dyn Future<Output = Result<Opened, NotOpened>>>>;

/// The way to the gateway.
enum Link {
    /// There is none, until it is tried again.
    Waiting { until: Instant },
    /// It is being tried.
    Opening(Opening),
    /// Messages go and come.
    Open(Box<Connection>),
    /// There is none until the host has something to say.
    Dormant,
    /// There will be none.
    Hopeless { fault: Fault, asked: Instant },
}

/// An open connection.
struct Connection {
    socket: Socket,
    /// Whether something was written and not flushed.
    dirty: bool,
    /// Whether the session can be resumed.
    resumable: bool,
    last_heard: Instant,
    pinged: bool,
}

impl Bridge {
    fn new(mut options: Options) -> Self {
        let mut place = options.url.url().clone();
        place.set_query(None);
        let token = options.token.take().map(Arc::new);
        Self {
            place: place.to_string(),
            token,
            input: Input::new(),
            output: Output::new(),
            link: Link::Dormant,
            outgoing: Outgoing::default(),
            pending: Pending::default(),
            memory: Memory::default(),
            asked: HashSet::new(),
            credential: None,
            by_tool: false,
            received: 0,
            unacknowledged: (0, 0),
            backoff: Backoff::new(),
            lines: 0,
            lost_at: Some(Instant::now()),
            lost_told: false,
            trouble: "it is still being tried".into(),
            drained: false,
            was_open: false,
            leave_by: None,
            timer: Box::pin(sleep(Duration::ZERO)),
            options,
        }
    }

    /// Does all that can be done now; ready when the host has left.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..TURN {
            let heard = self.poll_host(cx);
            let moved = self.poll_link(cx);
            if self.has_left() {
                return Poll::Ready(());
            }
            if heard || moved {
                continue;
            }
            self.poll_flush(cx);
            let was_full = self.output.is_full();
            if let Poll::Ready(Err(_)) = self.output.poll_flush(cx) {
                // Nobody reads any more.
                return Poll::Ready(());
            }
            let has_room = was_full && !self.output.is_full();
            if !self.poll_timer(cx) && !has_room {
                return Poll::Pending;
            }
        }
        self.poll_flush(cx);
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Whether the host has closed its end, and has all answers that can be waited for.
    fn has_left(&self) -> bool {
        self.leave_by.is_some_and(|by| {
            Instant::now() >= by || !self.pending.is_busy() && !self.outgoing.has_next() || self.is_hopeless()
        })
    }

    fn is_hopeless(&self) -> bool {
        matches!(self.link, Link::Hopeless { .. })
    }

    /// Closes the connection, and gives the host what there is for it.
    async fn finish(mut self) {
        if let Link::Open(mut connection) = std::mem::replace(&mut self.link, Link::Dormant) {
            let close = CloseFrame { code: CloseCode::Normal, reason: "client-closed".into() };
            let _ = timeout(CLOSING, async {
                connection.socket.close(Some(close)).await?;
                while let Some(Ok(message)) = futures_util::StreamExt::next(&mut connection.socket).await {
                    if self.take(message, &mut connection).is_err() {
                        break;
                    }
                }
                connection.socket.flush().await
            })
            .await;
        }
        for request in self.pending.in_order().iter().filter(|request| request.kind != pending::Kind::Listen) {
            self.give_up(request, "The bridge to the gateway ended before the answer came.");
        }
        let _ = timeout(CLOSING, poll_fn(|cx| self.output.poll_flush(cx))).await;
        say(self.options.verbosity, Verbosity::Verbose, "ended");
    }
}
