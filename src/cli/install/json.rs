//! JSON, with comments where a host allows them: where an entry goes, and where it is.

use super::entry::{Entry, quoted};
use super::hosts::Format;
use super::splice::Splice;
use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged as _;
use jsonc_parser::tokens::{Token, TokenAndRange};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

/// A configuration that could be read.
pub(super) struct Json<'a> {
    text: &'a str,
    root: Option<Object<'a>>,
    tokens: Vec<TokenAndRange<'a>>,
}

impl<'a> Json<'a> {
    /// Reads it; a text with nothing in it is one without a root.
    pub(super) fn read(text: &'a str, format: Format) -> Result<Self, String> {
        let (comments, trailing) = match format {
            Format::Json { comments, trailing_commas } => (comments, trailing_commas),
            Format::Toml => (false, false),
        };
        let options = ParseOptions {
            allow_comments: comments,
            allow_trailing_commas: trailing,
            allow_loose_object_property_names: false,
            allow_missing_commas: false,
            allow_single_quoted_strings: false,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            allow_bare_decimal_point_numbers: false,
            allow_non_finite_numbers: false,
            allow_extended_string_escapes: false,
        };
        let collect = CollectOptions { tokens: true, ..CollectOptions::default() };
        let read = parse_to_ast(text, &collect, &options).map_err(|error| {
            format!("line {}, column {}: {}", error.line_display(), error.column_display(), error.kind())
        })?;
        let root = match read.value {
            None if text.trim().is_empty() => None,
            Some(Value::Object(root)) => Some(root),
            _ => return Err("line 1, column 1: it is no JSON object".into()),
        };
        Ok(Self { text, root, tokens: read.tokens.unwrap_or_default() })
    }

    /// The entry of a name, if there is one.
    pub(super) fn entry(&self, key: &str, name: &str) -> Result<Option<serde_json::Value>, String> {
        let Some(servers) = self.servers(key)? else { return Ok(None) };
        Ok(only(servers, name)?.map(|found| plain(&found.value)))
    }

    /// How the entry comes in.
    pub(super) fn add(&self, key: &str, name: &str, entry: &Entry) -> Result<Vec<Splice>, String> {
        let style = Style::of(self.text, self.root.as_ref());
        let Some(root) = &self.root else {
            let servers = style.member(key, &style.servers(name, entry, 1));
            let text = format!("{{{}{servers}{}}}{}", style.line(1), style.line(0), style.newline);
            return Ok(vec![Splice::insert(self.text.len(), text)]);
        };
        match self.servers(key)? {
            None => {
                Ok(self.append(root, 0, &style, &|style, depth| style.member(key, &style.servers(name, entry, depth))))
            }
            Some(servers) => {
                Ok(self.append(servers, 1, &style, &|style, depth| style.member(name, &style.entry(entry, depth))))
            }
        }
    }

    /// How the entry is replaced by another.
    pub(super) fn put(&self, key: &str, name: &str, entry: &Entry) -> Result<Vec<Splice>, String> {
        let found = self.servers(key)?.map(|servers| only(servers, name)).transpose()?.flatten();
        let Some(found) = found else { return self.add(key, name, entry) };
        let range = found.value.range();
        let mut style = Style::of(self.text, self.root.as_ref());
        style.one_line |= !self.text[range.start..range.end].contains('\n');
        Ok(vec![Splice { range: range.start..range.end, text: style.entry(entry, 2) }])
    }

    /// How the entry goes away, with the comma that parts it from another.
    pub(super) fn cut(&self, key: &str, name: &str) -> Result<Vec<Splice>, String> {
        let Some(servers) = self.servers(key)? else { return Ok(Vec::new()) };
        let Some(at) = servers.properties.iter().position(|other| other.name.as_str() == name) else {
            return Ok(Vec::new());
        };
        let found = &servers.properties[at];
        let start = found.range.start - trailing_space(&self.text[servers.range.start + 1..found.range.start]);
        let before = at.checked_sub(1).map(|before| &servers.properties[before]);
        let after = self.comma(found.range.end, servers.range.end);
        let is_last = at + 1 == servers.properties.len();
        let mut splices = Vec::new();
        match (before.and_then(|before| self.comma(before.range.end, found.range.start)), after) {
            // The comma before is the one that parts it from what stays.
            (Some(comma), None) if is_last && comma + 1 >= start => splices.push(Splice::cut(comma..found.range.end)),
            (Some(comma), None) if is_last => {
                splices.extend([Splice::cut(comma..comma + 1), Splice::cut(start..found.range.end)]);
            }
            (_, Some(comma)) => splices.push(Splice::cut(start..comma + 1)),
            (_, None) => splices.push(Splice::cut(start..found.range.end)),
        }
        // An object of which nothing is left but its braces is written as one.
        if servers.properties.len() == 1
            && let [Splice { range, .. }] = splices.as_mut_slice()
            && self.text[range.end..servers.range.end - 1].trim().is_empty()
        {
            range.end = servers.range.end - 1;
        }
        Ok(splices)
    }

    fn servers(&self, key: &str) -> Result<Option<&Object<'a>>, String> {
        let Some(found) = self.root.as_ref().map(|root| only(root, key)).transpose()?.flatten() else {
            return Ok(None);
        };
        match &found.value {
            Value::Object(servers) => Ok(Some(servers)),
            _ => Err(format!("{key:?} is no object")),
        }
    }

    /// A member behind all others of an object.
    fn append(
        &self,
        object: &Object<'_>,
        depth: usize,
        style: &Style,
        write: &dyn Fn(&Style, usize) -> String,
    ) -> Vec<Splice> {
        let (open, close) = (object.range.start + 1, object.range.end - 1);
        let inside = &self.text[open..close];
        let space = trailing_space(inside);
        let end = close - space;
        let Some(last) = object.properties.last() else {
            // In an empty object on one line, the closing brace needs a line of its own.
            let closing = if inside[inside.len() - space..].contains('\n') { String::new() } else { style.line(depth) };
            let member = write(style, depth + 1);
            return vec![Splice::insert(end, format!("{}{member}{closing}", style.line(depth + 1)))];
        };
        let on_one_line = !inside.contains('\n');
        let style = &Style { one_line: style.one_line || on_one_line, ..style.clone() };
        let lead = if on_one_line { " ".to_owned() } else { style.line(depth + 1) };
        let member = format!("{lead}{}", write(style, depth + 1));
        match self.comma(last.range.end, close) {
            Some(_) => vec![Splice::insert(end, member)],
            None if last.range.end == end => vec![Splice::insert(end, format!(",{member}"))],
            None => vec![Splice::insert(last.range.end, ","), Splice::insert(end, member)],
        }
    }

    /// Where the first comma between two places is that is in no string and no comment.
    fn comma(&self, from: usize, to: usize) -> Option<usize> {
        let between = self.tokens.iter().filter(|token| token.range.start >= from && token.range.end <= to);
        let mut between =
            between.filter(|token| !matches!(token.token, Token::CommentLine(_) | Token::CommentBlock(_)));
        between.next().filter(|token| matches!(token.token, Token::Comma)).map(|token| token.range.start)
    }
}

/// How a file is laid out.
#[derive(Debug, Clone)]
struct Style {
    newline: &'static str,
    indent: String,
    one_line: bool,
}

impl Style {
    /// As what is there already.
    fn of(text: &str, root: Option<&Object<'_>>) -> Self {
        let newline = match text.find('\n') {
            Some(at) if text[..at].ends_with('\r') => "\r\n",
            _ => "\n",
        };
        let first = root.and_then(|root| root.properties.first()).map(|first| first.range.start);
        let lead = first.and_then(|at| Some(&text[text[..at].rfind('\n')? + 1..at]));
        let indent = lead.filter(|lead| !lead.is_empty() && lead.trim().is_empty()).unwrap_or("  ").to_owned();
        Self { newline, indent, one_line: false }
    }

    fn line(&self, depth: usize) -> String {
        if self.one_line { String::new() } else { format!("{}{}", self.newline, self.indent.repeat(depth)) }
    }

    fn member(&self, key: &str, value: &str) -> String {
        format!("{}: {value}", quoted(key))
    }

    /// The object of servers with one entry, as the value of a member at a depth.
    fn servers(&self, name: &str, entry: &Entry, depth: usize) -> String {
        let inner = self.member(name, &self.entry(entry, depth + 1));
        format!("{{{}{inner}{}}}", self.line(depth + 1), self.line(depth))
    }

    /// The entry, as the value of a member at a depth.
    fn entry(&self, entry: &Entry, depth: usize) -> String {
        let members =
            entry.members().into_iter().map(|(key, value)| format!("{}{}: {value}", self.line(depth + 1), quoted(key)));
        let comma = if self.one_line { ", " } else { "," };
        format!("{{{}{}}}", members.collect::<Vec<_>>().join(comma), self.line(depth))
    }
}

/// The one member of a name.
fn only<'o, 'a>(object: &'o Object<'a>, name: &str) -> Result<Option<&'o ObjectProp<'a>>, String> {
    let mut found = object.properties.iter().filter(|member| member.name.as_str() == name);
    match (found.next(), found.next()) {
        (found, None) => Ok(found),
        _ => Err(format!("it has {name:?} more than once")),
    }
}

fn trailing_space(text: &str) -> usize {
    text.len() - text.trim_end_matches([' ', '\t', '\r', '\n']).len()
}

/// A value, as far as entries have any.
fn plain(value: &Value<'_>) -> serde_json::Value {
    match value {
        Value::StringLit(text) => text.value.as_ref().into(),
        Value::BooleanLit(is) => is.value.into(),
        Value::NumberLit(number) => number.value.into(),
        Value::NullKeyword(_) => serde_json::Value::Null,
        Value::Array(list) => list.elements.iter().map(plain).collect(),
        Value::Object(object) => {
            object.properties.iter().map(|member| (member.name.as_str().to_owned(), plain(&member.value))).collect()
        }
    }
}
