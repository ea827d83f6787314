//! Which request a line answers, seen without reading all of it.

use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// How much of a line is looked at.
const HEAD: usize = 512;

/// What the ends of a line tell of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answered {
    /// It answers the request with this id.
    Request(i64),
    /// It answers nothing: it is a request or a notification.
    Nothing,
    /// That is not to be seen.
    Unknown,
}

/// Looks at the ends of a line, which may be all of it.
pub(super) fn answered(head: &[u8], tail: &[u8]) -> Answered {
    let mut members = Members { id: None, seen: Answered::Unknown };
    let head = &head[..head.len().min(HEAD)];
    // It mostly fails, for it stops at the first member that tells, or where the head is cut off.
    let _ = serde_json::Deserializer::from_slice(head).deserialize_map(&mut members);
    match members.seen {
        Answered::Unknown => members.id.or_else(|| id_at_the_end(tail)).map_or(Answered::Unknown, Answered::Request),
        seen => seen,
    }
}

struct Members {
    id: Option<i64>,
    seen: Answered,
}

impl<'de> Visitor<'de> for &mut Members {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut id = None;
        while let Some(Key(key)) = map.next_key()? {
            // Only now it is known that the id was not cut off.
            self.id = id.or(self.id);
            match &*key {
                "method" => {
                    self.seen = Answered::Nothing;
                    return Ok(());
                }
                "result" | "error" => return Ok(()),
                "id" => id = Some(map.next_value()?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        self.id = id.or(self.id);
        Ok(())
    }
}

#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// The id in a message that ends in `"id":7}`, or in that and its `jsonrpc`: many write the result first.
fn id_at_the_end(tail: &[u8]) -> Option<i64> {
    let strip = |tail, end: &[u8]| <[u8]>::strip_suffix(<[u8]>::trim_ascii_end(tail), end);
    let tail = strip(tail, b"}")?;
    let version = || strip(strip(strip(strip(tail, b"\"2.0\"")?, b":")?, b"\"jsonrpc\"")?, b",");
    let tail = version().unwrap_or(tail).trim_ascii_end();
    let digits = tail.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (before, id) = tail.split_at(tail.len() - digits);
    let before = strip(strip(before, b":")?, b"\"id\"")?.trim_ascii_end();
    // Behind a comma outside of a string it is a member of the message: nothing else ends where that does.
    matches!(before.last(), Some(b',' | b'{')).then(|| std::str::from_utf8(id).ok()?.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_names_its_request_at_either_end() {
        use Answered::{Nothing, Request, Unknown};
        for (line, seen) in [
            (r#"{"jsonrpc":"2.0","id":7,"result":{}}"#, Request(7)),
            (r#"{"jsonrpc": "2.0", "id": 7, "error": {"code": 1}}"#, Request(7)),
            (r#"{"result":{"id":8},"jsonrpc":"2.0","id":7}"#, Request(7)),
            (r#"{"result":{"id":8}, "id": 7, "jsonrpc": "2.0" } "#, Request(7)),
            (r#"{"result":{"a":"b"},"id":7}"#, Request(7)),
            (r#"{"id":7}"#, Request(7)),
            (r#"{"method":"ping","jsonrpc":"2.0","id":7}"#, Nothing),
            (r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#, Nothing),
            (r#"{"jsonrpc":"2.0","method":"notifications/x","params":{"id":7}}"#, Nothing),
            (r#"{"result":{"id":7}}"#, Unknown),
            (r#"{"result":"\"id\":7}"#, Unknown),
            (r#"{"jsonrpc":"2.0","id":"7","result":{}}"#, Unknown),
            (r#"{"result":{},"id":99999999999999999999}"#, Unknown),
            (r#"{"result":{}"#, Unknown),
            ("7", Unknown),
            ("", Unknown),
        ] {
            assert_eq!(answered(line.as_bytes(), line.as_bytes()), seen, "{line}");
        }
    }

    #[test]
    fn the_ends_of_a_line_are_enough() {
        assert_eq!(answered(br#"{"jsonrpc":"2.0","id":7"#, b"xxx"), Answered::Unknown);
        assert_eq!(answered(br#"{"jsonrpc":"2.0","id":7,"result":{"content":[{"te"#, b"xxx"), Answered::Request(7));
        assert_eq!(
            answered(br#"{"result":{"content":[{"te"#, br#"xxx"}]},"jsonrpc":"2.0","id":7}"#),
            Answered::Request(7)
        );
    }
}
