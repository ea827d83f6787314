//! Texts with places for credentials: `Bearer ${credential:github}`.

use std::fmt;
use url::Url;
use zeroize::Zeroizing;

/// A text with places that are filled in when it is used.
#[derive(Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// The tenant's credential with this name.
    Credential(String),
}

impl Template {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with a `${…}` in it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let (before, from) = rest.split_at(start);
            let (place, after) = from[2..].split_once('}').ok_or("`${` has no `}`")?;
            let name = place.strip_prefix("credential:");
            let name = name.ok_or_else(|| format!("`${{{place}}}` is not known; write ${{credential:NAME}}"))?;
            let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
            if !(1..=64).contains(&name.len()) || !name.bytes().all(fits) {
                return Err(format!(
                    "`${{{place}}}` names no credential: names have 1 to 64 letters, digits, `_`, `.` and `-`"
                ));
            }
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Credential(name.to_owned()));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// The credentials that it needs.
    pub fn credentials(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Credential(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The text with the same in place of each credential, to look at its form.
    pub(crate) fn filled_with(&self, place: &str) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Credential(_) => place.to_owned(),
        };
        self.parts.iter().map(part).collect()
    }

    /// The text with what `value` gives for each credential.
    pub(crate) fn fill<E>(
        &self,
        mut value: impl FnMut(&str) -> Result<Zeroizing<String>, E>,
    ) -> Result<Zeroizing<String>, E> {
        let texts = self.parts.iter().map(|part| match part {
            Part::Text(text) => Ok(Zeroizing::new(text.clone())),
            Part::Credential(name) => value(name),
        });
        let texts = texts.collect::<Result<Vec<_>, E>>()?;
        // Growing would leave copies behind.
        let mut whole = Zeroizing::new(String::with_capacity(texts.iter().map(|text| text.len()).sum()));
        texts.iter().for_each(|text| whole.push_str(text));
        Ok(whole)
    }

    /// As a URL, with the same text for each credential.
    pub(crate) fn sample(&self, text: &str) -> Result<Url, url::ParseError> {
        let filled = self.fill::<url::ParseError>(|_| Ok(text.to_owned().into()))?;
        Url::parse(&filled)
    }

    /// The text, if it needs no credential.
    #[must_use]
    pub fn plain(&self) -> Option<&str> {
        match &self.parts[..] {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }
}

/// As it was written; a configured text may be a secret all the same, so only its places are shown.
impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.credentials()).finish_non_exhaustive()
    }
}
