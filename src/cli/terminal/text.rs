//! Text of others, made fit for a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// The text in one line, without what a terminal would obey: control characters and those that turn the direction of
/// writing are spelled out.
pub(in crate::cli) fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().any(obeyed) { spelled(text, |_| false).into() } else { text.into() }
}

/// The same, but lines stay lines.
pub(in crate::cli) fn clean_lines(text: &str) -> Cow<'_, str> {
    if text.chars().any(obeyed) { spelled(text, |c| c == '\n').into() } else { text.into() }
}

/// At most so many columns of a text, with `…` for what is cut off. Never cuts within a character as people see them.
pub(in crate::cli) fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if text.width() <= columns {
        return text.into();
    }
    let (mut end, mut taken) = (0, 0);
    for (at, cluster) in text.grapheme_indices(true) {
        taken += cluster.width();
        if taken + 1 > columns {
            break;
        }
        end = at + cluster.len();
    }
    if columns == 0 { "".into() } else { format!("{}…", text[..end].trim_end()).into() }
}

/// Whether a terminal would do something on it instead of showing it.
pub(super) fn obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn spelled(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut clean = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            c if stays(c) || !obeyed(c) => clean.push(c),
            '\n' => clean.push('⏎'),
            '\t' => clean.push(' '),
            '\r' => {}
            c => drop(write!(clean, "\\u{{{:x}}}", u32::from(c))),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::{clean, clean_lines, cut};

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        for (text, shown) in [
            ("plain — ümläut 漢字", "plain — ümläut 漢字"),
            ("\u{1b}[2Jgone", "\\u{1b}[2Jgone"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("a\u{202e}b", "a\\u{202e}b"),
            ("bell\u{7}", "bell\\u{7}"),
            ("two\r\nlines\tand a tab", "two⏎lines and a tab"),
        ] {
            assert_eq!(clean(text), shown);
        }
        assert_eq!(clean_lines("two\r\nlines\u{1b}"), "two\nlines\\u{1b}");
    }

    #[test]
    fn text_is_cut_by_columns_and_not_within_a_character() {
        for (text, columns, shown) in [
            ("short", 5, "short"),
            ("longer", 5, "long…"),
            ("漢字漢字", 5, "漢字…"),
            ("漢字漢字", 4, "漢…"),
            ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
            ("👩‍👩‍👧 family", 4, "👩‍👩‍👧…"),
            ("any", 0, ""),
        ] {
            assert_eq!(cut(text, columns), shown, "{text} in {columns}");
        }
    }
}
