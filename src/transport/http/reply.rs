//! From a frame to a response: its status, its headers, its bytes.

use super::accepts::{self, Accepts};
use super::body::Body;
use super::sse;
use crate::wire::{Era, ErrorCode, Frame, Outcome};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::Stream;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, VARY};
use http::{HeaderMap, Response, StatusCode};
use std::io::Write;

/// Bodies of fewer bytes are not worth compressing, and those of more would hold up others meanwhile.
const COMPRESSED: std::ops::RangeInclusive<usize> = 1024..=256 * 1024;

/// How a frame is answered with.
pub(super) struct Replies<'a> {
    pub(super) headers: &'a HeaderMap,
    pub(super) accepts: Accepts,
    pub(super) era: Era,
    /// Whether the request lacks what every modern one has to carry.
    pub(super) malformed: bool,
    /// Whether a sign-in that is missing is asked for by status.
    pub(super) challenges: bool,
}

impl Replies<'_> {
    /// The response that has this frame as its body.
    pub(super) fn with(&self, frame: Frame) -> Response<Body> {
        let status = self.status(&frame);
        if status == StatusCode::OK && !self.accepts.json {
            return events(futures_util::stream::iter([sse::event(None, &frame.text).into()]));
        }
        let bytes = Bytes::from(frame.text);
        let squeezed = if COMPRESSED.contains(&bytes.len()) { self.squeezed(&bytes) } else { None };
        let mut response = json(status, Bytes::new());
        let headers = response.headers_mut();
        if let Outcome::ToolError { retry_after: Some(time), .. } | Outcome::TooSoon(time) = frame.outcome {
            headers.insert(RETRY_AFTER, time.as_secs().max(1).into());
        }
        if squeezed.is_some() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        }
        *response.body_mut() = squeezed.map_or_else(|| bytes.into(), Body::from);
        response
    }

    fn status(&self, frame: &Frame) -> StatusCode {
        match (frame.outcome, self.era) {
            (Outcome::ToolError { retry_after: Some(_), .. } | Outcome::TooSoon(_), _) => StatusCode::TOO_MANY_REQUESTS,
            (Outcome::ToolError { code: "not_signed_in", .. }, _) if self.challenges => StatusCode::UNAUTHORIZED,
            (Outcome::Error(ErrorCode::Parse), _) => StatusCode::BAD_REQUEST,
            (Outcome::Error(ErrorCode::InvalidParams | ErrorCode::InvalidRequest), _) if self.malformed => {
                StatusCode::BAD_REQUEST
            }
            (Outcome::Error(ErrorCode::MethodNotFound), Era::Modern) => StatusCode::NOT_FOUND,
            (
                Outcome::Error(
                    ErrorCode::HeaderMismatch
                    | ErrorCode::MissingClientCapability
                    | ErrorCode::UnsupportedProtocolVersion,
                ),
                _,
            ) => StatusCode::BAD_REQUEST,
            _ => StatusCode::OK,
        }
    }

    fn squeezed(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        if !accepts::gzip(self.headers) {
            return None;
        }
        let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), Compression::fast());
        encoder.write_all(bytes).ok()?;
        encoder.finish().ok()
    }
}

/// A response of JSON.
pub(super) fn json(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A response of events as they come.
pub(super) fn events(events: impl Stream<Item = Bytes> + Send + 'static) -> Response<Body> {
    let mut response = Response::new(Body::events(events));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

/// What was taken and needs no answer.
pub(super) fn accepted() -> Response<Body> {
    let mut response = Response::new(Body::default());
    *response.status_mut() = StatusCode::ACCEPTED;
    response
}
