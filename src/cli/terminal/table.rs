//! Results as tables that fit the terminal.

use super::{Style, clean, cut};
use crate::wire::Object;
use serde_json::value::RawValue;
use unicode_width::UnicodeWidthStr as _;

/// The narrowest that a column gets.
const NARROW: usize = 14;
/// The widest that a cell gets while other columns need the room.
const WIDE: usize = 60;
/// How wide an id is.
const ID: usize = 36;

/// How something is shown.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Shown {
    /// Columns of the terminal.
    pub(in crate::cli) width: usize,
    /// Its colours.
    pub(in crate::cli) style: Style,
}

/// How many columns the terminal has; 80 where nobody knows.
pub(in crate::cli) fn width() -> usize {
    crossterm::terminal::size().map_or(80, |(columns, _)| usize::from(columns)).max(20)
}

/// Shows an object: what it lists as tables, all else a line each. None when it is no object. The cursor of the next
/// page is not shown.
pub(in crate::cli) fn show(json: &str, how: Shown) -> Option<String> {
    let object = Object::read(json)?;
    let (mut facts, mut parts) = (Vec::new(), Vec::new());
    for (name, value) in object.iter() {
        match rows(value) {
            Some(rows) => parts.push((name, rows)),
            None => flatten(&name, value, 2, &mut facts),
        }
    }
    let mut shown = Vec::new();
    let lists = !parts.is_empty();
    facts.retain(|(name, value)| !(value.is_empty() || lists && name == "next_cursor"));
    if !facts.is_empty() {
        shown.push(list(&facts, how));
    }
    let several = parts.len() > 1;
    for (name, rows) in parts {
        if several {
            shown.push(how.style.head(clean(&name)));
        }
        shown.push(table(&rows, how));
    }
    Some(shown.join("\n"))
}

/// The rows of a list of objects, each as names and values.
fn rows(value: &str) -> Option<Vec<Vec<(String, String)>>> {
    if !value.starts_with('[') {
        return None;
    }
    let items: Vec<&RawValue> = serde_json::from_str(value).ok()?;
    let read = |item: &&RawValue| {
        let object = Object::read(item.get())?;
        let mut row = Vec::new();
        for (name, value) in object.iter() {
            flatten(&name, value, 1, &mut row);
        }
        Some(row)
    };
    items.iter().map(read).collect()
}

/// A member as a cell, or the members of an object as several.
fn flatten(name: &str, value: &str, depth: usize, into: &mut Vec<(String, String)>) {
    match Object::read(value).filter(|object| depth > 0 && !object.is_empty()) {
        Some(object) => {
            object.iter().for_each(|(inner, value)| flatten(&format!("{name}.{inner}"), value, depth - 1, into))
        }
        None => into.push((name.to_owned(), cell(value))),
    }
}

/// A value in a line: text without its quotes, nothing for `null`, the values alone of what has parts.
fn cell(value: &str) -> String {
    match value.as_bytes().first() {
        Some(b'n') => String::new(),
        Some(b'"') => clean(&serde_json::from_str::<String>(value).unwrap_or_else(|_| value.to_owned())).into_owned(),
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(value).unwrap_or_default();
            items.iter().map(|item| cell(item.get())).collect::<Vec<_>>().join(", ")
        }
        Some(b'{') => {
            let object = Object::read(value).unwrap_or_default();
            object.iter().map(|(_, value)| cell(value)).collect::<Vec<_>>().join(" ")
        }
        _ => clean(value).into_owned(),
    }
}

fn list(facts: &[(String, String)], how: Shown) -> String {
    let names = facts.iter().map(|(name, _)| name.width()).max().unwrap_or_default().min(how.width / 3);
    let lines = facts.iter().map(|(name, value)| {
        let name = clean(name);
        let name = cut(&name, names);
        let room = how.width.saturating_sub(names + 2);
        // An id, or a secret that is shown but once, is worth more than a line.
        let value = if value.contains(' ') { cut(value, room) } else { value.as_str().into() };
        format!("{}{}  {value}", how.style.head(&name), " ".repeat(names - name.width()))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A column, before it is known whether there is room for it.
struct Column {
    name: String,
    cells: Vec<String>,
    natural: usize,
    right: bool,
}

impl Column {
    /// What goes first when there is no room: the higher, the sooner.
    fn dispensable(&self) -> usize {
        match &*self.name {
            "id" => 0,
            "name" | "title" | "subject" | "email" => 1,
            name if name == "version" || name.ends_with("_at") || name.contains("uri") => 4,
            name if name.ends_with("id") => 3,
            _ => 2,
        }
    }

    /// The least that it is worth showing with.
    fn floor(&self, width: usize) -> usize {
        let least = if self.name == "id" && width >= 2 * ID - 2 { ID } else { NARROW };
        self.natural.min(least)
    }
}

fn table(rows: &[Vec<(String, String)>], how: Shown) -> String {
    if rows.is_empty() {
        return "There are none.".into();
    }
    let mut columns = columns(rows);
    let mut left_out = Vec::new();
    while columns.len() > 1 {
        let worst = columns.iter().map(Column::dispensable).max().unwrap_or_default();
        // What hardly matters does not narrow the rest.
        let wanted = |column: &Column| if worst >= 4 { column.natural.min(WIDE) } else { column.floor(how.width) };
        if needed(&columns, wanted) <= how.width {
            break;
        }
        let at = columns.iter().rposition(|column| column.dispensable() == worst).unwrap_or_default();
        left_out.insert(0, columns.remove(at).name);
    }
    let widths = widths(&columns, how.width);
    let mut lines = Vec::with_capacity(rows.len() + 2);
    let heads = columns.iter().map(|column| clean(&column.name).replace('_', " ").to_uppercase());
    lines.push(how.style.head(line(heads, &columns, &widths)));
    for row in 0..rows.len() {
        lines.push(line(columns.iter().map(|column| column.cells[row].clone()), &columns, &widths));
    }
    if !left_out.is_empty() {
        let names = left_out.iter().map(|name| clean(name)).collect::<Vec<_>>().join(", ");
        lines.push(how.style.faint(cut(&format!("Not shown: {names} (--json shows all)"), how.width)));
    }
    lines.join("\n")
}

/// The columns in which there is anything, in the order in which the rows tell them.
fn columns(rows: &[Vec<(String, String)>]) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        for (name, value) in row {
            let known = columns.iter().position(|column| column.name == *name).unwrap_or_else(|| {
                columns.push(Column {
                    name: name.clone(),
                    cells: vec![String::new(); rows.len()],
                    natural: 0,
                    right: false,
                });
                columns.len() - 1
            });
            columns[known].cells[at].clone_from(value);
        }
    }
    columns.retain(|column| column.cells.iter().any(|cell| !cell.is_empty()));
    for column in &mut columns {
        let widest = column.cells.iter().map(|cell| cell.width()).max().unwrap_or_default();
        column.natural = widest.max(column.name.width());
        column.right = column.cells.iter().all(|cell| cell.is_empty() || cell.parse::<f64>().is_ok());
    }
    columns
}

/// How wide each column is: as it would be, or less where there is no room, from the widest on.
fn widths(columns: &[Column], room: usize) -> Vec<usize> {
    let mut widths: Vec<usize> = columns.iter().map(|column| column.natural).collect();
    let mut over = needed(columns, |column| column.natural).saturating_sub(room);
    // First what is very wide, then all.
    for least in [WIDE, 0] {
        while over > 0 {
            let floor = |at: usize| columns[at].floor(room).max(least);
            let widest = (0..widths.len()).filter(|at| widths[*at] > floor(*at)).max_by_key(|at| widths[*at]);
            let Some(at) = widest else { break };
            widths[at] -= 1;
            over -= 1;
        }
    }
    // One that is alone may still be too wide.
    if let [only] = &mut widths[..] {
        *only = (*only).min(room);
    }
    widths
}

fn needed(columns: &[Column], width: impl Fn(&Column) -> usize) -> usize {
    columns.iter().map(|column| width(column) + 2).sum::<usize>().saturating_sub(2)
}

fn line(cells: impl Iterator<Item = String>, columns: &[Column], widths: &[usize]) -> String {
    let padded = cells.zip(columns).zip(widths).map(|((cell, column), width)| {
        let cell = cut(&cell, *width);
        let space = " ".repeat(width.saturating_sub(cell.width()));
        if column.right { format!("{space}{cell}") } else { format!("{cell}{space}") }
    });
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Shown, Style, show};
    use unicode_width::UnicodeWidthStr as _;

    const CONTACTS: &str = r#"{"items":[
        {"id":"01a20a1a-9d14-75d8-9dd3-224ad9748ce7","version":1,"created_at":"2026-11-23T20:30:46.036Z","name":"Amir Haddad","email":"amir.haddad@calder-voss.example","company_name":"Calder & Voss Architects"},
        {"id":"01a20a1a-9d14-75d8-9dd3-224e496de6c1","version":12,"created_at":"2026-11-23T20:30:46.036Z","name":"漢字漢字 \u001b[31m","email":null,"company_name":"Fennimore Books","notes":"Reads every word of an offer, twice, and then calls to have it explained again."}
    ],"next_cursor":"abc"}"#;

    fn shown(json: &str, width: usize) -> String {
        show(json, Shown { width, style: Style::PLAIN }).expect("an object")
    }

    #[test]
    fn a_table_fits_the_terminal() {
        for width in [20, 40, 60, 80, 120, 250] {
            let table = shown(CONTACTS, width);
            let lines: Vec<&str> = table.lines().collect();
            for line in &lines {
                assert!(line.width() <= width, "{} columns in {width}: {line}", line.width());
            }
            assert!(!table.contains('\u{1b}'), "{table}");
            assert!(lines[0].contains("NAME") || width < 30, "{table}");
        }
        assert!(shown(CONTACTS, 80).contains("01a20a1a-9d14-75d8-9dd3-224ad9748ce7"), "an id is whole where it can be");
        assert!(shown(CONTACTS, 80).contains("notes, version, created_at ("), "{}", shown(CONTACTS, 80));
        assert!(!shown(CONTACTS, 250).contains("Not shown"));
        assert!(!shown(CONTACTS, 80).contains("abc"));
    }

    #[test]
    fn columns_stand_under_each_other() {
        let table = shown(CONTACTS, 250);
        let lines: Vec<&str> = table.lines().collect();
        let column = |line: &str, what: &str| line[..line.find(what).expect("it is there")].width();
        assert_eq!(column(lines[0], "COMPANY NAME"), column(lines[1], "Calder"));
        assert_eq!(column(lines[0], "COMPANY NAME"), column(lines[2], "Fennimore"));
    }

    #[test]
    fn a_record_is_a_line_for_each_member() {
        let record =
            shown(r#"{"signed_in":true,"user":{"id":"1","email":"a@b.example"},"until":null,"tags":["a","b"]}"#, 80);
        assert_eq!(record, "signed_in   true\nuser.id     1\nuser.email  a@b.example\ntags        a, b");
        assert_eq!(shown(r#"{"items":[]}"#, 80), "There are none.");
        let totals = r#"{"stages":[{"stage":"lead","totals":[{"currency":"EUR","amount":"1.00"},{"currency":"USD","amount":"2.00"}]}]}"#;
        assert_eq!(shown(totals, 80), "STAGE  TOTALS\nlead   EUR 1.00, USD 2.00");
    }
}
