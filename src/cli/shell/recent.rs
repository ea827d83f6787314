//! Ids that were seen lately, so that nobody has to type one.

use serde_json::Value;
use std::collections::VecDeque;

/// How many ids are remembered.
const MOST: usize = 500;

/// An id, with what it is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Recent {
    pub(super) id: String,
    /// The words that say what it is the id of.
    pub(super) kinds: Vec<String>,
    /// A name for people; may be empty.
    pub(super) label: String,
}

/// The last of them first.
#[derive(Debug, Default)]
pub(super) struct Recents(VecDeque<Recent>);

impl Recents {
    /// Remembers the ids in what a tool answered.
    pub(super) fn learn(&mut self, tool: &str, structured: &str) {
        let Ok(value) = serde_json::from_str::<Value>(structured) else { return };
        let kinds: Vec<String> = nouns(tool).into_iter().map(str::to_owned).collect();
        let mut found = Vec::new();
        gather(&value, &kinds, &mut found, 8);
        for recent in found.into_iter().rev() {
            let known = self.0.iter().position(|known| known.id == recent.id);
            let before = known.and_then(|at| self.0.remove(at));
            self.0.push_front(match before {
                Some(before) if recent.label.is_empty() => Recent { label: before.label, ..recent },
                _ => recent,
            });
        }
        self.0.truncate(MOST);
    }

    /// Those of one of these kinds whose id or name begins with what is typed.
    pub(super) fn like(&self, kinds: &[&str], typed: &str) -> Vec<Recent> {
        let typed = typed.to_lowercase();
        let fits = |recent: &&Recent| {
            let label = recent.label.to_lowercase();
            recent.kinds.iter().any(|kind| kinds.contains(&kind.as_str()))
                && (recent.id.starts_with(&typed)
                    || label.split_whitespace().any(|word| word.starts_with(&typed))
                    || label.starts_with(&typed))
        };
        self.0.iter().filter(fits).cloned().collect()
    }
}

/// The words of a tool's name that say what it is about: without the family before and the verb behind them.
pub(super) fn nouns(tool: &str) -> Vec<&str> {
    let words: Vec<&str> = tool.split('_').collect();
    if words.len() > 2 { words[1..words.len() - 1].to_vec() } else { words }
}

fn gather(value: &Value, kinds: &[String], found: &mut Vec<Recent>, depth: usize) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match value {
        Value::Array(items) => items.iter().for_each(|item| gather(item, kinds, found, depth)),
        Value::Object(members) => {
            let text = |name: &str| members.get(name).and_then(Value::as_str);
            let label = ["name", "title", "subject", "email"].into_iter().find_map(text).unwrap_or_default();
            for (name, inner) in members {
                match inner {
                    Value::String(id) if name == "id" && !id.is_empty() && id.len() <= 100 => {
                        let kinds = text("kind").map_or_else(|| kinds.to_vec(), |kind| vec![kind.to_owned()]);
                        found.push(Recent { id: id.clone(), kinds, label: label.into() });
                    }
                    Value::String(id) if name.ends_with("_id") && !id.is_empty() && id.len() <= 100 => {
                        let kind = name.trim_end_matches("_id").to_owned();
                        let own = text(&format!("{kind}_name"));
                        // A member of a tenant is known by the address beside the id.
                        let label = own.or_else(|| text("email").filter(|_| !members.contains_key("id")));
                        found.push(Recent {
                            id: id.clone(),
                            kinds: vec![kind],
                            label: label.unwrap_or_default().into(),
                        });
                    }
                    Value::Object(_) if !kinds.contains(name) => {
                        gather(inner, std::slice::from_ref(name), found, depth)
                    }
                    inner => gather(inner, kinds, found, depth),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::Recents;

    #[test]
    fn ids_are_known_by_kind_and_name() {
        let mut recents = Recents::default();
        recents.learn(
            "crm_contact_list",
            r#"{"items":[{"id":"1","name":"Amir Haddad","company_id":"7","company_name":"Calder & Voss"},{"id":"2","name":"Aoife"}]}"#,
        );
        recents.learn("crm_search", r#"{"hits":[{"kind":"deal","id":"9","title":"Altona phone booths"}]}"#);
        let ids = |kinds: &[&str], typed: &str| {
            recents.like(kinds, typed).into_iter().map(|recent| recent.id).collect::<Vec<_>>()
        };
        assert_eq!(ids(&["contact"], ""), ["1", "2"]);
        assert_eq!(ids(&["contact"], "had"), ["1"]);
        assert_eq!(ids(&["company"], "cald"), ["7"]);
        assert_eq!(ids(&super::nouns("crm_company_get"), ""), ["7"]);
        assert_eq!(ids(&["deal"], "9"), ["9"]);
        assert_eq!(ids(&["deal"], "amir"), Vec::<String>::new());
    }
}
