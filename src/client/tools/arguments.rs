//! Arguments as they are typed, made into what a tool's schema asks for.

use super::field::{Field, Kind, typed};
use super::{Tool, nearest};
use serde_json::{Map, Value};

/// The arguments of one call, as far as they are given.
#[derive(Debug)]
pub(crate) struct Arguments<'a> {
    /// Without its schema when it is not listed.
    tool: Option<&'a Tool>,
    given: Map<String, Value>,
}

impl<'a> Arguments<'a> {
    /// None yet, for this tool.
    pub(crate) fn new(tool: Option<&'a Tool>) -> Self {
        Self { tool, given: Map::new() }
    }

    /// Takes in an object of arguments.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn take_json(&mut self, json: &str) -> Result<(), String> {
        match serde_json::from_str(json) {
            Ok(Value::Object(members)) => self.given.extend(members),
            Ok(_) => return Err("the arguments must be a JSON object, such as {\"limit\":5}".into()),
            // What it says besides the place may hold what was typed, such as a password.
            Err(error) => {
                return Err(format!("the arguments are no JSON: see line {} column {}", error.line(), error.column()));
            }
        }
        Ok(())
    }

    /// The argument that a typed name means: one of the tool's, or with dots a member of one. None where the tool
    /// does not tell its arguments.
    ///
    /// # Errors
    /// That there is none of that name, and which one it may be.
    pub(crate) fn field(&self, name: &str) -> Result<Option<&'a Field>, String> {
        let Some(tool) = self.tool else { return Ok(None) };
        if let Some(field) = tool.field(name) {
            return Ok(Some(field));
        }
        let mut fields = &tool.fields;
        let mut found = None;
        for part in name.split('.') {
            found = fields.iter().find(|field| field.name == part);
            match found.map(|field| &field.kind) {
                Some(Kind::Object(members)) => fields = members,
                // Objects with members of any name, such as headers.
                None if fields.is_empty() && name.contains('.') => return Ok(None),
                _ => {}
            }
            if found.is_none() {
                break;
            }
        }
        if found.is_some() || tool.open {
            return Ok(found);
        }
        let names: Vec<&str> = tool.fields.iter().map(|field| field.name.as_str()).collect();
        let takes = if names.is_empty() { "it takes none".into() } else { format!("it takes {}", names.join(", ")) };
        let meant = nearest(name, names.iter().copied()).map(|near| format!("; did you mean {near}?"));
        Err(format!("{} has no argument {name:?}: {takes}{}", tool.name, meant.unwrap_or_default()))
    }

    /// Gives an argument, or one more value of one that is a list.
    ///
    /// # Errors
    /// What is wrong with the name or the value. The value is not repeated if it is a secret.
    pub(crate) fn set(&mut self, name: &str, text: &str) -> Result<(), String> {
        let field = self.field(name)?;
        let value = match field {
            Some(field) => value(field, text).map_err(|why| format!("{name}: {why}"))?,
            None => guessed(text),
        };
        let whole = self.tool.is_some_and(|tool| tool.field(name).is_some());
        let path: Vec<&str> =
            if whole || field.is_none() && self.tool.is_none() { vec![name] } else { name.split('.').collect() };
        self.put(&path, value).map_err(|why| format!("{name}: {why}"))
    }

    fn put(&mut self, path: &[&str], value: Value) -> Result<(), String> {
        let Some((last, outer)) = path.split_last() else { return Ok(()) };
        let mut object = &mut self.given;
        for part in outer {
            let inner = object.entry(*part).or_insert_with(|| Value::Object(Map::new()));
            object = inner.as_object_mut().ok_or("it was given as a whole already")?;
        }
        match (object.get_mut(*last), value) {
            (Some(Value::Array(given)), Value::Array(more)) => given.extend(more),
            (Some(_), _) => return Err("it is given twice".into()),
            (None, value) => drop(object.insert((*last).to_owned(), value)),
        }
        Ok(())
    }

    /// Whether an argument has been given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    /// Whether an argument must not be seen: by its schema, and by its name where that is not known.
    ///
    /// # Errors
    /// There is none of that name.
    pub(crate) fn is_secret(&self, name: &str) -> Result<bool, String> {
        Ok(self.field(name)?.map_or_else(|| looks_secret(name), |field| field.secret))
    }

    /// The first given argument that must not be seen, or with dots a member of one.
    pub(crate) fn secret(&self) -> Option<String> {
        self.secret_below("", &self.given)
    }

    fn secret_below(&self, path: &str, members: &Map<String, Value>) -> Option<String> {
        members.iter().find_map(|(name, value)| {
            let name = format!("{path}{name}");
            match value {
                _ if self.is_secret(&name).unwrap_or_else(|_| looks_secret(&name)) => Some(name),
                Value::Object(members) => self.secret_below(&format!("{name}."), members),
                _ => None,
            }
        })
    }

    /// The required arguments that are not given yet.
    pub(crate) fn missing(&self) -> Vec<&'a Field> {
        let fields = self.tool.map(|tool| &tool.fields[..]).unwrap_or_default();
        fields.iter().filter(|field| field.required && !self.has(&field.name)).collect()
    }

    /// All of them, as JSON.
    pub(crate) fn json(self) -> String {
        Value::Object(self.given).to_string()
    }
}

/// Whether a name sounds as though its value must not be seen.
pub(crate) fn looks_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    ["password", "passwd", "passphrase", "secret", "token", "api_key", "apikey", "credential"]
        .iter()
        .any(|word| name.contains(word))
}

/// Reads a value as an argument takes it.
pub(super) fn value(field: &Field, text: &str) -> Result<Value, String> {
    if field.nullable && text == "null" {
        return Ok(Value::Null);
    }
    if !field.choices.is_empty() {
        return chosen(field, text);
    }
    let no =
        |what: &str| Err(if field.secret { format!("it must be {what}") } else { format!("{text:?} is not {what}") });
    match &field.kind {
        Kind::Text => Ok(text.into()),
        Kind::Integer => match serde_json::from_str::<Value>(text) {
            Ok(number) if number.is_i64() || number.is_u64() => Ok(number),
            _ => no("a whole number"),
        },
        Kind::Number => match serde_json::from_str::<Value>(text) {
            Ok(number) if number.is_number() => Ok(number),
            _ => no("a number"),
        },
        Kind::Boolean => match text.to_lowercase().as_str() {
            "true" | "yes" | "on" => Ok(true.into()),
            "false" | "no" | "off" => Ok(false.into()),
            _ => no("true or false"),
        },
        Kind::List(item) => match serde_json::from_str(text) {
            Ok(Value::Array(items)) => Ok(Value::Array(items)),
            _ if text.trim_start().starts_with('[') => no("a list in JSON"),
            _ if text.is_empty() => Ok(Value::Array(Vec::new())),
            _ => text.split(',').map(|one| value(item, one.trim())).collect(),
        },
        Kind::Object(_) => match serde_json::from_str(text) {
            Ok(object @ Value::Object(_)) => Ok(object),
            _ => no("an object in JSON, such as {\"a\":1}"),
        },
        Kind::Any => Ok(guessed(text)),
    }
}

fn chosen(field: &Field, text: &str) -> Result<Value, String> {
    if let Some(choice) = field.choices.iter().find(|choice| typed(choice) == text) {
        return Ok(choice.clone());
    }
    let choices = field.choices();
    let meant = nearest(text, choices.iter().map(String::as_str)).map(|near| format!("; did you mean {near}?"));
    Err(format!("{text:?} is none of {}{}", choices.join(", "), meant.unwrap_or_default()))
}

/// JSON where it is some, and text otherwise: for arguments of which nothing is known.
fn guessed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

#[cfg(test)]
mod tests {
    use super::{Arguments, Tool};
    use serde_json::{Value, json};

    fn tool() -> Tool {
        let schema = json!({
            "type": "object", "additionalProperties": false, "required": ["name"],
            "$defs": { "Role": { "oneOf": [{ "const": "viewer", "type": "string" }, { "const": "owner", "type": "string" }] } },
            "properties": {
                "name": { "type": "string" }, "limit": { "type": ["integer", "null"] }, "ratio": { "type": "number" },
                "all": { "type": "boolean" }, "amount": { "type": ["string", "number", "null"] },
                "kinds": { "type": "array", "items": { "enum": ["deal", "contact"] } },
                "role": { "anyOf": [{ "$ref": "#/$defs/Role" }, { "type": "null" }] },
                "auth": { "type": "object", "properties": { "id": { "type": "string" }, "port": { "type": "integer" } } },
                "headers": { "type": "object", "additionalProperties": { "type": "string" } },
                "password": { "type": "string", "format": "password" },
            },
        });
        Tool::read(&json!({ "name": "t", "inputSchema": schema })).expect("a tool")
    }

    fn given(typed: &[(&str, &str)]) -> Result<Value, String> {
        let tool = tool();
        let mut arguments = Arguments::new(Some(&tool));
        for (name, text) in typed {
            arguments.set(name, text)?;
        }
        Ok(serde_json::from_str(&arguments.json()).expect("JSON"))
    }

    #[test]
    fn values_become_what_the_schema_asks_for() {
        for (name, text, value) in [
            ("name", "7", json!({ "name": "7" })),
            ("name", "null", json!({ "name": "null" })),
            ("limit", "7", json!({ "limit": 7 })),
            ("limit", "null", json!({ "limit": null })),
            ("ratio", "-0.5", json!({ "ratio": -0.5 })),
            ("all", "yes", json!({ "all": true })),
            ("amount", "12500.00", json!({ "amount": "12500.00" })),
            ("kinds", "deal, contact", json!({ "kinds": ["deal", "contact"] })),
            ("kinds", "[\"deal\"]", json!({ "kinds": ["deal"] })),
            ("role", "owner", json!({ "role": "owner" })),
            ("role", "null", json!({ "role": null })),
            ("auth", "{\"id\":\"x\"}", json!({ "auth": { "id": "x" } })),
            ("auth.port", "80", json!({ "auth": { "port": 80 } })),
        ] {
            assert_eq!(given(&[(name, text)]), Ok(value), "{name}={text}");
        }
        let both = given(&[("kinds", "deal"), ("kinds", "contact"), ("auth.id", "x"), ("auth.port", "1")]);
        assert_eq!(both, Ok(json!({ "kinds": ["deal", "contact"], "auth": { "id": "x", "port": 1 } })));
    }

    #[test]
    fn what_does_not_fit_is_told_with_what_would() {
        for (name, text, why) in [
            ("limt", "7", "did you mean limit?"),
            ("nothing_like_it", "7", "it takes name"),
            ("auth.prt", "7", "no argument \"auth.prt\""),
            ("limit", "many", "\"many\" is not a whole number"),
            ("limit", "7.5", "not a whole number"),
            ("all", "maybe", "not true or false"),
            ("role", "ownr", "none of viewer, owner; did you mean owner?"),
            ("kinds", "deal,contct", "did you mean contact?"),
            ("auth", "x", "not an object"),
        ] {
            let said = given(&[(name, text)]).expect_err(name);
            assert!(said.contains(why), "{name}={text}: {said}");
        }
        assert!(given(&[("name", "a"), ("name", "b")]).expect_err("twice").contains("twice"));
    }

    #[test]
    fn required_arguments_are_missed() {
        let tool = tool();
        let mut arguments = Arguments::new(Some(&tool));
        assert_eq!(arguments.missing().iter().map(|field| &*field.name).collect::<Vec<_>>(), ["name"]);
        arguments.set("name", "x").expect("text");
        assert!(arguments.missing().is_empty());
        assert!(tool.field("password").is_some_and(|field| field.secret));
    }
}
