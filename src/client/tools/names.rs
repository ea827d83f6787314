//! How people name a tool: `crm_contact_list`, `crm contact list`, `contacts list`.

use super::{Tool, Toolbox};

/// What the words at the beginning of a line name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// A tool, with so many words.
    Tool {
        /// Its name.
        name: String,
        /// How many words name it.
        words: usize,
    },
    /// Several tools alike.
    Several(Vec<String>),
    /// None.
    Nothing,
}

impl Toolbox {
    /// Finds the tool that the first words name. Underscores are spaces, the first word of a tool's name may be left
    /// out where that is clear, and a noun may be in the plural. The most words win.
    pub(crate) fn find(&self, words: &[&str]) -> Found {
        if let Some(tool) = words.first().and_then(|word| self.get(word)) {
            return Found::Tool { name: tool.name.clone(), words: 1 };
        }
        for count in (1..=words.len()).rev() {
            let typed = split(&words[..count]);
            let whole: Vec<&Tool> = self.iter().filter(|tool| alike(&split(&[&tool.name]), &typed)).collect();
            let short = || self.iter().filter(|tool| short(tool).is_some_and(|short| alike(&short, &typed))).collect();
            let found: Vec<&Tool> = if whole.is_empty() { short() } else { whole };
            match found[..] {
                [] => {}
                [one] => return Found::Tool { name: one.name.clone(), words: count },
                _ => return Found::Several(found.iter().map(|tool| tool.name.clone()).collect()),
            }
        }
        Found::Nothing
    }

    /// How a tool is written shortest, in words that find it.
    pub(crate) fn natural(&self, tool: &Tool) -> String {
        let short = short(tool).map(|words| words.join(" "));
        let leads_back = |words: &String| {
            let words: Vec<&str> = words.split(' ').collect();
            self.find(&words) == Found::Tool { name: tool.name.clone(), words: words.len() }
        };
        short.filter(leads_back).unwrap_or_else(|| spaced(tool))
    }

    /// All ways to write a tool's name that begin with what is typed, one for each tool that has any.
    pub(crate) fn beginning(&self, typed: &str) -> Vec<(String, &Tool)> {
        let mut all = Vec::new();
        for tool in self.iter() {
            let ways = [self.natural(tool), spaced(tool), tool.name.clone()];
            let typed_words = split(&[typed]);
            let open = typed.ends_with([' ', '_']) && !typed.trim().is_empty();
            // As it is spelled so far, where that can be gone on with.
            let spelled = ways.iter().position(|way| way.starts_with(typed));
            let at = spelled.or_else(|| ways.iter().position(|way| begins(&split(&[way]), &typed_words, open)));
            all.extend(at.map(|at| (ways[at].clone(), tool)));
        }
        all
    }

    /// The name of a tool that comes near to what was typed.
    pub(crate) fn near(&self, typed: &str) -> Option<String> {
        let typed = typed.replace(' ', "_");
        let ways = self.iter().flat_map(|tool| [tool.name.clone(), split(&[&self.natural(tool)]).join("_")]);
        let ways: Vec<String> = ways.collect();
        let near = nearest(&typed, ways.iter().map(String::as_str))?;
        let at = ways.iter().position(|way| way == near)?;
        self.iter().nth(at / 2).map(|tool| tool.name.clone())
    }
}

/// Of some names the one that is nearest to what was typed, if any is near.
pub(crate) fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let measured = names.map(|name| (strsim::damerau_levenshtein(typed, name), name));
    let far = typed.chars().count().max(3) / 3 + 1;
    measured.filter(|(distance, _)| *distance <= far).min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

fn spaced(tool: &Tool) -> String {
    split(&[&tool.name]).join(" ")
}

/// The words of a name.
fn split(names: &[&str]) -> Vec<String> {
    names.iter().flat_map(|name| name.split(['_', ' '])).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The words of a tool's name but for the first.
fn short(tool: &Tool) -> Option<Vec<String>> {
    let mut words = split(&[&tool.name]);
    (words.len() > 1).then(|| words.split_off(1))
}

fn alike(words: &[String], typed: &[String]) -> bool {
    words.len() == typed.len() && words.iter().zip(typed).all(|(word, typed)| same(word, typed))
}

/// Whether a name's words begin with those typed, of which the last need not be whole.
fn begins(words: &[String], typed: &[String], last_is_whole: bool) -> bool {
    let Some((last, before)) = typed.split_last() else { return true };
    if words.len() < typed.len() || !alike(&words[..before.len()], before) {
        return false;
    }
    let word = &words[before.len()];
    if last_is_whole {
        same(word, last) && words.len() > typed.len()
    } else {
        word.starts_with(last.as_str()) || same(word, last)
    }
}

/// Whether a typed word is this one, or its plural.
fn same(word: &str, typed: &str) -> bool {
    word == typed
        || typed.strip_suffix('s') == Some(word)
        || typed.strip_suffix("ies").zip(word.strip_suffix('y')).is_some_and(|(typed, word)| typed == word)
}

#[cfg(test)]
mod tests {
    use super::{Found, Toolbox};
    use crate::client::tools::Tool;
    use serde_json::json;

    fn toolbox() -> Toolbox {
        let names = [
            "auth_whoami",
            "auth_sign_in",
            "auth_sessions",
            "tenant_sessions",
            "crm_contact_list",
            "crm_contact_get",
            "crm_company_list",
            "crm_search",
            "auth_api_keys",
            "echo",
        ];
        Toolbox::new(names.iter().filter_map(|name| Tool::read(&json!({ "name": name }))).collect())
    }

    #[test]
    fn tools_are_found_as_people_name_them() {
        for (typed, name, words) in [
            ("crm_contact_list limit=5", "crm_contact_list", 1),
            ("crm contact list", "crm_contact_list", 3),
            ("contact list", "crm_contact_list", 2),
            ("contacts list", "crm_contact_list", 2),
            ("contact_list", "crm_contact_list", 1),
            ("companies list", "crm_company_list", 2),
            ("search words and more", "crm_search", 1),
            ("sign in", "auth_sign_in", 2),
            ("api keys", "auth_api_keys", 2),
            ("tenant sessions", "tenant_sessions", 2),
            ("echo contact list", "echo", 1),
        ] {
            let typed: Vec<&str> = typed.split(' ').collect();
            assert_eq!(toolbox().find(&typed), Found::Tool { name: name.into(), words }, "{typed:?}");
        }
        let both = Found::Several(vec!["auth_sessions".into(), "tenant_sessions".into()]);
        assert_eq!(toolbox().find(&["sessions"]), both);
        assert_eq!(toolbox().find(&["contact"]), Found::Nothing);
        assert_eq!(toolbox().near("contacts_lst").as_deref(), Some("crm_contact_list"));
        assert_eq!(toolbox().near("crm_serch").as_deref(), Some("crm_search"));
        assert_eq!(toolbox().near("something else"), None);
    }

    #[test]
    fn what_is_typed_is_completed() {
        let ways = |typed: &str| toolbox().beginning(typed).into_iter().map(|(way, _)| way).collect::<Vec<_>>();
        assert_eq!(ways("cont"), ["contact list", "contact get"]);
        assert_eq!(ways("contacts l"), ["contact list"]);
        assert_eq!(ways("contact "), ["contact list", "contact get"]);
        assert_eq!(ways("crm_s"), ["crm_search"]);
        assert_eq!(ways("sess"), Vec::<String>::new(), "it would be two");
        assert_eq!(ways("tenant s"), ["tenant sessions"]);
    }
}
