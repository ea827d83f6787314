//! What a request says of its body and of what it takes for an answer.

use http::HeaderMap;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderName, ORIGIN};

/// What a client takes for an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Accepts {
    pub(super) json: bool,
    pub(super) stream: bool,
    /// Whether it says so by name, and not by a wildcard or by saying nothing.
    pub(super) names_stream: bool,
}

impl Accepts {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        if !headers.contains_key(ACCEPT) {
            return Self { json: true, stream: true, names_stream: false };
        }
        let mut accepts = Self { json: false, stream: false, names_stream: false };
        for kind in listed(headers, &ACCEPT) {
            let is = |name: &str| kind.eq_ignore_ascii_case(name);
            accepts.json |= is("application/json") || is("application/*") || is("*/*");
            accepts.names_stream |= is("text/event-stream");
            accepts.stream |= is("text/event-stream") || is("text/*") || is("*/*");
        }
        accepts
    }
}

/// Whether the body of a request is JSON.
///
/// `curl -d` calls it a form unless it is told otherwise. That is let pass, but not from a web page: a page may
/// send a form anywhere without asking.
pub(super) fn sends_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE) else { return !headers.contains_key(ORIGIN) };
    let kind = kind.to_str().unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
        || kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") && !headers.contains_key(ORIGIN)
}

/// Whether a client takes gzip.
pub(super) fn gzip(headers: &HeaderMap) -> bool {
    listed(headers, &ACCEPT_ENCODING).any(|coding| coding.eq_ignore_ascii_case("gzip"))
}

/// What a header lists, but for what it gives no weight.
fn listed<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).filter_map(|entry| {
        let mut parts = entry.split(';').map(str::trim);
        let kind = parts.next().filter(|kind| !kind.is_empty())?;
        let none = parts.filter_map(|part| part.strip_prefix("q=")).any(|weight| weight.parse() == Ok(0.0));
        (!none).then_some(kind)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn wildcards_and_nothing_accept_all() {
        for (accept, json, stream, names_stream) in [
            ("application/json, text/event-stream", true, true, true),
            ("application/json", true, false, false),
            ("text/event-stream", false, true, true),
            ("*/*", true, true, false),
            ("text/html", false, false, false),
            ("application/json;q=0, text/event-stream;q=0.5", false, true, true),
            ("APPLICATION/JSON; charset=utf-8", true, false, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            let found = Accepts::of(&headers);
            assert_eq!((found.json, found.stream, found.names_stream), (json, stream, names_stream), "{accept}");
        }
        let nothing = Accepts::of(&HeaderMap::new());
        assert!(nothing.json && nothing.stream && !nothing.names_stream);
    }
}
