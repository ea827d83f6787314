//! The built-in tools, by family. A tool knows its tenant's scope and its arguments, and no
//! session: the `auth` and `tenant` families alone, which are about sessions, see one.
//!
//! Whoever brings tools of their own makes them with [`Tool::new`], with types for arguments and result on a tenant's
//! data, or with [`Tool::raw`], in JSON. What else a server can have, its providers bring: [`Resources`], [`Prompts`]
//! and [`Completions`], of all of which [`Crm`] is one.

mod annotations;
mod asker;
mod auth;
mod content;
mod context;
mod crm;
pub mod input;
mod output;
mod provider;
mod question;
mod reporter;
mod tenant;
mod tool;
mod upstream;

pub use annotations::Effect;
pub use asker::Asker;
pub(crate) use asker::{Answers, Round};
pub(crate) use auth::{TenantChoice, User, end_family};
pub use content::{Content, Contents};
pub use context::{Arguments, Context};
pub use crm::Crm;
pub use output::Output;
pub(crate) use provider::Keep;
pub use provider::{Completing, Completions, Members, Page, Prompts, Reference, Resources, Watched};
pub use question::Question;
pub use reporter::Reporter;
pub use tool::{Access, Caller, Reply, SessionCaller, Tool};
pub(crate) use tool::{Invocation, Run};

/// All built-in tools, in the order in which they are listed.
#[must_use]
pub fn all() -> Vec<Tool> {
    [auth::tools(), tenant::tools(), upstream::tools(), crm::tools()].into_iter().flatten().collect()
}

/// Those about who is signed in and about tenants: all built-in tools but the CRM's.
#[must_use]
pub fn accounts() -> Vec<Tool> {
    [auth::tools(), tenant::tools()].into_iter().flatten().collect()
}
