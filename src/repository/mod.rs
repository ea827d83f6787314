//! Repositories: the statements of each family, against a tenant's scope.
//!
//! No function here takes a tenant id: the scope puts the tenant in as `$1` of every statement.

pub(crate) mod audit;
pub(crate) mod invite;
pub(crate) mod member;
pub(crate) mod record;
