//! A JSON object as it is written, so that a member can be changed and all others stay as they are.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The members of an object in their order, each in its own spelling.
#[derive(Debug, Clone, Default)]
pub struct Object<'a> {
    members: Vec<Member<'a>>,
}

#[derive(Debug, Clone)]
struct Member<'a> {
    /// With its quotes and escapes.
    key: Cow<'a, str>,
    value: Cow<'a, str>,
}

impl<'a> Object<'a> {
    /// Reads one; none when it is something else.
    #[must_use]
    pub fn read(json: &'a str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// The value of the member with this name, as it is written.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.members.iter().find(|member| member.is(name)).map(|member| &*member.value)
    }

    /// The text that a member holds.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).and_then(|value| serde_json::from_str(value).ok())
    }

    /// The names and values of all members; a name that can't be read is empty.
    pub fn iter(&self) -> impl Iterator<Item = (String, &str)> {
        self.members.iter().map(|member| (serde_json::from_str(&member.key).unwrap_or_default(), &*member.value))
    }

    /// Gives a member this value, which is JSON; one that is not there comes first.
    pub fn set(&mut self, name: &str, value: impl Into<Cow<'a, str>>) {
        let value = value.into();
        match self.members.iter_mut().find(|member| member.is(name)) {
            Some(member) => member.value = value,
            None => {
                let key = serde_json::Value::from(name).to_string();
                self.members.insert(0, Member { key: key.into(), value });
            }
        }
    }

    /// Takes a member out.
    pub fn remove(&mut self, name: &str) {
        self.members.retain(|member| !member.is(name));
    }

    /// Whether it has no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The object as JSON.
    #[must_use]
    pub fn json(&self) -> String {
        let size = self.members.iter().map(|member| member.key.len() + member.value.len() + 2).sum::<usize>();
        let mut json = String::with_capacity(size + 2);
        for member in &self.members {
            json.push(if json.is_empty() { '{' } else { ',' });
            json.push_str(&member.key);
            json.push(':');
            json.push_str(&member.value);
        }
        if json.is_empty() {
            json.push('{');
        }
        json.push('}');
        json
    }
}

impl Member<'_> {
    fn is(&self, name: &str) -> bool {
        let key = self.key.trim_matches('"');
        key == name || key.contains('\\') && serde_json::from_str::<String>(&self.key).is_ok_and(|key| key == name)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(key) = map.next_key::<&'de RawValue>()? {
                    let value = map.next_value::<&'de RawValue>()?;
                    members.push(Member { key: key.get().into(), value: value.get().into() });
                }
                Ok(Object { members })
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::Object;

    #[test]
    fn what_is_not_changed_stays_as_it_is_written() {
        let json = r#"{ "b" : [ 1.0, -0, 1E400 ], "\u0061":{"x":"\ud83d\ude00"}, "b": null, "" : "é" }"#;
        let object = Object::read(json).expect("it is an object");
        assert_eq!(object.json(), r#"{"b":[ 1.0, -0, 1E400 ],"\u0061":{"x":"\ud83d\ude00"},"b":null,"":"é"}"#);
        assert_eq!(object.get("a"), Some(r#"{"x":"\ud83d\ude00"}"#), "an escaped name is the same name");
        assert_eq!(object.get("b"), Some("[ 1.0, -0, 1E400 ]"));
        assert_eq!(object.get("c"), None);
    }

    #[test]
    fn members_are_set_and_taken_out() {
        let mut object = Object::read(r#"{"a":1,"b":2}"#).expect("it is an object");
        object.set("b", "3");
        object.set("n\"", r#""x""#);
        assert_eq!(object.json(), r#"{"n\"":"x","a":1,"b":3}"#);
        object.remove("a");
        object.remove("b");
        object.remove("n\"");
        assert!(object.is_empty());
        assert_eq!(object.json(), "{}");
    }

    #[test]
    fn only_objects_are() {
        for other in ["", "1", "[]", "null", r#"{"a"}"#, r#"{"a":1}x"#, r#"{1:2}"#] {
            assert!(Object::read(other).is_none(), "{other}");
        }
    }
}
