//! What a client says it can do, as far as a server may ask it for something.

use crate::error::Error;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Something that a server may ask a client for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Capability {
    /// To have a person fill in a form.
    Elicitation = 1,
    /// To send a person to a web page.
    UrlElicitation = 2,
    /// To have a model write something.
    Sampling = 4,
    /// To list the directories that it works in.
    Roots = 8,
}

/// The capabilities that a client has declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities(u8);

impl Capability {
    const ALL: [Self; 4] = [Self::Elicitation, Self::UrlElicitation, Self::Sampling, Self::Roots];

    /// What the specification calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Elicitation => "elicitation",
            Self::UrlElicitation => "elicitation.url",
            Self::Sampling => "sampling",
            Self::Roots => "roots",
        }
    }

    /// It alone as `ClientCapabilities`, in JSON.
    #[must_use]
    pub fn as_json(self) -> &'static str {
        match self {
            Self::Elicitation => r#"{"elicitation":{}}"#,
            Self::UrlElicitation => r#"{"elicitation":{"url":{}}}"#,
            Self::Sampling => r#"{"sampling":{}}"#,
            Self::Roots => r#"{"roots":{}}"#,
        }
    }

    /// What to say when a client lacks it.
    #[must_use]
    pub fn missing(self) -> Error {
        Error::MissingClientCapability { name: self.name(), required: self.as_json() }
    }
}

impl Capabilities {
    /// Reads `ClientCapabilities`. What can't be read is not declared.
    #[must_use]
    pub fn read(json: &str) -> Self {
        #[derive(Deserialize)]
        struct Declared {
            elicitation: Option<Elicitation>,
            sampling: Option<IgnoredAny>,
            roots: Option<IgnoredAny>,
        }
        #[derive(Deserialize)]
        struct Elicitation {
            form: Option<IgnoredAny>,
            url: Option<IgnoredAny>,
        }
        let Ok(declared) = serde_json::from_str::<Declared>(json) else { return Self::default() };
        let mode = declared.elicitation.map(|modes| (modes.form.is_some(), modes.url.is_some()));
        let has = |capability| match capability {
            // Declared without a mode, it means forms: there was nothing else at first.
            Capability::Elicitation => mode.is_some_and(|(form, url)| form || !url),
            Capability::UrlElicitation => mode.is_some_and(|(_, url)| url),
            Capability::Sampling => declared.sampling.is_some(),
            Capability::Roots => declared.roots.is_some(),
        };
        Self(Capability::ALL.into_iter().filter(|capability| has(*capability)).fold(0, |all, one| all | one as u8))
    }

    /// Whether this one was declared.
    #[must_use]
    pub fn has(self, capability: Capability) -> bool {
        self.0 & capability as u8 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::{Capabilities, Capability};

    #[test]
    fn what_is_declared_is_read_and_nothing_else() {
        for (json, expected) in [
            ("{}", vec![]),
            ("nonsense", vec![]),
            (r#"{"sampling":{},"roots":{"listChanged":true},"extensions":{}}"#, vec!["sampling", "roots"]),
            (r#"{"elicitation":{}}"#, vec!["elicitation"]),
            (r#"{"elicitation":{"form":{}}}"#, vec!["elicitation"]),
            (r#"{"elicitation":{"url":{}}}"#, vec!["elicitation.url"]),
            (r#"{"elicitation":{"url":{},"form":{}}}"#, vec!["elicitation", "elicitation.url"]),
            (r#"{"elicitation":null,"sampling":null}"#, vec![]),
        ] {
            let capabilities = Capabilities::read(json);
            let names = Capability::ALL.into_iter().filter(|one| capabilities.has(*one)).map(Capability::name);
            assert_eq!(names.collect::<Vec<_>>(), expected, "{json}");
        }
    }

    #[test]
    fn each_is_read_from_what_it_is_asked_for_as() {
        for capability in Capability::ALL {
            assert!(Capabilities::read(capability.as_json()).has(capability), "{capability:?}");
        }
    }
}
