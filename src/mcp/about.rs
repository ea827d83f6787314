//! What a server says of itself.

use super::features::Features;
use crate::wire::MODERN;
use serde_json::{Value, json};
use std::sync::Arc;

macro_rules! account_instructions {
    () => {
        "Sessile is a multi-tenant server: who is signed in decides on which tenant's data a call works, and no tool takes a token or a tenant. \
To sign in, call auth_sign_in (email and password), or create an account and a tenant with auth_sign_up; \
ask the person for these, never invent them. A WebSocket is signed in from then on. \
Over HTTP each request brings its own proof: sign-in returns tokens, and the client has to send the access token with each request as Authorization: Bearer. \
A client that was set up with an API key or a token is signed in already. \
auth_whoami tells who is signed in, and tenant_switch changes the tenant. The tools that can be called change with sign-in: list them again afterwards."
    };
}

/// For models: how to work with the built-in tools that are not the CRM's.
pub const ACCOUNT_INSTRUCTIONS: &str = account_instructions!();

/// For models: how to work with the built-in tools.
pub const INSTRUCTIONS: &str =
    concat!(account_instructions!(), " Records carry a version; pass it back when you update.");

/// Its name and how to work with it.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// Its `Implementation`, as JSON; none for Sessile itself.
    pub(super) implementation: Option<Arc<str>>,
    instructions: Option<String>,
}

impl About {
    /// Gives it another name than Sessile's.
    #[must_use]
    pub fn named(mut self, name: &str, title: &str, version: &str) -> Self {
        let implementation = json!({ "name": name, "title": title, "version": version });
        self.implementation = Some(implementation.to_string().into());
        self
    }

    /// Tells models how to work with it.
    #[must_use]
    pub fn instructed(mut self, instructions: impl Into<String>) -> Self {
        self.instructions = Some(instructions.into());
        self
    }
}

/// What upstreams can do besides, by the names of the capabilities, and how to work with them.
type Abilities = (Vec<(String, String)>, Vec<String>);

impl Features {
    /// The result of `initialize`, as members.
    pub(super) fn initialize(&self, version: &str, upstreams: Option<Abilities>) -> String {
        const SESSILE: &str =
            concat!(r#"{"name":"sessile","title":"Sessile","version":""#, env!("CARGO_PKG_VERSION"), r#""}"#);
        let implementation = self.about.implementation.as_deref().unwrap_or(SESSILE);
        format!(r#""protocolVersion":"{version}","serverInfo":{implementation},{}"#, self.abilities(upstreams))
    }

    /// The result of `server/discover`, as members.
    pub(super) fn discover(&self, upstreams: Option<Abilities>) -> String {
        format!(r#""supportedVersions":["{MODERN}"],{}"#, self.abilities(upstreams))
    }

    /// What it can do, and how to work with it: the same in both eras.
    ///
    /// What upstreams can do is not known before somebody is signed in, and clients ask only once: so whatever may be there
    /// is said to be.
    fn abilities(&self, upstreams: Option<Abilities>) -> String {
        let beyond = self.upstreams.are_possible();
        // What can be called changes with sign-in.
        let mut capabilities = json!({ "logging": {}, "tools": { "listChanged": true } });
        if beyond || !self.resources.is_empty() {
            capabilities["resources"] = json!({ "listChanged": true, "subscribe": true });
        }
        if beyond || !self.prompts.is_empty() {
            capabilities["prompts"] = json!({ "listChanged": beyond || self.prompts_change() });
        }
        if beyond || !self.completions.is_empty() {
            capabilities["completions"] = json!({});
        }
        let (theirs, words) = upstreams.unwrap_or_default();
        for (name, value) in theirs {
            if capabilities.get(&name).is_none() {
                capabilities[name] = serde_json::from_str(&value).unwrap_or_default();
            }
        }
        let mut members = format!(r#""capabilities":{capabilities}"#);
        let instructions: Vec<_> = self.instructions().into_iter().chain(words).collect();
        if !instructions.is_empty() {
            members.push_str(&format!(r#","instructions":{}"#, Value::from(instructions.join("\n\n"))));
        }
        members
    }

    fn instructions(&self) -> Option<String> {
        self.about.instructions.clone()
    }

    /// Whether the list of prompts ever changes.
    pub(super) fn prompts_change(&self) -> bool {
        self.upstreams.are_possible() || self.prompts.iter().any(|provider| provider.list_changes())
    }
}
