//! JSON of others, as it is written.

use super::text::obeyed;
use std::fmt::Write as _;

/// The JSON in lines for people. Members keep their order and numbers their spelling; what a terminal would obey is
/// written as an escape, which is the same JSON.
pub(in crate::cli) fn pretty(json: &str) -> String {
    let mut lines = String::with_capacity(json.len() * 2);
    let (mut depth, mut inside, mut escaped) = (0usize, false, false);
    let mut rest = json.chars().peekable();
    let begin = |lines: &mut String, depth: usize| {
        lines.push('\n');
        lines.extend(std::iter::repeat_n("  ", depth));
    };
    while let Some(c) = rest.next() {
        if inside {
            escape(&mut lines, c);
            inside = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            continue;
        }
        match c {
            '"' => {
                inside = true;
                lines.push(c);
            }
            '{' | '[' => {
                lines.push(c);
                while rest.next_if(|next| next.is_ascii_whitespace()).is_some() {}
                if let Some(close) = rest.next_if(|next| matches!(next, '}' | ']')) {
                    lines.push(close);
                } else {
                    depth += 1;
                    begin(&mut lines, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                begin(&mut lines, depth);
                lines.push(c);
            }
            ',' => {
                lines.push(c);
                begin(&mut lines, depth);
            }
            ':' => lines.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => escape(&mut lines, c),
        }
    }
    lines
}

/// The JSON as it came, in one line.
pub(in crate::cli) fn raw(json: &str) -> String {
    // Lines end between tokens only: within text they are escapes.
    if json.contains(['\n', '\r']) { json.replace(['\n', '\r'], " ") } else { json.to_owned() }
}

fn escape(lines: &mut String, c: char) {
    if obeyed(c) {
        let mut units = [0; 2];
        for unit in c.encode_utf16(&mut units) {
            let _ = write!(lines, "\\u{unit:04x}");
        }
    } else {
        lines.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::pretty;

    #[test]
    fn json_is_laid_out_and_stays_the_same() {
        let json = "{\"b\":[1.00, 2e3],\"a\":{},\"c\":[ ],\"d\":\"x: {\\\"\u{9b}\"}";
        let shown = pretty(json);
        assert_eq!(
            shown,
            "{\n  \"b\": [\n    1.00,\n    2e3\n  ],\n  \"a\": {},\n  \"c\": [],\n  \"d\": \"x: {\\\"\\u009b\"\n}"
        );
        let read = |json: &str| serde_json::from_str::<serde_json::Value>(json).expect("JSON");
        assert_eq!(read(&shown), read(json));
    }
}
