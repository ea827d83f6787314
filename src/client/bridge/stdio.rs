//! The host's side: lines on standard input, lines on standard output.
//!
//! Nothing here blocks where that can be helped: a thread that waits for input would keep the process from ending, and
//! a host that does not read would keep the connection from being served.

use memchr::{memchr, memchr2};
use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, OFlags, fcntl_getfl, fcntl_setfl, fstat};
use rustix::io::Errno;
use std::io::{self, Stdin, Stdout};
use std::os::fd::AsRawFd;
use std::task::{Context, Poll, ready};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// The longest line that is taken, in bytes.
const MAX_LINE: usize = 64 << 20;
/// Bytes that are read at once.
const READ: usize = 16 << 10;
/// Bytes that may wait for the host to read them before no more is taken from the gateway.
const MAX_UNREAD: usize = 1 << 20;

/// Standard input, cut into lines.
pub(super) struct Input {
    file: Watched<Stdin>,
    bytes: Vec<u8>,
    /// How many bytes from the beginning are known to have no line break.
    scanned: usize,
    /// Where the next line begins.
    start: usize,
    /// Whether the rest of a line is left out, because it is too long.
    skips: bool,
    ended: bool,
}

/// What came from the host.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Whole(Vec<u8>),
    TooLong,
    End,
}

/// A file that is waited for by the runtime, unless it is of a kind that is always ready.
enum Watched<F: AsRawFd> {
    Waits(AsyncFd<F>),
    Ready(F),
}

impl<F: AsRawFd> Watched<F> {
    fn new(file: fn() -> F, interest: Interest) -> Self {
        #[expect(deprecated, reason = "its replacement is unsafe, for descriptors that change or close; these do not")]
        match AsyncFd::with_interest(file(), interest) {
            Ok(file) => Self::Waits(file),
            Err(_) => Self::Ready(file()),
        }
    }
}

impl Input {
    /// Must be called within a runtime.
    pub(super) fn new() -> Self {
        let file = Watched::new(io::stdin, Interest::READABLE);
        Self { file, bytes: Vec::new(), scanned: 0, start: 0, skips: false, ended: false }
    }

    /// The next line that is not empty, without its end.
    pub(super) fn poll_line(&mut self, cx: &mut Context<'_>) -> Poll<Line> {
        loop {
            if let Some(line) = self.cut() {
                return Poll::Ready(line);
            }
            if self.ended {
                return Poll::Ready(Line::End);
            }
            match ready!(self.poll_read(cx)) {
                Ok(0) | Err(_) => {
                    self.ended = true;
                    // What has no end of its own is a line as well.
                    if self.bytes.len() > self.start {
                        self.bytes.push(b'\n');
                    }
                }
                Ok(_) => {}
            }
        }
    }

    /// A line of what was read.
    fn cut(&mut self) -> Option<Line> {
        while let Some(at) = memchr(b'\n', &self.bytes[self.start + self.scanned..]) {
            let end = self.start + self.scanned + at;
            let line = self.bytes[self.start..end].trim_ascii();
            let line = (!line.is_empty()).then(|| line.to_vec());
            (self.start, self.scanned) = (end + 1, 0);
            if std::mem::take(&mut self.skips) {
                return Some(Line::TooLong);
            }
            if let Some(line) = line {
                return Some(Line::Whole(line));
            }
        }
        self.bytes.drain(..self.start);
        self.start = 0;
        if self.bytes.len() > MAX_LINE {
            self.skips = true;
        }
        if self.skips {
            self.bytes.clear();
        }
        self.scanned = self.bytes.len();
        if self.bytes.is_empty() {
            // What a long line needed is not kept for the short ones.
            self.bytes.shrink_to(READ);
        }
        None
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.bytes.reserve(READ);
        match &self.file {
            Watched::Ready(file) => Poll::Ready(read(file, &mut self.bytes)),
            Watched::Waits(file) => loop {
                let mut guard = ready!(file.poll_read_ready(cx))?;
                // The file may block; others share it, so that is not ours to change.
                let mut asked = [PollFd::new(file.get_ref(), PollFlags::IN)];
                if matches!(poll(&mut asked, Some(&Timespec::default())), Ok(0)) {
                    guard.clear_ready();
                    continue;
                }
                let room = self.bytes.capacity() - self.bytes.len();
                match read(file.get_ref(), &mut self.bytes) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => guard.clear_ready(),
                    other => {
                        // That was all of it. The end comes by itself.
                        if matches!(other, Ok(read) if 0 < read && read < room) {
                            guard.clear_ready();
                        }
                        return Poll::Ready(other);
                    }
                }
            },
        }
    }
}

fn read(file: &Stdin, bytes: &mut Vec<u8>) -> io::Result<usize> {
    loop {
        match rustix::io::read(file, spare_capacity(bytes)) {
            Err(Errno::INTR) => {}
            other => return Ok(other?),
        }
    }
}

/// Standard output, and what waits for it.
pub(super) struct Output {
    file: Watched<Stdout>,
    /// How the file was before, if that was changed.
    flags: Option<OFlags>,
    bytes: Vec<u8>,
    written: usize,
}

impl Output {
    /// Must be called within a runtime.
    pub(super) fn new() -> Self {
        let (file, flags) = match unblocked() {
            Some(flags) => (Watched::new(io::stdout, Interest::WRITABLE), Some(flags)),
            None => (Watched::Ready(io::stdout()), None),
        };
        Self { file, flags, bytes: Vec::new(), written: 0 }
    }

    /// Puts a message behind what waits.
    pub(super) fn push(&mut self, message: &str) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(message.as_bytes());
        // Between tokens, a line break is white space, and within a string there can be none.
        let mut rest = &mut self.bytes[start..];
        while let Some(at) = memchr2(b'\n', b'\r', rest) {
            rest[at] = b' ';
            rest = &mut rest[at + 1..];
        }
        self.bytes.push(b'\n');
    }

    /// Whether so much waits that nothing should be added that can wait elsewhere.
    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() - self.written > MAX_UNREAD
    }

    /// Writes what waits; an error when nobody is there to read it.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.bytes.len() {
            let rest = &self.bytes[self.written..];
            let written = match &self.file {
                Watched::Ready(file) => rustix::io::write(file, rest),
                Watched::Waits(file) => {
                    let mut guard = ready!(file.poll_write_ready(cx))?;
                    let written = rustix::io::write(file.get_ref(), rest);
                    if written == Err(Errno::AGAIN) {
                        guard.clear_ready();
                        continue;
                    }
                    written
                }
            };
            match written {
                Ok(written) => self.written += written,
                Err(Errno::INTR) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
        self.bytes.clear();
        self.written = 0;
        self.bytes.shrink_to(READ);
        Poll::Ready(Ok(()))
    }
}

/// Has writes to standard output not block, where it is a pipe or a socket and so the host's and ours alone. Gives its
/// flags as they were.
fn unblocked() -> Option<OFlags> {
    let file = io::stdout();
    let kind = FileType::from_raw_mode(fstat(&file).ok()?.st_mode);
    if !matches!(kind, FileType::Fifo | FileType::Socket) {
        return None;
    }
    let flags = fcntl_getfl(&file).ok()?;
    fcntl_setfl(&file, flags | OFlags::NONBLOCK).ok()?;
    Some(flags)
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some(flags) = self.flags {
            let _ = fcntl_setfl(io::stdout(), flags);
        }
    }
}
