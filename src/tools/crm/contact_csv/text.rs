//! CSV as mere text: its delimiter, whether its quotes match, and on which line something stands.
//!
//! The csv crate reads anything without complaint. One forgotten quote would make it take the rest
//! of the file for a single cell, so quotes are checked before it reads.

/// The delimiter of the header line: whichever of comma, semicolon and tab occurs most outside of
/// quotes.
pub(super) fn delimiter(csv: &str) -> u8 {
    let header = csv.trim_start_matches(['\r', '\n']);
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    for byte in header.bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b'\r' | b'\n' if !quoted => break,
            _ if !quoted => {
                for (_, count) in counts.iter_mut().filter(|(delimiter, _)| *delimiter == byte) {
                    *count += 1;
                }
            }
            _ => {}
        }
    }
    // The last of several maxima is taken, so the comma comes last.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| *delimiter)
}

/// Says on which line a quoted cell starts that is not closed, or not where it ends.
pub(super) fn check_quotes(csv: &str, delimiter: u8) -> Result<(), String> {
    enum At {
        CellStart,
        Bare,
        Quoted,
        /// Behind a quote that closes the cell, or is the first of two.
        Quote,
        /// Behind blanks that follow the closing quote.
        Closed,
    }

    let mut at = At::CellStart;
    let mut opened = 0;
    for (index, byte) in csv.bytes().enumerate() {
        at = match (at, byte) {
            (At::CellStart, b'"') => {
                opened = index;
                At::Quoted
            }
            (At::Quoted, b'"') => At::Quote,
            (At::Quoted, _) | (At::Quote, b'"') => At::Quoted,
            (_, b'\r' | b'\n') => At::CellStart,
            (_, byte) if byte == delimiter => At::CellStart,
            (At::CellStart | At::Bare, _) => At::Bare,
            (At::Quote | At::Closed, b' ' | b'\t') => At::Closed,
            (At::Quote | At::Closed, _) => {
                return Err(format!(
                    "line {}: the quoted cell that starts here ends before its text does; \
                     a quote inside of it is written twice",
                    Lines::of(csv).number_at(opened as u64)
                ));
            }
        };
    }
    match at {
        At::Quoted => Err(format!(
            "line {}: the quoted cell that starts here is never closed",
            Lines::of(csv).number_at(opened as u64)
        )),
        _ => Ok(()),
    }
}

/// Counts the lines of a text, once and forwards.
pub(super) struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    number: u64,
}

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text: text.as_bytes(), at: 0, number: 1 }
    }

    /// The number of the line, from 1, of the first text at or behind a byte that is not before the
    /// last one asked for. A reader that has just read a record often stands on the line breaks
    /// that end it.
    pub(super) fn number_at(&mut self, byte: u64) -> u64 {
        let byte = usize::try_from(byte).unwrap_or(usize::MAX);
        while let Some(&current) = self.text.get(self.at) {
            let ends_line = match current {
                b'\n' => true,
                b'\r' => self.text.get(self.at + 1) != Some(&b'\n'),
                _ => false,
            };
            if self.at >= byte && !matches!(current, b'\r' | b'\n') {
                break;
            }
            self.number += u64::from(ends_line);
            self.at += 1;
        }
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_line_tells_the_delimiter() {
        let table = [
            ("a,b;c,d\n;;;;;;", b','),
            ("a;b;c", b';'),
            ("\r\na;b\r\n,,,", b';'),
            ("a\tb\tc\n", b'\t'),
            ("\"a,b,c\";d", b';'),
            ("\"a\n,,\";d\n,,,", b';'),
            ("a,b;c", b','),
            ("Email", b','),
            ("", b','),
        ];
        for (csv, expected) in table {
            assert_eq!(delimiter(csv), expected, "{csv:?}");
        }
    }

    #[test]
    fn quotes_match_or_the_line_is_named() {
        const UNCLOSED: &str = "the quoted cell that starts here is never closed";
        const EARLY: &str =
            "the quoted cell that starts here ends before its text does; a quote inside of it is written twice";
        let table = [
            ("a,\"b\",c\n\"d\"\r\n\"e\"\r", None),
            ("\"a \"\"b\"\" c\",\"\",\"\"\"\"", None),
            ("\"a\" ,\"b\"\t\n", None),
            ("5\" pipe,Jo \"J\" Doe", None),
            ("\"a\nb,c\nd\"", None),
            ("a,b\n\"c", Some((2, UNCLOSED))),
            ("a,\"b\r\nc\r\nd", Some((1, UNCLOSED))),
            ("a\r\r\"b", Some((3, UNCLOSED))),
            ("a\n\"Jo \"J\" Doe\",b", Some((2, EARLY))),
            ("a\n\"b,\nc,\"d\"\n", Some((2, EARLY))),
            ("\"a\" \"b\"", Some((1, EARLY))),
        ];
        for (csv, expected) in table {
            let expected = expected.map(|(line, what)| format!("line {line}: {what}"));
            assert_eq!(check_quotes(csv, b',').err(), expected, "{csv:?}");
        }
    }
}
