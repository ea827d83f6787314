//! Prompts: requests to a model, with the tenant's data in them.

mod daily_brief;
mod lines;
mod meeting_prep;

use super::lists::Members;
use super::resources::failed;
use crate::error::{Error, Result};
use crate::tenancy::TenantScope;
use crate::tools::input;
use crate::wire::WireError;
use serde_json::json;

/// A prompt that there is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Prompt {
    DailyBrief,
    MeetingPrep,
}

/// What a prompt is for people and programs.
struct Words {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    /// Its one argument.
    argument: &'static str,
    argument_title: &'static str,
    argument_description: &'static str,
    required: bool,
}

impl Prompt {
    /// All of them, in the order in which they are listed.
    const ALL: [Self; 2] = [Self::DailyBrief, Self::MeetingPrep];

    /// The prompt with this name.
    pub(super) fn named(name: &str) -> Result<Self, WireError> {
        Self::ALL.into_iter().find(|prompt| prompt.name() == name).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|prompt| prompt.name()).collect();
            WireError::invalid_params(format!("Unknown prompt: {name}. There are {}.", names.join(" and ")))
        })
    }

    pub(super) fn name(self) -> &'static str {
        self.words().name
    }

    /// The name of its argument.
    pub(super) fn argument(self) -> &'static str {
        self.words().argument
    }

    fn words(self) -> &'static Words {
        match self {
            Self::DailyBrief => &daily_brief::WORDS,
            Self::MeetingPrep => &meeting_prep::WORDS,
        }
    }

    async fn text(self, scope: &TenantScope, arguments: &str) -> Result<String> {
        match self {
            Self::DailyBrief => daily_brief::text(scope, input::read(self.name(), arguments)?).await,
            Self::MeetingPrep => meeting_prep::text(scope, input::read(self.name(), arguments)?).await,
        }
    }
}

/// `prompts/list`, as JSON.
pub(super) fn list() -> serde_json::Value {
    let entry = |prompt: Prompt| {
        let words = prompt.words();
        json!({
            "name": words.name,
            "title": words.title,
            "description": words.description,
            "arguments": [{
                "name": words.argument,
                "title": words.argument_title,
                "description": words.argument_description,
                "required": words.required,
            }],
        })
    };
    Prompt::ALL.into_iter().map(entry).collect()
}

/// `prompts/get`.
pub(super) async fn get(
    scope: Option<TenantScope>,
    name: String,
    arguments: Option<String>,
) -> Result<Members, WireError> {
    let prompt = Prompt::named(&name)?;
    let scope = scope.ok_or_else(|| {
        WireError::invalid_params(format!(
            "The prompt {name} is made of a tenant's data, and nobody is signed in on this connection. Call the tool auth_sign_in first."
        ))
    })?;
    let text = prompt.text(&scope, arguments.as_deref().unwrap_or("{}")).await.map_err(|error| failed(&error))?;
    let description = prompt.words().description;
    let messages = json!([{ "role": "user", "content": { "type": "text", "text": text } }]);
    Ok(Members::Plain(format!(r#""description":{},"messages":{messages}"#, json!(description))))
}

/// What to say of an argument that breaks a rule.
fn wrong(prompt: &Words, rule: impl std::fmt::Display) -> Error {
    Error::InvalidArguments(format!("Invalid arguments for {}: {}: {rule}", prompt.name, prompt.argument))
}
