//! TOML, as Codex has it: a table a server.

use super::entry::{Entry, quoted};
use super::splice::Splice;
use toml_edit::{Document, Item, Table};

/// A configuration that could be read.
pub(super) struct Toml<'a> {
    text: &'a str,
    document: Document<&'a str>,
}

impl<'a> Toml<'a> {
    /// Reads it.
    pub(super) fn read(text: &'a str) -> Result<Self, String> {
        let document = Document::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start).min(text.len());
            let line = text[..at].matches('\n').count() + 1;
            let column = text[text[..at].rfind('\n').map_or(0, |newline| newline + 1)..at].chars().count() + 1;
            format!("line {line}, column {column}: {}", error.message().replace('\n', ", "))
        })?;
        Ok(Self { text, document })
    }

    /// The entry of a name, if there is one.
    pub(super) fn entry(&self, key: &str, name: &str) -> Option<serde_json::Value> {
        let found = self.document.get(key)?.get(name)?;
        let list = |item: &Item| {
            let list = item.as_array()?.iter().filter_map(toml_edit::Value::as_str);
            Some(list.map(serde_json::Value::from).collect::<serde_json::Value>())
        };
        let mut entry = serde_json::Map::new();
        for (key, item) in found.as_table_like()?.iter() {
            let value = item.as_str().map(Into::into).or_else(|| list(item));
            entry.insert(key.to_owned(), value.unwrap_or_default());
        }
        Some(entry.into())
    }

    /// How the entry comes in: as a table behind everything else.
    pub(super) fn add(&self, key: &str, name: &str, entry: &Entry) -> Result<Vec<Splice>, String> {
        if self.document.get(key).is_some_and(|servers| !servers.is_table()) {
            return Err(format!("{key} is no table of its own; write the server into it by hand"));
        }
        let newline = if self.text.contains("\r\n") { "\r\n" } else { "\n" };
        let mut text = String::new();
        if !self.text.is_empty() {
            if !self.text.ends_with('\n') {
                text.push_str(newline);
            }
            text.push_str(newline);
        }
        let bare = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        let name = if bare { name.to_owned() } else { quoted(name) };
        text.push_str(&format!("[{key}.{name}]{newline}"));
        for (key, value) in entry.members() {
            text.push_str(&format!("{key} = {value}{newline}"));
        }
        Ok(vec![Splice::insert(self.text.len(), text)])
    }

    /// How the entry's values are replaced.
    pub(super) fn put(&self, key: &str, name: &str, entry: &Entry) -> Result<Vec<Splice>, String> {
        let table = self.table(key, name)?;
        let mut splices = Vec::new();
        for (key, value) in entry.members() {
            let range = table.get(key).and_then(Item::span).ok_or_else(|| by_hand(name))?;
            splices.push(Splice { range, text: value });
        }
        splices.sort_by_key(|splice| splice.range.start);
        Ok(splices)
    }

    /// How the entry goes away: its header, its lines, and the empty line before them.
    pub(super) fn cut(&self, key: &str, name: &str) -> Result<Vec<Splice>, String> {
        let table = self.table(key, name)?;
        let header = table.span().ok_or_else(|| by_hand(name))?;
        let mut end = header.end;
        for (_, item) in table.iter() {
            end = end.max(item.as_value().and_then(toml_edit::Value::span).ok_or_else(|| by_hand(name))?.end);
        }
        let mut start = self.text[..header.start].rfind('\n').map_or(0, |newline| newline + 1);
        let end = self.text[end..].find('\n').map_or(self.text.len(), |newline| end + newline + 1);
        for empty in ["\r\n\r\n", "\n\n"] {
            if self.text[..start].ends_with(empty) {
                start -= empty.len() / 2;
                break;
            }
        }
        Ok(vec![Splice::cut(start..end)])
    }

    fn table(&self, key: &str, name: &str) -> Result<&Table, String> {
        let found = self.document.get(key).and_then(|servers| servers.get(name)).and_then(Item::as_table);
        found.filter(|table| !table.is_implicit() && !table.is_dotted()).ok_or_else(|| by_hand(name))
    }
}

fn by_hand(name: &str) -> String {
    format!("the server {name:?} is written in another way than `sessile install` does; change it by hand")
}
