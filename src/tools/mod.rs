//! The built-in tools, by family. A tool knows its tenant's scope and its arguments, and no
//! session: the `auth` and `tenant` families alone, which are about sessions, see one.

mod annotations;
mod auth;
mod crm;
pub mod input;
mod reporter;
mod tenant;
mod tool;

pub use annotations::Effect;
pub(crate) use auth::{TenantChoice, User, end_family};
pub use reporter::Reporter;
pub use tool::{Access, Caller, Reply, SessionCaller, Tool};
pub(crate) use tool::{Invocation, Run};

/// All built-in tools, in the order in which they are listed.
#[must_use]
pub fn all() -> Vec<Tool> {
    [auth::tools(), tenant::tools(), crm::tools()].into_iter().flatten().collect()
}
