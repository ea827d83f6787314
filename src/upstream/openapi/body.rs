//! The body of an operation's requests: the arguments that it is made of, and how it is written.

use super::parameter::plain;
use super::schema::Schemas;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use url::form_urlencoded::Serializer;

/// Arguments of a call, as they came.
pub(super) type Arguments<'a> = BTreeMap<String, &'a RawValue>;

/// What a body is made of.
#[derive(Debug)]
pub(super) struct Body {
    /// Its `Content-Type`.
    pub(super) kind: String,
    shape: Shape,
    pub(super) required: bool,
}

#[derive(Debug)]
enum Shape {
    /// One argument is all of it.
    Whole(String),
    /// These arguments are its members.
    Members(Vec<String>),
}

impl Body {
    /// Reads what a body is, and adds its arguments; none when the operation can do without one that is not known here.
    pub(super) fn read(
        described: &Value,
        schemas: &mut Schemas<'_>,
        properties: &mut Map<String, Value>,
        required: &mut Vec<Value>,
    ) -> Result<Option<Self>, String> {
        let needed = described["required"] == true;
        let Some(content) = described["content"].as_object() else { return Ok(None) };
        let find = |fits: fn(&str) -> bool| content.iter().find(|(kind, _)| fits(kind));
        let Some((kind, media)) = find(is_json).or_else(|| find(is_form)).or_else(|| find(is_text)) else {
            let kinds: Vec<_> = content.keys().map(String::as_str).collect();
            return if needed {
                Err(format!("its body is {}, which cannot be sent", kinds.join(" or ")))
            } else {
                Ok(None)
            };
        };
        let schema = &media["schema"];
        let members = schemas.object(schema).filter(|_| !is_text(kind)).map(|members| {
            // What the API alone says is nothing to be asked for.
            members.iter().filter(|(_, member)| member["readOnly"] != true).collect::<Vec<_>>()
        });
        let members = members.filter(|members| {
            !members.is_empty() && members.iter().all(|(name, _)| !properties.contains_key(name.as_str()))
        });
        let shape = match members {
            Some(members) => {
                let of = schemas.required(schema);
                let names: Vec<_> = members.iter().map(|(name, _)| (*name).clone()).collect();
                properties.extend(members.into_iter().map(|(name, member)| (name.clone(), schemas.make(member))));
                if needed {
                    required.extend(of.into_iter().filter(|name| names.contains(name)).map(Value::from));
                }
                Shape::Members(names)
            }
            None => {
                let free =
                    ["body", "request_body", "json_body"].into_iter().find(|name| !properties.contains_key(*name));
                let name = free.ok_or("its parameters leave no name for its body")?;
                let mut made = schemas.make(schema);
                if let (Some(made), Some(text)) = (made.as_object_mut(), described["description"].as_str()) {
                    made.entry("description").or_insert_with(|| text.into());
                }
                properties.insert(name.to_owned(), made);
                if needed {
                    required.push(name.into());
                }
                Shape::Whole(name.to_owned())
            }
        };
        Ok(Some(Self { kind: kind.clone(), shape, required: needed }))
    }

    /// Whether an argument is a part of it.
    pub(super) fn takes(&self, argument: &str) -> bool {
        match &self.shape {
            Shape::Whole(name) => name == argument,
            Shape::Members(names) => names.iter().any(|name| name == argument),
        }
    }

    /// The body of a call with these arguments; none when there is nothing to say.
    pub(super) fn write(&self, arguments: &Arguments<'_>) -> Result<Option<String>, String> {
        let members: Vec<(&str, &RawValue)> = match &self.shape {
            Shape::Whole(name) => {
                let Some(whole) = arguments.get(name) else { return self.nothing(name) };
                if is_json(&self.kind) {
                    return Ok(Some(whole.get().to_owned()));
                }
                let value: Value = serde_json::from_str(whole.get()).map_err(|error| error.to_string())?;
                let Value::Object(members) = value else { return Ok(Some(plain(&value))) };
                return Ok(Some(form(members.iter())));
            }
            Shape::Members(names) => names.iter().filter_map(|name| Some((&**name, *arguments.get(name)?))).collect(),
        };
        if members.is_empty() && !self.required {
            return Ok(None);
        }
        if !is_json(&self.kind) {
            let read = |(name, raw): (&str, &RawValue)| Some((name.to_owned(), serde_json::from_str(raw.get()).ok()?));
            let members: Map<String, Value> = members.into_iter().filter_map(read).collect();
            return Ok(Some(form(members.iter())));
        }
        // As they came: a number keeps its digits.
        let members: Vec<_> = members.iter().map(|(name, raw)| format!("{}:{raw}", Value::from(*name))).collect();
        Ok(Some(format!("{{{}}}", members.join(","))))
    }

    fn nothing(&self, argument: &str) -> Result<Option<String>, String> {
        if self.required { Err(format!("{argument} is missing")) } else { Ok(None) }
    }
}

pub(super) fn is_json(kind: &str) -> bool {
    let kind = essence(kind);
    kind == "application/json" || kind.ends_with("+json") || kind == "*/*"
}

fn is_form(kind: &str) -> bool {
    essence(kind) == "application/x-www-form-urlencoded"
}

fn is_text(kind: &str) -> bool {
    essence(kind).starts_with("text/")
}

/// A media type without its parameters.
pub(super) fn essence(kind: &str) -> String {
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn form<'a>(members: impl Iterator<Item = (&'a String, &'a Value)>) -> String {
    let mut form = Serializer::new(String::new());
    for (name, value) in members {
        let _ = match value {
            Value::Array(items) => form.extend_pairs(items.iter().map(|item| (name, plain(item)))),
            value => form.append_pair(name, &plain(value)),
        };
    }
    form.finish()
}
