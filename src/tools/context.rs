//! What a handler of a raw tool, a resource or a prompt gets besides its arguments.

use super::asker::Asker;
use super::question::Question;
use super::reporter::Reporter;
use crate::error::{Error, Result};
use crate::session::Announcer;
use crate::tenancy::TenantScope;
use crate::wire::Capability;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Who calls, and what can be done for them while the call runs.
#[derive(Debug, Clone)]
pub struct Context {
    /// Tells the client how far the call is.
    pub reporter: Reporter,
    pub(crate) scope: Option<TenantScope>,
    pub(crate) asker: Asker,
    pub(crate) announcer: Announcer,
}

/// A call's arguments as they came: a JSON object.
#[derive(Debug, Clone)]
pub struct Arguments(pub(crate) String);

impl Context {
    /// The scope of the tenant that the caller is signed in to.
    ///
    /// # Errors
    /// [`Error::NotSignedIn`]; a tool whose access asks for a role never sees it.
    pub fn scope(&self) -> Result<&TenantScope> {
        let nobody = || {
            Error::NotSignedIn(
                "Nobody is signed in. Call auth_sign_in first; over HTTP, send the access token that it gives.".into(),
            )
        };
        self.scope.as_ref().ok_or_else(nobody)
    }

    /// Asks the client, as [`Asker::ask`] does.
    ///
    /// # Errors
    /// As there.
    pub async fn ask(&self, key: &str, question: Question) -> Result<Value> {
        self.asker.ask(key, question).await
    }

    /// Whether the client can be asked for this.
    #[must_use]
    pub fn client_can(&self, capability: Capability) -> bool {
        self.asker.can(capability)
    }

    /// What asks the client.
    #[must_use]
    pub fn asker(&self) -> &Asker {
        &self.asker
    }

    /// What tells clients of changes.
    #[must_use]
    pub fn announcer(&self) -> &Announcer {
        &self.announcer
    }
}

impl Arguments {
    /// Reads them into a type.
    ///
    /// # Errors
    /// [`Error::InvalidArguments`], which says what does not fit.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        super::input::read("this call", &self.0)
    }

    /// A member that is a text.
    ///
    /// # Errors
    /// [`Error::InvalidArguments`] when there is none with this name.
    pub fn text(&self, name: &str) -> Result<String> {
        let wrong = || Error::InvalidArguments(format!("Invalid arguments: {name}: must be a string."));
        self.value()[name].as_str().map(str::to_owned).ok_or_else(wrong)
    }

    /// They as a tree.
    #[must_use]
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    /// They as they came.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }
}
