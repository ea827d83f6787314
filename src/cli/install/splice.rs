//! Changes to a text: bytes in places, and all the rest as it was.

use std::ops::Range;

/// What takes the place of a range of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Splice {
    pub(super) range: Range<usize>,
    pub(super) text: String,
}

impl Splice {
    /// New text at a place.
    pub(super) fn insert(at: usize, text: impl Into<String>) -> Self {
        Self { range: at..at, text: text.into() }
    }

    /// Less text.
    pub(super) fn cut(range: Range<usize>) -> Self {
        Self { range, text: String::new() }
    }
}

/// The text with splices, which are in order and apart.
pub(super) fn apply(text: &str, splices: &[Splice]) -> String {
    let mut new = String::with_capacity(text.len() + splices.iter().map(|splice| splice.text.len()).sum::<usize>());
    let mut at = 0;
    for Splice { range, text: put } in splices {
        new.push_str(&text[at..range.start]);
        new.push_str(put);
        at = range.end;
    }
    new.push_str(&text[at..]);
    new
}

/// What a person sees of it. Lines that stay are not shown: they may hold somebody's secrets.
pub(super) fn show(text: &str, splices: &[Splice]) -> String {
    let mut shown = String::new();
    for Splice { range, text: put } in splices {
        let line = text[..range.start].matches('\n').count() + 1;
        shown.push_str(&format!("@@ line {line} @@\n"));
        for (sign, part) in [('-', &text[range.clone()]), ('+', put.as_str())] {
            let part = part.strip_prefix("\r\n").or_else(|| part.strip_prefix('\n')).unwrap_or(part);
            for line in part.lines() {
                shown.push_str(&format!("{sign} {line}\n"));
            }
        }
    }
    shown
}
