//! Who brings resources, prompts and completions: the CRM is one such provider, and others can stand beside it.
//!
//! What a provider gives is JSON already and goes to the client as it is. A provider says [`Context::scope`] where it
//! needs somebody who is signed in, and what it fails with then is told to the client in the way of the method.

use super::content::{Content, Contents};
use super::context::{Arguments, Context};
use crate::error::Result;
use crate::store::RecordKind;
use futures_util::future::{BoxFuture, ready};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt::Debug;
use std::time::Duration;
use uuid::Uuid;

/// Brings resources.
pub trait Resources: Debug + Send + Sync {
    /// A page of the list; a cursor is one that an earlier page gave.
    fn list<'a>(&'a self, context: &'a Context, cursor: Option<&'a str>) -> BoxFuture<'a, Result<Page>>;

    /// A page of the list of URI templates.
    fn templates<'a>(&'a self, _context: &'a Context, _cursor: Option<&'a str>) -> BoxFuture<'a, Result<Page>> {
        Box::pin(ready(Ok(Page::default())))
    }

    /// What a resource holds: the members of the result of `resources/read`. None when it is none of its own.
    fn read<'a>(&'a self, context: &'a Context, uri: &'a str) -> BoxFuture<'a, Result<Option<Members>>>;

    /// By what a subscriber hears that a resource changed. None when it can't be subscribed to.
    fn watched<'a>(&'a self, _context: &'a Context, _uri: &'a str) -> BoxFuture<'a, Result<Option<Watched>>> {
        Box::pin(ready(Ok(None)))
    }
}

/// Brings prompts.
pub trait Prompts: Debug + Send + Sync {
    /// A page of the list.
    fn list<'a>(&'a self, context: &'a Context, cursor: Option<&'a str>) -> BoxFuture<'a, Result<Page>>;

    /// A prompt's messages: the members of the result of `prompts/get`. None when it is none of its own.
    fn get<'a>(
        &'a self,
        context: &'a Context,
        name: &'a str,
        arguments: &'a Arguments,
    ) -> BoxFuture<'a, Result<Option<Members>>>;

    /// Whether [`Announcer::prompts_changed`](crate::session::Announcer::prompts_changed) is ever said of the list.
    fn list_changes(&self) -> bool {
        false
    }
}

/// Completes arguments while they are typed.
pub trait Completions: Debug + Send + Sync {
    /// What fits: the members of the result of `completion/complete`. None when it is nothing of its own.
    fn complete<'a>(&'a self, context: &'a Context, wanted: &'a Completing) -> BoxFuture<'a, Result<Option<Members>>>;
}

/// The members of a result as JSON: what comes between its braces, without `_meta`.
#[derive(Debug, Clone)]
pub struct Members {
    pub(crate) json: String,
    pub(crate) keep: Keep,
}

/// For how long and by whom a result may be kept.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Keep {
    pub(crate) ttl: Duration,
    pub(crate) public: bool,
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page {
    pub(crate) items: String,
    pub(crate) next_cursor: Option<String>,
    pub(crate) keep: Keep,
}

/// By what a subscriber hears that a resource changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watched {
    /// [`Announcer::updated`](crate::session::Announcer::updated).
    Announced,
    /// A write to this record of the caller's tenant.
    Record(RecordKind, Uuid),
}

/// What is to be completed.
#[derive(Debug, Clone)]
pub struct Completing {
    /// Where the argument belongs.
    pub reference: Reference,
    /// Its name.
    pub argument: String,
    /// What there is of its value.
    pub value: String,
    /// What is known of the other arguments, as JSON.
    pub context: Option<String>,
}

/// Where an argument belongs.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type")]
pub enum Reference {
    /// To a prompt.
    #[serde(rename = "ref/prompt")]
    Prompt {
        /// Its name.
        name: String,
    },
    /// To a template of resources.
    #[serde(rename = "ref/resource")]
    Resource {
        /// The template.
        uri: String,
    },
}

impl Members {
    /// These members, such as `"messages":[…]`.
    #[must_use]
    pub fn new(json: impl Into<String>) -> Self {
        Self { json: json.into(), keep: Keep::default() }
    }

    /// What a resource holds.
    #[must_use]
    pub fn contents(contents: &[Contents]) -> Self {
        Self::member("contents", &contents)
    }

    /// A prompt of these messages of the user's.
    #[must_use]
    pub fn messages(description: &str, messages: &[Content]) -> Self {
        let messages: Vec<_> = messages.iter().map(|content| json!({ "role": "user", "content": content })).collect();
        Self::new(format!(r#""description":{},{}"#, json!(description), Self::member("messages", &messages).json))
    }

    /// The values that fit, at most 100, of so many in all.
    #[must_use]
    pub fn completion(values: &[String], total: usize) -> Self {
        let more = total > values.len();
        Self::member("completion", &json!({ "values": values, "total": total, "hasMore": more }))
    }

    /// Lets a modern client keep the result for itself this long.
    #[must_use]
    pub fn kept(mut self, ttl: Duration) -> Self {
        self.keep = Keep { ttl, public: false };
        self
    }

    /// Lets anybody keep the result this long: it depends on nobody.
    #[must_use]
    pub fn public(mut self, ttl: Duration) -> Self {
        self.keep = Keep { ttl, public: true };
        self
    }

    fn member(name: &str, value: &impl Serialize) -> Self {
        let value = serde_json::to_string(value).unwrap_or_else(|_| "null".into());
        Self::new(format!(r#""{name}":{value}"#))
    }
}

impl Page {
    /// A page of these items; the only one, unless a cursor is added.
    #[must_use]
    pub fn of(items: &[impl Serialize]) -> Self {
        Self::json(serde_json::to_string(items).unwrap_or_else(|_| "[]".into()))
    }

    /// The same of a JSON array.
    #[must_use]
    pub fn json(items: impl Into<String>) -> Self {
        Self { items: items.into(), next_cursor: None, keep: Keep::default() }
    }

    /// Says with which cursor the next page comes.
    #[must_use]
    pub fn next(mut self, cursor: Option<String>) -> Self {
        self.next_cursor = cursor;
        self
    }

    /// Lets anybody keep it this long: it depends on nobody.
    #[must_use]
    pub fn public(mut self, ttl: Duration) -> Self {
        self.keep = Keep { ttl, public: true };
        self
    }
}

impl Default for Page {
    /// An empty page that depends on nobody.
    fn default() -> Self {
        Self::json("[]").public(Duration::from_secs(3600))
    }
}
