//! What a server has: tools, and the providers of all else.

use super::about::About;
use super::failures::{failed, not_signed_in};
use super::registry::Registry;
use crate::error::{Error, Result};
use crate::tools::{Arguments, Completing, Completions, Context, Members, Prompts, Reference, Resources, Watched};
use crate::upstream::Upstreams;
use crate::wire::{Era, WireError};
use serde::Deserialize;
use std::sync::Arc;

/// All that a server serves.
#[derive(Debug)]
pub struct Features {
    /// The tools.
    pub registry: Registry,
    /// Who brings resources.
    pub resources: Vec<Arc<dyn Resources>>,
    /// Who brings prompts.
    pub prompts: Vec<Arc<dyn Prompts>>,
    /// Who completes arguments.
    pub completions: Vec<Arc<dyn Completions>>,
    /// What the server says of itself.
    pub about: About,
    /// The servers behind the gateway.
    pub upstreams: Arc<Upstreams>,
}

impl Features {
    /// `resources/read`; none when no provider has such a thing.
    pub(super) async fn read(&self, context: &Context, uri: &str, era: Era) -> Result<Option<Members>, WireError> {
        let mut stranger = false;
        for provider in &self.resources {
            match provider.read(context, uri).await {
                Ok(Some(members)) => return Ok(Some(members)),
                Ok(None) => {}
                // Another provider may have it for anybody.
                Err(Error::NotSignedIn(_)) => stranger = true,
                Err(error) => return Err(failed(&error, era)),
            }
        }
        if stranger { Err(not_signed_in(uri, era)) } else { Ok(None) }
    }

    /// By what a subscriber hears of a resource; none when no provider has such a thing.
    pub(super) async fn watched(&self, context: &Context, uri: &str, era: Era) -> Result<Option<Watched>, WireError> {
        let mut stranger = false;
        for provider in &self.resources {
            match provider.watched(context, uri).await {
                Ok(Some(watched)) => return Ok(Some(watched)),
                Ok(None) => {}
                Err(Error::NotSignedIn(_)) => stranger = true,
                Err(error) => return Err(failed(&error, era)),
            }
        }
        if stranger { Err(not_signed_in(uri, era)) } else { Ok(None) }
    }

    /// `prompts/get`; none when no provider has such a thing.
    pub(super) async fn prompt(
        &self,
        context: &Context,
        name: &str,
        arguments: &Arguments,
        era: Era,
    ) -> Result<Option<Members>, WireError> {
        for provider in &self.prompts {
            let members = provider.get(context, name, arguments).await.map_err(|error| failed(&error, era))?;
            if members.is_some() {
                return Ok(members);
            }
        }
        Ok(None)
    }

    /// `completion/complete`; none when no provider has such a thing.
    pub(super) async fn complete(
        &self,
        context: &Context,
        wanted: &Completing,
        era: Era,
    ) -> Result<Option<Members>, WireError> {
        for provider in &self.completions {
            let members = provider.complete(context, wanted).await.map_err(|error| failed(&error, era))?;
            if members.is_some() {
                return Ok(members);
            }
        }
        Ok(None)
    }
}

/// What is said of a reference that nobody knows.
pub(super) fn no_such_reference(reference: &Reference) -> WireError {
    match reference {
        Reference::Prompt { name } => unknown("prompt", name, "prompts/list"),
        Reference::Resource { uri } => unknown("resource template", uri, "resources/templates/list"),
    }
}

/// Reads what `completion/complete` is asked.
pub(super) fn completing(reference: &str, argument: &str, context: Option<String>) -> Result<Completing, WireError> {
    #[derive(Deserialize)]
    struct Argument {
        name: String,
        value: String,
    }
    let reference = serde_json::from_str(reference).map_err(|_| {
        WireError::invalid_params(
            r#"Invalid params: ref must be {"type":"ref/prompt","name":…} or {"type":"ref/resource","uri":…}"#,
        )
    })?;
    let Argument { name, value } = serde_json::from_str(argument).map_err(|_| {
        WireError::invalid_params(r#"Invalid params: argument must be {"name":…,"value":…}, two strings"#)
    })?;
    Ok(Completing { reference, argument: name, value, context })
}

/// What is said of a name that nobody knows.
pub(super) fn unknown(what: &str, name: &str, list: &str) -> WireError {
    WireError::invalid_params(format!("Unknown {what}: {name}. {list} names those there are."))
}
