//! HTTP responses as a client reads them: a length or chunks, JSON or an event stream.

use memchr::memmem;

use super::Result;

/// One response, in the buffer it was read into.
#[derive(Debug)]
pub(crate) struct Response<'a> {
    /// The head, up to the empty line.
    pub(crate) head: &'a [u8],
    /// The body, with its chunks' sizes where it has them.
    pub(crate) body: &'a [u8],
    /// How much of the buffer it takes.
    pub(crate) length: usize,
}

impl<'a> Response<'a> {
    /// The response at the start of `bytes`, or none while it is incomplete.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Option<Self>> {
        let Some(end) = memmem::find(bytes, b"\r\n\r\n") else {
            return Ok(None);
        };
        let (head, rest) = (&bytes[..end + 2], &bytes[end + 4..]);
        if !head.starts_with(b"HTTP/1.1 2") {
            return Err(format!("a request failed: {}", String::from_utf8_lossy(bytes)).into());
        }
        let whole = match header(head, "content-length") {
            Some(length) => Some(length.parse()?),
            None if header(head, "transfer-encoding") == Some("chunked") => {
                memmem::find(rest, b"\r\n0\r\n\r\n").map(|at| at + 7)
            }
            None => Some(0),
        };
        let body = whole.and_then(|whole: usize| rest.get(..whole));
        Ok(body.map(|body| Self { head, body, length: end + 4 + body.len() }))
    }

    /// A header of this one.
    pub(crate) fn header(&self, name: &str) -> Option<&'a str> {
        header(self.head, name)
    }
}

fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    let lines = std::str::from_utf8(head).ok()?.split("\r\n");
    let (_, value) = lines.filter_map(|line| line.split_once(':')).find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    Some(value.trim())
}
