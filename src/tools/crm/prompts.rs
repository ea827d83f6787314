//! Prompts: requests to a model, with the tenant's data in them.

mod daily_brief;
mod lines;
mod meeting_prep;

use super::Crm;
use super::resources::{FIXED, no_such_cursor};
use crate::error::{Error, Result};
use crate::tenancy::TenantScope;
use crate::tools::{Arguments, Content, Context, Members, Page, Prompts, input};
use futures_util::future::BoxFuture;
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
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|prompt| prompt.name() == name)
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

impl Prompts for Crm {
    fn list<'a>(&'a self, _: &'a Context, cursor: Option<&'a str>) -> BoxFuture<'a, Result<Page>> {
        Box::pin(async move { if cursor.is_some() { Err(no_such_cursor()) } else { Ok(list()) } })
    }

    fn get<'a>(
        &'a self,
        context: &'a Context,
        name: &'a str,
        arguments: &'a Arguments,
    ) -> BoxFuture<'a, Result<Option<Members>>> {
        Box::pin(async move {
            let Some(prompt) = Prompt::named(name) else { return Ok(None) };
            let scope = context.scope().map_err(|_| {
                Error::NotSignedIn(format!(
                    "The prompt {name} is made of a tenant's data, and nobody is signed in. Call the tool auth_sign_in first; over HTTP, send the access token that it gives."
                ))
            })?;
            let text = prompt.text(scope, arguments.as_json()).await?;
            Ok(Some(Members::messages(prompt.words().description, &[Content::text(text)])))
        })
    }
}

fn list() -> Page {
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
    Page::of(&Prompt::ALL.map(entry)).public(FIXED)
}

/// What to say of an argument that breaks a rule.
fn wrong(prompt: &Words, rule: impl std::fmt::Display) -> Error {
    Error::InvalidArguments(format!("Invalid arguments for {}: {}: {rule}", prompt.name, prompt.argument))
}
