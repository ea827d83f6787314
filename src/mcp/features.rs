//! What a server has: tools, and the providers of all else.

use super::about::About;
use super::failures::{failed, not_found, not_signed_in};
use super::registry::Registry;
use crate::error::{Error, Result};
use crate::tools::{Arguments, Completing, Completions, Context, Members, Prompts, Reference, Resources, Watched};
use crate::upstream::Catalogue;
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
    /// The upstreams that there are.
    pub upstreams: Arc<Catalogue>,
    /// What the server says of itself.
    pub about: About,
}

impl Features {
    /// `resources/read`.
    pub(super) async fn read(&self, context: Context, uri: String, era: Era) -> Result<Members, WireError> {
        let mut stranger = false;
        for provider in &self.resources {
            match provider.read(&context, &uri).await {
                Ok(Some(members)) => return Ok(members),
                Ok(None) => {}
                // Another provider may have it for anybody.
                Err(Error::NotSignedIn(_)) => stranger = true,
                Err(error) => return Err(failed(&error, era)),
            }
        }
        Err(if stranger { not_signed_in(&uri, era) } else { not_found(&uri, era) })
    }

    /// By what a subscriber hears of a resource.
    pub(super) async fn watched(&self, context: &Context, uri: &str, era: Era) -> Result<Watched, WireError> {
        let mut stranger = false;
        for provider in &self.resources {
            match provider.watched(context, uri).await {
                Ok(Some(watched)) => return Ok(watched),
                Ok(None) => {}
                Err(Error::NotSignedIn(_)) => stranger = true,
                Err(error) => return Err(failed(&error, era)),
            }
        }
        Err(if stranger { not_signed_in(uri, era) } else { not_found(uri, era) })
    }

    /// `prompts/get`.
    pub(super) async fn prompt(
        &self,
        context: Context,
        name: String,
        arguments: Arguments,
        era: Era,
    ) -> Result<Members, WireError> {
        for provider in &self.prompts {
            let members = provider.get(&context, &name, &arguments).await.map_err(|error| failed(&error, era))?;
            if let Some(members) = members {
                return Ok(members);
            }
        }
        Err(unknown("prompt", &name, "prompts/list"))
    }

    /// `completion/complete`.
    pub(super) async fn complete(
        &self,
        context: Context,
        wanted: Result<Completing, WireError>,
        era: Era,
    ) -> Result<Members, WireError> {
        let wanted = wanted?;
        for provider in &self.completions {
            let members = provider.complete(&context, &wanted).await.map_err(|error| failed(&error, era))?;
            if let Some(members) = members {
                return Ok(members);
            }
        }
        Err(match &wanted.reference {
            Reference::Prompt { name } => unknown("prompt", name, "prompts/list"),
            Reference::Resource { uri } => unknown("resource template", uri, "resources/templates/list"),
        })
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

fn unknown(what: &str, name: &str, list: &str) -> WireError {
    WireError::invalid_params(format!("Unknown {what}: {name}. {list} names those there are."))
}
