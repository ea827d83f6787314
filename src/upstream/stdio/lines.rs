//! Bytes of a pipe, cut into lines. A line that is too long is not kept, but for its ends.

use memchr::memchr;
use std::io;
use std::mem::take;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

/// How much is read at once: at first, and when there is a lot.
const READ: (usize, usize) = (4 << 10, 64 << 10);
/// How much is kept of a line that is too long: of its head, and of its tail.
const KEPT: (usize, usize) = (1 << 10, 256);

/// What was read and is no line yet.
#[derive(Debug)]
pub(super) struct Lines {
    bytes: Vec<u8>,
    /// Where the next line begins.
    start: usize,
    /// How many bytes from there on are known to have no line break.
    scanned: usize,
    /// What is read at once.
    read: usize,
    max: usize,
    /// The ends of a line that was too long, while it goes on.
    skipped: Option<Ends>,
}

/// What is kept of a line that is too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) head: Vec<u8>,
    pub(super) tail: Vec<u8>,
}

/// A line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    Whole(&'a [u8]),
    TooLong(Ends),
}

impl Lines {
    /// Lines of at most this many bytes.
    pub(super) fn new(max: usize) -> Self {
        Self { bytes: Vec::new(), start: 0, scanned: 0, read: READ.0, max, skipped: None }
    }

    /// Reads once. Whatever lines there were have to be taken before.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, pipe: &mut pipe::Receiver) -> Poll<io::Result<usize>> {
        // Most children are silent most of the time, and need no memory meanwhile.
        ready!(pipe.poll_read_ready(cx))?;
        self.make_room();
        let room = self.bytes.capacity() - self.bytes.len();
        let read = ready!(Pin::new(&mut pin!(pipe.read_buf(&mut self.bytes))).as_mut().poll(cx))?;
        if read == room {
            self.read = READ.1;
        } else if read < READ.0 {
            self.read = READ.0;
        }
        Poll::Ready(Ok(read))
    }

    fn make_room(&mut self) {
        self.bytes.drain(..take(&mut self.start));
        // A child that once said a lot does not keep the memory for that.
        if self.bytes.is_empty() && self.bytes.capacity() > 2 * self.read {
            self.bytes = Vec::new();
        }
        self.bytes.reserve(self.read);
    }

    /// The next line, if its end is there.
    pub(super) fn next(&mut self) -> Option<Line<'_>> {
        let rest = &self.bytes[self.start..];
        let Some(length) = memchr(b'\n', &rest[self.scanned..]).map(|found| found + self.scanned) else {
            self.scanned = rest.len();
            if self.skipped.is_some() || rest.len() > self.max {
                self.skip(self.bytes.len());
            }
            return None;
        };
        let end = self.start + length;
        if self.skipped.is_some() || length > self.max {
            self.skip(end);
            self.start += 1;
            return self.skipped.take().map(Line::TooLong);
        }
        let line = self.start..end;
        self.start = end + 1;
        self.scanned = 0;
        Some(Line::Whole(self.bytes[line].trim_ascii()))
    }

    /// What is left at the end: a line without an end.
    pub(super) fn last(&mut self) -> Option<Line<'_>> {
        let rest = take(&mut self.start)..self.bytes.len();
        self.scanned = 0;
        match self.skipped.take() {
            Some(ends) => Some(Line::TooLong(ends)),
            None if rest.is_empty() => None,
            None => Some(Line::Whole(self.bytes[rest].trim_ascii())),
        }
    }

    /// Lets go of a part of a line that is too long.
    fn skip(&mut self, end: usize) {
        let part = &self.bytes[take(&mut self.start)..end];
        let ends = self.skipped.get_or_insert_with(|| Ends { head: Vec::new(), tail: Vec::new() });
        let head = KEPT.0.saturating_sub(ends.head.len()).min(part.len());
        ends.head.extend_from_slice(&part[..head]);
        ends.tail.extend_from_slice(&part[part.len().saturating_sub(KEPT.1)..]);
        ends.tail.drain(..ends.tail.len().saturating_sub(KEPT.1));
        self.start = end;
        self.scanned = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(lines: &mut Lines, bytes: &[u8]) -> Vec<Result<Vec<u8>, Ends>> {
        lines.make_room();
        lines.bytes.extend_from_slice(bytes);
        let mut found = Vec::new();
        while let Some(line) = lines.next() {
            found.push(match line {
                Line::Whole(line) => Ok(line.to_vec()),
                Line::TooLong(ends) => Err(ends),
            });
        }
        found
    }

    #[test]
    fn lines_are_found_however_they_come() {
        let mut lines = Lines::new(10);
        assert_eq!(feed(&mut lines, b"one\ntwo\r\nth"), [Ok(b"one".to_vec()), Ok(b"two".to_vec())]);
        assert_eq!(feed(&mut lines, b"re"), []);
        assert_eq!(
            feed(&mut lines, b"e\n\n0123456789\n"),
            [Ok(b"three".to_vec()), Ok(Vec::new()), Ok(b"0123456789".to_vec())]
        );
        assert_eq!(feed(&mut lines, b"end"), []);
        assert_eq!(lines.last(), Some(Line::Whole(b"end")));
    }

    #[test]
    fn only_the_ends_of_a_long_line_are_kept() {
        let mut lines = Lines::new(10);
        let whole = |text: &str| Ends { head: text.into(), tail: text.into() };
        assert_eq!(
            feed(&mut lines, b"ok\n0123456789a\nok\n"),
            [Ok(b"ok".to_vec()), Err(whole("0123456789a")), Ok(b"ok".to_vec())]
        );
        assert_eq!(feed(&mut lines, b"0123456789a"), []);
        for _ in 0..1000 {
            assert_eq!(feed(&mut lines, &[b'x'; 1000]), []);
            assert!(lines.bytes.capacity() <= 4 * READ.1);
        }
        let found = feed(&mut lines, b"yz\nok\n");
        let [Err(ends), Ok(ok)] = &found[..] else { panic!("{found:?}") };
        assert_eq!((ends.head.len(), ends.tail.len()), KEPT);
        assert!(ends.head.starts_with(b"0123456789ax") && ends.tail.ends_with(b"xyz"));
        assert_eq!(ok, b"ok");
    }
}
