//! CSV of which a spreadsheet shows every cell and calculates none.
//!
//! A contact named `=HYPERLINK(…)` would otherwise run on the machine of whoever opens the export.

use std::borrow::Cow;

/// Writes a header and rows as CSV with line feeds, so that no spreadsheet takes a cell for a
/// formula.
///
/// A cell that one would calculate gets a leading apostrophe, which [`read`](super::read) takes
/// away from [`Format::Sessile`](super::Format::Sessile); numbers and phone numbers such as `-5`
/// and `+1 555 0100` stay as they are.
pub(crate) fn write(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    const IN_MEMORY: &str = "writing flexible records to memory does not fail";

    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    writer.write_record(header).expect(IN_MEMORY);
    for row in rows {
        let cells = row.iter().map(|cell| defuse(cell));
        writer.write_record(cells.map(|cell| cell.into_owned().into_bytes())).expect(IN_MEMORY);
    }
    let bytes = writer.into_inner().expect(IN_MEMORY);
    String::from_utf8(bytes).expect("text quoted with ASCII is still text")
}

/// Puts an apostrophe before a formula. One that already stands behind apostrophes gets one more,
/// so that [`restore`] gives back every text as it was.
fn defuse(cell: &str) -> Cow<'_, str> {
    if is_formula(cell.trim_start_matches('\'')) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

/// The text that [`defuse`] was given.
pub(super) fn restore(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if is_formula(rest.trim_start_matches('\'')) => rest,
        _ => cell,
    }
}

/// By its first character, as OWASP lists them; some spreadsheets take the full-width ones, too.
fn is_formula(cell: &str) -> bool {
    let starts = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    cell.starts_with(starts) && !is_number(cell) && !is_phone(cell)
}

fn is_number(cell: &str) -> bool {
    let digits = cell.strip_prefix(['+', '-']).unwrap_or(cell);
    digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.ends_with(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
}

/// Digits and what groups them. A letter could be the name of a function or of another cell.
fn is_phone(cell: &str) -> bool {
    cell.strip_prefix('+').is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_digit() || c == '(')
            && rest.chars().any(|c| c.is_ascii_digit())
            && rest.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '-' | '.' | '(' | ')'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_when_they_must_be_and_formulas_are_defused() {
        let rows = [
            vec!["Acme, Inc.", "5\" pipe", "two\nlines"],
            vec!["=1+1", "-5", "+1 555 0100"],
            vec!["short row"],
            vec![],
        ];
        let rows = rows.into_iter().map(|row| row.into_iter().map(str::to_owned).collect());
        assert_eq!(
            write(&["a", "b", "c"], rows),
            "a,b,c\n\"Acme, Inc.\",\"5\"\" pipe\",\"two\nlines\"\n'=1+1,-5,+1 555 0100\nshort row\n\"\"\n"
        );
    }

    #[test]
    fn formulas_get_an_apostrophe_and_lose_it_again() {
        let table = [
            ("", ""),
            ("Ada", "Ada"),
            ("a=b", "a=b"),
            ("=1+1", "'=1+1"),
            ("=HYPERLINK(\"http://x.example\")", "'=HYPERLINK(\"http://x.example\")"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("\n=1", "'\n=1"),
            ("＝1", "'＝1"),
            ("-", "'-"),
            ("- met at the fair", "'- met at the fair"),
            ("-2+cmd|' /C calc'!A0", "'-2+cmd|' /C calc'!A0"),
            // Numbers and phone numbers are no formulas, as long as nothing but digits could be
            // calculated.
            ("-5", "-5"),
            ("+5", "+5"),
            ("-1,234.50", "-1,234.50"),
            ("-5.", "'-5."),
            ("-A1", "'-A1"),
            ("+1 555 0100", "+1 555 0100"),
            ("+1 (555) 555-0100", "+1 (555) 555-0100"),
            ("+(44) 20.7946.0000", "+(44) 20.7946.0000"),
            ("+1 555 0100 x12", "'+1 555 0100 x12"),
            ("+", "'+"),
            // Apostrophes of the text itself survive.
            ("'", "'"),
            ("'tis", "'tis"),
            ("'-5", "'-5"),
            ("'=1", "''=1"),
            ("''=1", "'''=1"),
        ];
        for (text, cell) in table {
            assert_eq!(defuse(text), cell);
            assert_eq!(restore(cell), text);
        }
    }
}
