//! Messages as text, cut at their members and nowhere else.

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::fmt;

/// The members of an object, in their order, as they are spelt.
#[derive(Debug)]
pub(super) struct Members(Vec<(String, Box<RawValue>)>);

impl Members {
    pub(super) fn of(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("no object: {error}: {text}"))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(of, _)| of == name).map(|(_, value)| value.get())
    }

    /// A member that has to be there.
    pub(super) fn member(&self, name: &str) -> &str {
        self.get(name).unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }

    /// The text of a member that is one.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.get(name)?).ok()
    }

    /// Those whose names begin so.
    pub(super) fn extras(&self, beginning: &str) -> Vec<(&str, String)> {
        let chosen = self.0.iter().filter(|(name, _)| name.starts_with(beginning));
        chosen.map(|(name, value)| (name.as_str(), compact(value.get()))).collect()
    }
}

/// Without the white space between its tokens, which means nothing and which a line can't always carry.
pub(super) fn compact(text: &str) -> String {
    let (mut inside, mut escaped) = (false, false);
    let kept = text.chars().filter(|char| {
        let keep = inside || !char.is_ascii_whitespace();
        if *char == '"' && !escaped {
            inside = !inside;
        }
        escaped = inside && *char == '\\' && !escaped;
        keep
    });
    kept.collect()
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

#[test]
fn only_white_space_between_tokens_is_left_out() {
    assert_eq!(compact("{ \"a\\\" b\" :\n[ 1.0 ,\t\" \" ] }"), r#"{"a\" b":[1.0," "]}"#);
    assert_eq!(compact(r#"[ "\\" , "x y" ]"#), r#"["\\","x y"]"#);
}
