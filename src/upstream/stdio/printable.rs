//! What a child says, made fit for a log line and for an error.

use crate::upstream::template::Template;
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use zeroize::Zeroizing;

/// A value that is shorter is no secret, and would be found everywhere.
const SHORTEST_SECRET: usize = 4;

/// Makes texts of a child printable: without control characters, and without the credentials that it was given.
pub(super) struct Printer {
    secrets: Vec<Zeroizing<String>>,
}

impl Printer {
    /// For a child with these values in its environment, some of which are made of credentials.
    pub(super) fn new(values: &[(String, Zeroizing<String>)], templates: &BTreeMap<String, Template>) -> Self {
        let is_secret = |name: &str| templates.get(name).is_some_and(|template| template.plain().is_none());
        let secrets = values.iter().filter(|(name, _)| is_secret(name)).flat_map(|(_, value)| value.lines());
        let mut secrets: Vec<_> =
            secrets.filter(|line| line.len() >= SHORTEST_SECRET).map(|line| Zeroizing::new(line.to_owned())).collect();
        // One that holds another one goes first.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self { secrets }
    }

    /// The text as it may be shown: at most `limit` bytes of it, and whether it was longer.
    pub(super) fn print(&self, bytes: &[u8], limit: usize) -> String {
        let mut text = String::from_utf8_lossy(bytes).into_owned();
        for secret in &self.secrets {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), "***");
            }
        }
        let mut printed = String::with_capacity(text.len().min(limit));
        for character in text.trim_end().chars() {
            if printed.len() >= limit {
                printed.push('…');
                break;
            }
            // Besides control characters, those that turn the direction of a line around.
            if character.is_control() || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
                let _ = write!(printed, "{}", character.escape_default());
            } else {
                printed.push(character);
            }
        }
        printed
    }
}

impl fmt::Debug for Printer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Printer").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_control_characters_nor_credentials_get_through() {
        let values = [
            ("KEY".to_owned(), Zeroizing::new("hunter22".to_owned())),
            ("MODE".to_owned(), Zeroizing::new("verbose".to_owned())),
        ];
        let template = |text: &str| Template::parse(text).expect("it is one");
        let templates = BTreeMap::from([
            ("KEY".to_owned(), template("${credential:key}")),
            ("MODE".to_owned(), template("verbose")),
        ]);
        let printer = Printer::new(&values, &templates);
        assert_eq!(printer.print(b"bad key hunter22 (verbose)\r", 100), "bad key *** (verbose)");
        assert_eq!(printer.print("\u{1b}[31mé\u{202e}\0".as_bytes(), 100), r"\u{1b}[31mé\u{202e}\u{0}");
        assert_eq!(printer.print(b"123456", 3), "123…");
        assert!(!format!("{printer:?}").contains("hunter22"));
    }
}
