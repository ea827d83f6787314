//! Server-sent events, as they come: from pieces of a stream to the text of each event.
//!
//! Knows what the HTML standard says of them, and no MCP.

use crate::upstream::Failure;
use http::HeaderValue;
use memchr::{memchr, memchr2};
use std::mem::take;
use std::time::Duration;

/// Reads streams one after the other; what the last event was is kept from one to the next.
#[derive(Debug)]
pub(super) struct Events {
    limit: usize,
    /// A line that has no end yet.
    line: Vec<u8>,
    /// The data of an event that has no end yet.
    data: Vec<u8>,
    /// Whether that event is of another type than the usual one.
    odd: bool,
    /// Its id.
    id: Option<Vec<u8>>,
    /// Whether the last byte ended a line and a line feed after it belongs to that.
    after_return: bool,
    /// Whether a line has been read of this stream.
    begun: bool,
    last: Option<HeaderValue>,
    retry: Option<Duration>,
}

impl Events {
    /// A reader that takes no event larger than this, in bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            line: Vec::new(),
            data: Vec::new(),
            odd: false,
            id: None,
            after_return: false,
            begun: false,
            last: None,
            retry: None,
        }
    }

    /// What follows is another stream. An event that had no end is none.
    pub(super) fn restart(&mut self) {
        let kept = Self { last: self.last.take(), retry: self.retry, ..Self::new(self.limit) };
        *self = kept;
    }

    /// The id of the last event, to go on from.
    pub(super) fn last(&self) -> Option<&HeaderValue> {
        self.last.as_ref()
    }

    /// There is nothing to go on from.
    pub(super) fn forget_last(&mut self) {
        self.last = None;
    }

    /// How long to wait before going on, where the stream says so.
    pub(super) fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// Takes the next piece, and gives the text of each event that it ends.
    ///
    /// # Errors
    /// [`Failure::TooLarge`], or [`Failure::Unreadable`] for what is no UTF-8. The stream can't be read on.
    pub(super) fn feed(&mut self, piece: &[u8], mut event: impl FnMut(&str)) -> Result<(), Failure> {
        let mut rest = piece;
        if self.after_return && !rest.is_empty() {
            self.after_return = false;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(end) = memchr2(b'\n', b'\r', rest) {
            let (part, behind) = (&rest[..end], &rest[end + 1..]);
            let returned = rest[end] == b'\r';
            self.after_return = returned && behind.is_empty();
            rest = if returned { behind.strip_prefix(b"\n").unwrap_or(behind) } else { behind };
            self.check_size(part.len())?;
            if self.line.is_empty() {
                self.take_line(part, &mut event)?;
            } else {
                let mut line = take(&mut self.line);
                line.extend_from_slice(part);
                self.take_line(&line, &mut event)?;
            }
        }
        self.check_size(rest.len())?;
        self.line.extend_from_slice(rest);
        Ok(())
    }

    fn check_size(&self, more: usize) -> Result<(), Failure> {
        // The name of a field is not counted as data, but bounded all the same.
        let fits = self.line.len() + self.data.len() + more <= self.limit.saturating_add(64);
        if fits { Ok(()) } else { Err(Failure::TooLarge(self.limit)) }
    }

    fn take_line(&mut self, line: &[u8], event: &mut impl FnMut(&str)) -> Result<(), Failure> {
        let mark: &[u8] = if self.begun { b"" } else { b"\xef\xbb\xbf" };
        let line = line.strip_prefix(mark).unwrap_or(line);
        self.begun = true;
        if line.is_empty() {
            return self.end_event(event);
        }
        let (name, value) = match memchr(b':', line) {
            Some(at) => (&line[..at], &line[at + 1..]),
            None => (line, &b""[..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => {
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
            }
            b"event" => self.odd = !value.is_empty() && value != b"message",
            b"id" if !value.contains(&0) => self.id = Some(value.to_vec()),
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                let number = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok());
                self.retry = number.map(Duration::from_millis).or(self.retry);
            }
            // A comment, or a field that means nothing.
            _ => {}
        }
        Ok(())
    }

    fn end_event(&mut self, event: &mut impl FnMut(&str)) -> Result<(), Failure> {
        if let Some(id) = self.id.take() {
            self.last = HeaderValue::from_bytes(&id).ok().filter(|id| !id.is_empty());
        }
        let mut data = take(&mut self.data);
        let odd = take(&mut self.odd);
        data.pop();
        if data.is_empty() || odd {
            return Ok(());
        }
        let text = std::str::from_utf8(&data).map_err(|_| Failure::Unreadable("an event is no UTF-8".to_owned()))?;
        event(text);
        // What it took is used again, unless it was unusually much.
        data.clear();
        if data.capacity() <= 64 * 1024 {
            self.data = data;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Events, Failure};
    use std::time::Duration;

    #[test]
    fn every_kind_of_line_is_read_however_the_stream_is_cut() {
        let stream = concat!(
            "\u{feff}: a comment\n",
            "id: 1\r\ndata: one\r\n\r\n",
            "data:two\rdata:  lines\r\r",
            "event: ping\ndata: odd\n\n",
            "event: message\nid: 2\ndata\ndata: \u{2713}\n\n",
            "id: 3\ndata:\n\n",
            "retry: 1500\nretry: soon\nunknown: x\n\n",
            "id: 4\ndata: cut off\n",
        )
        .as_bytes();
        for size in 1..=stream.len() {
            let (mut events, mut texts) = (Events::new(1000), Vec::new());
            for piece in stream.chunks(size) {
                events.feed(piece, |text| texts.push(text.to_owned())).expect("it can be read");
            }
            assert_eq!(texts, ["one", "two\n lines", "\n\u{2713}"], "in pieces of {size}");
            assert_eq!(events.last().expect("an id"), "3", "in pieces of {size}");
            assert_eq!(events.retry(), Some(Duration::from_millis(1500)));
        }
    }

    #[test]
    fn another_stream_begins_afresh_but_knows_where_the_last_one_was() {
        let mut events = Events::new(1000);
        events.feed(b"id: 7\ndata: x\n\nid: 8\ndata: y", |_| {}).expect("it can be read");
        events.restart();
        let mut texts = Vec::new();
        events.feed(b"\ndata: z\n\n", |text| texts.push(text.to_owned())).expect("it can be read");
        assert_eq!((texts, events.last().map(|id| id.as_bytes())), (vec!["z".to_owned()], Some(&b"7"[..])));
        events.feed(b"id\ndata: z\n\n", |_| {}).expect("it can be read");
        assert_eq!(events.last(), None, "an empty id is none");
    }

    #[test]
    fn nothing_grows_beyond_the_limit() {
        for endless in [&b"data: xxxxxxxxxxxxxxx\n"[..], b"xxxxxxxxxxxxxxxxxxxxxxx", b": xxxxxxxxxxxxxxxxxxxxxx"] {
            let mut events = Events::new(1000);
            let result = (0..100).try_for_each(|_| events.feed(endless, |_| {}));
            assert_eq!(result, Err(Failure::TooLarge(1000)));
        }
        let mut events = Events::new(1000);
        let mut count = 0;
        for _ in 0..100 {
            events.feed(b": xxxxxxxxxxxxxxxxxxxxxx\ndata: xxxxxxxxxxxxxxx\n\n", |_| count += 1).expect("each is small");
        }
        assert_eq!(count, 100);
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let failure = Events::new(1000).feed(b"data: \xff\n\n", |_| {}).expect_err("no UTF-8");
        assert!(matches!(failure, Failure::Unreadable(_)));
    }
}
