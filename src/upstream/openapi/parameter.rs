//! A parameter of an operation, and how a value of it is written into a request (OpenAPI 3.1, Style Values).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// All but what may stand in any part of a URL as it is.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where a parameter goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
    Header,
    Cookie,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// In a query or a cookie: `name=value`.
    Form,
    /// In a path or a header: the value alone.
    Simple,
    /// In a path: `.value`.
    Label,
    /// In a path: `;name=value`.
    Matrix,
    /// In a query: items of a list between these.
    Between(char),
    /// In a query: `name[key]=value`.
    Deep,
    /// The value as JSON.
    Json,
}

/// A parameter.
#[derive(Debug)]
pub(super) struct Parameter {
    /// The argument of the tool.
    pub(super) argument: String,
    /// Its name in the request.
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) required: bool,
    style: Style,
    explode: bool,
}

impl Parameter {
    /// Reads one, resolved; none for what a request has anyway.
    pub(super) fn read(described: &Value) -> Option<Self> {
        let name = described["name"].as_str()?;
        let place = match described["in"].as_str()? {
            "path" => Place::Path,
            "query" => Place::Query,
            "header" => Place::Header,
            "cookie" => Place::Cookie,
            _ => return None,
        };
        let fixed = ["accept", "authorization", "content-length", "content-type", "cookie", "host"];
        if place == Place::Header && fixed.contains(&name.to_ascii_lowercase().as_str()) {
            return None;
        }
        let usual = if matches!(place, Place::Query | Place::Cookie) { Style::Form } else { Style::Simple };
        let style = match described["style"].as_str() {
            _ if described.get("content").is_some() => Style::Json,
            Some("label") => Style::Label,
            Some("matrix") => Style::Matrix,
            Some("spaceDelimited") => Style::Between(' '),
            Some("pipeDelimited") => Style::Between('|'),
            Some("deepObject") => Style::Deep,
            _ => usual,
        };
        let explode = described["explode"].as_bool().unwrap_or(style == Style::Form);
        let required = place == Place::Path || described["required"] == true;
        Some(Self { argument: name.to_owned(), name: name.to_owned(), place, required, style, explode })
    }

    /// What is put into a path in place of the parameter.
    pub(super) fn in_path(&self, value: &Value) -> String {
        let encode = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
        if self.style == Style::Json {
            return encode(&value.to_string());
        }
        let name = encode(&self.name);
        let pieces: Vec<(String, String)> =
            self.pieces(value).into_iter().map(|(key, text)| (encode(&key), encode(&text))).collect();
        let (first, between) = match self.style {
            Style::Label => (".", if self.explode { "." } else { "," }),
            Style::Matrix if self.explode => (";", ";"),
            Style::Matrix => (";", ","),
            _ => ("", ","),
        };
        let named = self.style == Style::Matrix;
        let written: Vec<_> = pieces
            .into_iter()
            .map(|(key, text)| match (value, self.explode) {
                (Value::Object(_), true) => format!("{key}={text}"),
                (Value::Object(_), false) => format!("{key},{text}"),
                (Value::Array(_), true) if named => format!("{name}={text}"),
                _ => text,
            })
            .collect();
        let prefix = if named && !(self.explode && (value.is_object() || value.is_array())) {
            format!("{first}{name}=")
        } else {
            first.to_owned()
        };
        prefix + &written.join(between)
    }

    /// The pairs that are added to a query or to the cookies.
    pub(super) fn pairs(&self, value: &Value) -> Vec<(String, String)> {
        let pieces = self.pieces(value);
        match (self.style, value) {
            (Style::Deep, Value::Object(_)) => {
                pieces.into_iter().map(|(key, text)| (format!("{}[{key}]", self.name), text)).collect()
            }
            (Style::Form | Style::Between(_), Value::Object(_)) if self.explode => pieces,
            (Style::Form | Style::Deep | Style::Between(_), Value::Array(_)) if self.explode => {
                pieces.into_iter().map(|(_, text)| (self.name.clone(), text)).collect()
            }
            _ => vec![(self.name.clone(), self.in_one(value))],
        }
    }

    /// The value in one text, unencoded.
    pub(super) fn in_one(&self, value: &Value) -> String {
        if self.style == Style::Json {
            return value.to_string();
        }
        let between = if let Style::Between(between) = self.style { between } else { ',' };
        let is_object = value.is_object();
        let written = self.pieces(value).into_iter().map(|(key, text)| match (is_object, self.explode) {
            (true, true) => format!("{key}={text}"),
            (true, false) => format!("{key}{between}{text}"),
            (false, _) => text,
        });
        written.collect::<Vec<_>>().join(&between.to_string())
    }

    /// The items of a list, the members of an object, or the value alone.
    fn pieces(&self, value: &Value) -> Vec<(String, String)> {
        match value {
            Value::Array(items) => items.iter().map(|item| (String::new(), plain(item))).collect(),
            Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), plain(value))).collect(),
            value => vec![(String::new(), plain(value))],
        }
    }
}

/// A value as text, without the quotes of a string.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parameter(place: &str, style: Option<&str>, explode: Option<bool>) -> Parameter {
        let mut described = json!({ "name": "color", "in": place });
        if let Some(style) = style {
            described["style"] = style.into();
        }
        if let Some(explode) = explode {
            described["explode"] = explode.into();
        }
        Parameter::read(&described).expect("it is one")
    }

    /// The table of the specification (Style Examples).
    #[test]
    fn values_are_written_as_the_specification_shows() {
        let (text, list, object) = (json!("blue"), json!(["blue", "black"]), json!({ "B": 150, "R": 100 }));
        for (style, explode, of_text, of_list, of_object) in [
            ("matrix", false, ";color=blue", ";color=blue,black", ";color=B,150,R,100"),
            ("matrix", true, ";color=blue", ";color=blue;color=black", ";B=150;R=100"),
            ("label", false, ".blue", ".blue,black", ".B,150,R,100"),
            ("label", true, ".blue", ".blue.black", ".B=150.R=100"),
            ("simple", false, "blue", "blue,black", "B,150,R,100"),
            ("simple", true, "blue", "blue,black", "B=150,R=100"),
        ] {
            let parameter = parameter("path", Some(style), Some(explode));
            for (value, expected) in [(&text, of_text), (&list, of_list), (&object, of_object)] {
                assert_eq!(parameter.in_path(value), expected, "{style} {explode}");
            }
        }
        for (style, explode, of_list, of_object) in [
            ("form", Some(false), "color=blue,black", "color=B,150,R,100"),
            ("form", None, "color=blue&color=black", "B=150&R=100"),
            ("spaceDelimited", None, "color=blue black", "color=B 150 R 100"),
            ("pipeDelimited", None, "color=blue|black", "color=B|150|R|100"),
            ("deepObject", Some(true), "color=blue&color=black", "color[B]=150&color[R]=100"),
        ] {
            let parameter = parameter("query", Some(style), explode);
            for (value, expected) in [(&text, "color=blue"), (&list, of_list), (&object, of_object)] {
                let pairs = parameter.pairs(value).into_iter().map(|(name, value)| format!("{name}={value}"));
                assert_eq!(pairs.collect::<Vec<_>>().join("&"), expected, "{style}");
            }
        }
        assert_eq!(parameter("path", None, None).in_path(&json!("a/b c?ü")), "a%2Fb%20c%3F%C3%BC");
        assert_eq!(parameter("header", None, None).in_one(&json!([1, true])), "1,true");
    }
}
