//! Repositories: the statements of each family, against a tenant's scope.
//!
//! No function here takes a tenant id: the scope puts the tenant in as `$1` of every statement.

pub(crate) mod activity;
pub(crate) mod agenda;
pub(crate) mod api_key;
pub(crate) mod audit;
pub(crate) mod change;
pub(crate) mod company;
pub(crate) mod completion;
mod conflict;
pub(crate) mod contact;
pub(crate) mod credential;
pub(crate) mod deal;
pub(crate) mod import;
pub(crate) mod invite;
pub(crate) mod list;
pub(crate) mod member;
pub(crate) mod once;
pub(crate) mod pipeline;
pub(crate) mod record;
pub(crate) mod search;
mod statements;
pub(crate) mod timeline;
pub(crate) mod upstream;
