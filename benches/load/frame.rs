//! WebSocket frames as a client writes and reads them, with as little work as the protocol allows.
//!
//! Fragments and extensions are not spoken: neither server uses them unasked.

use super::Result;

/// Opcodes that occur between the benchmark and its servers.
pub(crate) const TEXT: u8 = 0x1;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
const PONG: u8 = 0xA;

/// Any key will do, so long as it is not zero: the servers must have something to unmask.
pub(crate) const MASK: [u8; 4] = [0x5E, 0x55, 0x11, 0xE5];

/// The answer to a ping.
pub(crate) fn pong(payload: &[u8]) -> Vec<u8> {
    masked(PONG, payload)
}

/// One frame of a server, in the buffer it was read into.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    /// Which kind it is.
    pub(crate) opcode: u8,
    /// What it carries.
    pub(crate) payload: &'a [u8],
    /// How much of the buffer it takes, header included.
    pub(crate) length: usize,
}

impl<'a> Frame<'a> {
    /// The frame at the start of `bytes`, or none while it is incomplete.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Option<Self>> {
        let [first, second, rest @ ..] = bytes else {
            return Ok(None);
        };
        if first & 0xF0 != 0x80 || second & 0x80 != 0 {
            return Err("a server sent a frame that is fragmented, extended or masked".into());
        }
        let (header, size) = match *second {
            126 => match rest.first_chunk() {
                Some(size) => (4, usize::from(u16::from_be_bytes(*size))),
                None => return Ok(None),
            },
            127 => match rest.first_chunk() {
                Some(size) => (10, usize::try_from(u64::from_be_bytes(*size))?),
                None => return Ok(None),
            },
            size => (2, usize::from(size)),
        };
        let length = header + size;
        let payload = bytes.get(header..length);
        Ok(payload.map(|payload| Self { opcode: first & 0x0F, payload, length }))
    }
}

/// A whole frame.
pub(crate) fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(size @ 0..=125), _) => frame.push(0x80 | size),
        (_, Ok(size)) => {
            frame.push(0x80 | 126);
            frame.extend(size.to_be_bytes());
        }
        _ => {
            frame.push(0x80 | 127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}
