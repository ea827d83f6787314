//! Requests that are ready to go but for their number.
//!
//! The generator has one core and must outrun the servers, so a request is framed once, ahead of time,
//! and only its number is filled in when it is sent.

use super::frame::{self, MASK};

/// What stands in a request's text for the number of the call.
pub(crate) const NUMBER: &str = "##########";

/// The first number that fills all places of [`NUMBER`].
pub(crate) const FIRST_NUMBER: u64 = 1_000_000_000;

/// A framed request with places for the number of the call.
#[derive(Debug)]
pub(crate) struct Template {
    bytes: Vec<u8>,
    payload_at: usize,
    numbers_at: Vec<usize>,
    mask: [u8; 4],
}

impl Template {
    /// A WebSocket frame with this text, in which every [`NUMBER`] will be replaced on each use.
    pub(crate) fn websocket(text: &str) -> Self {
        Self::new(frame::masked(frame::TEXT, text.as_bytes()), text, MASK)
    }

    /// A POST with this text as its body, behind a head that lacks only the length.
    pub(crate) fn http(head: &str, text: &str) -> Self {
        let request = format!("{head}Content-Length: {}\r\n\r\n{text}", text.len());
        Self::new(request.into_bytes(), text, [0; 4])
    }

    /// A line with this text.
    pub(crate) fn line(text: &str) -> Self {
        let mut template = Self::new(text.into(), text, [0; 4]);
        template.bytes.push(b'\n');
        template
    }

    /// Appends the request of call `number` to `out`.
    pub(crate) fn write(&self, number: u64, out: &mut Vec<u8>) {
        let digits = digits(number);
        let payload = out.len() + self.payload_at;
        out.extend_from_slice(&self.bytes);
        for &at in &self.numbers_at {
            for (offset, digit) in digits.iter().enumerate() {
                out[payload + at + offset] = digit ^ self.mask[(at + offset) % self.mask.len()];
            }
        }
    }

    fn new(bytes: Vec<u8>, text: &str, mask: [u8; 4]) -> Self {
        let payload_at = bytes.len() - text.len();
        let numbers_at = text.match_indices(NUMBER).map(|(at, _)| at).collect();
        Self { bytes, payload_at, numbers_at, mask }
    }
}

fn digits(mut number: u64) -> [u8; NUMBER.len()] {
    let mut digits = [b'0'; NUMBER.len()];
    for digit in digits.iter_mut().rev() {
        *digit += u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
    digits
}
