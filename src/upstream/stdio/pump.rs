//! The one task of a child: gives on what it says, writes what waits for it, and sees to its end.

use super::answered::{Answered, answered};
use super::lines::{Line, Lines};
use super::process::Process;
use super::rate::Rate;
use super::stderr::Stderr;
use super::stdin::Stdin;
use crate::upstream::failure::Failure;
use crate::upstream::link::Inbox;
use futures_util::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::unix::pipe;
use tokio::time::{Sleep, sleep};

/// Messages before others get their turn.
const TURN_MESSAGES: usize = 256;
/// Reads before others get their turn.
const TURN_READS: usize = 4;
/// How long a child whose end shows is listened to, for what it said before and for how it ended.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// Lines that make no sense that are logged in a second.
const NOISE_PER_SECOND: u32 = 10;
/// How much of such a line is logged.
const MAX_NOISE: usize = 100;

/// What the task works with.
#[derive(Debug)]
pub(super) struct Pump {
    stdin: Arc<Stdin>,
    stdout: Option<pipe::Receiver>,
    lines: Lines,
    stderr: Stderr,
    process: Process,
    inbox: Arc<dyn Inbox>,
    max_message_bytes: usize,
    noise: Rate,
    /// How the child ended, once it did.
    exit: Option<String>,
    /// What shows that it is about to end, and how long that may take.
    ending: Option<(&'static str, Pin<Box<Sleep>>)>,
}

/// How far the reading of standard output came.
#[derive(PartialEq, Eq)]
enum Read {
    /// There is nothing more just now.
    Idle,
    /// There is more.
    More,
    /// There will be nothing more.
    Over,
}

impl Pump {
    pub(super) fn new(
        stdin: Arc<Stdin>,
        stdout: pipe::Receiver,
        stderr: Stderr,
        process: Process,
        inbox: Arc<dyn Inbox>,
        max_message_bytes: usize,
    ) -> Self {
        Self {
            stdin,
            stdout: Some(stdout),
            lines: Lines::new(max_message_bytes),
            stderr,
            process,
            inbox,
            max_message_bytes,
            noise: Rate::new(NOISE_PER_SECOND),
            exit: None,
            ending: None,
        }
    }

    /// Serves the child until it ends or the link is dropped, and then ends its group.
    pub(super) async fn run(mut self) {
        let ended = poll_fn(|cx| self.poll(cx)).await;
        let Self { stdin, stdout, stderr, process, inbox, .. } = self;
        match ended {
            Some(why) => {
                stdin.close(&format!("it has ended ({why})"));
                inbox.ended(Failure::Ended(why));
            }
            None => stdin.close("its session is closed"),
        }
        drop((stdin, stdout, inbox));
        process.end(stderr).await;
    }

    /// Does all that can be done now; ready when the child has ended, with how it did, or when the link was dropped.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<String>> {
        self.stdin.watch(cx);
        if self.stdin.is_left() {
            return Poll::Ready(None);
        }
        // What it said before it ended is read after its end was seen.
        if self.exit.is_none()
            && let Poll::Ready(exit) = self.process.poll_exit(cx)
        {
            self.exit = Some(exit);
            self.begin_to_end("it has ended");
        }
        if !self.stdin.flush(cx) {
            self.stdin.close("it has closed its standard input");
            self.begin_to_end("it has closed its standard input");
        }
        let read = self.poll_stdout(cx);
        let silent = self.stderr.poll(cx).is_ready();
        match read {
            Read::More => cx.waker().wake_by_ref(),
            Read::Over => self.begin_to_end("it has closed its standard output"),
            Read::Idle => {}
        }
        if self.exit.is_some() && read == Read::Over && silent {
            return Poll::Ready(Some(self.how_it_ended()));
        }
        if let Some((_, patience)) = &mut self.ending
            && patience.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Some(self.how_it_ended()));
        }
        Poll::Pending
    }

    fn begin_to_end(&mut self, sign: &'static str) {
        self.ending.get_or_insert_with(|| (sign, Box::pin(sleep(LAST_WORDS))));
    }

    fn how_it_ended(&self) -> String {
        let sign = self.ending.as_ref().map_or("it has ended", |(sign, _)| *sign);
        let how = self.exit.as_deref().unwrap_or(sign);
        self.stderr.hint().map_or_else(|| how.to_owned(), |hint| format!("{how}; the last that it said: {hint}"))
    }

    fn poll_stdout(&mut self, cx: &mut Context<'_>) -> Read {
        let (mut messages, mut reads) = (0, 0);
        loop {
            while messages < TURN_MESSAGES {
                let Some(line) = self.lines.next() else { break };
                messages += 1;
                take(line, &self.stdin, &*self.inbox, &mut self.noise, &self.stderr, self.max_message_bytes);
            }
            let Some(stdout) = &mut self.stdout else { return Read::Over };
            if messages >= TURN_MESSAGES || reads >= TURN_READS {
                return Read::More;
            }
            reads += 1;
            match self.lines.poll_read(cx, stdout) {
                Poll::Pending => return Read::Idle,
                Poll::Ready(Ok(read)) if read > 0 => {}
                Poll::Ready(_) => {
                    self.stdout = None;
                    if let Some(line) = self.lines.last() {
                        take(line, &self.stdin, &*self.inbox, &mut self.noise, &self.stderr, self.max_message_bytes);
                    }
                    return Read::Over;
                }
            }
        }
    }
}

/// Gives a line on, if it is a message.
fn take(line: Line<'_>, stdin: &Stdin, inbox: &dyn Inbox, noise: &mut Rate, stderr: &Stderr, max: usize) {
    let (line, wrong) = match line {
        Line::Whole(line) => match message(line) {
            Ok(text) => {
                if let Answered::Request(id) = answered(line, line) {
                    stdin.answered(id);
                }
                return inbox.message(text, None);
            }
            Err(wrong) => (line.to_vec(), wrong),
        },
        Line::TooLong(ends) => {
            let of = match answered(&ends.head, &ends.tail) {
                Answered::Request(id) => Some(id).filter(|id| stdin.is_waiting(*id)),
                Answered::Nothing => None,
                Answered::Unknown => stdin.only_one_waiting(),
            };
            if let Some(id) = of {
                stdin.answered(id);
                inbox.failed(id, Failure::TooLarge(max));
            }
            (ends.head, "is too long")
        }
    };
    if let Some(held) = noise.admit() {
        let (upstream, unit, line) = (stderr.upstream(), stderr.unit(), stderr.printer().print(&line, MAX_NOISE));
        tracing::debug!(upstream, unit, held, line, "a line on standard output {wrong}, and is ignored");
    }
}

/// The line as a message, or why it is none. Whether it is JSON throughout is for who reads it.
fn message(line: &[u8]) -> Result<&str, &'static str> {
    match (line.first(), line.last()) {
        (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')) => std::str::from_utf8(line).map_err(|_| "is not UTF-8"),
        (None, _) => Err("is blank"),
        _ => Err("is no message"),
    }
}
