//! `sessile admin sessions`, `tokens` and `api-keys`.

use super::show::{Out, minute};
use crate::admin::{Admin, Whose};
use crate::error::Result;
use clap::{Args, Subcommand};
use serde_json::json;

#[derive(Debug, Subcommand)]
pub(super) enum Sessions {
    /// End what a user or a tenant has open, and the tokens of their sign-ins
    ///
    /// They can sign in again, and API keys stay good: to keep somebody out, use `users disable` or
    /// `tenants suspend`.
    End(Named),
}

#[derive(Debug, Subcommand)]
pub(super) enum Tokens {
    /// List the tokens that are good: one line for all that follow from one sign-in
    List(Any),
    /// End all tokens that follow from one sign-in
    Revoke {
        /// Their id, as in the list
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum ApiKeys {
    /// List the API keys
    List(Any),
    /// Delete an API key
    Revoke {
        /// Its id, as in the list
        id: String,
    },
}

/// Which ones.
#[derive(Debug, Args)]
pub(super) struct Any {
    /// Only those of the user with this email address or id
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Only those in the tenant with this id
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
}

/// Which ones, and not all.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(super) struct Named {
    /// Those of the user with this email address or id
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Those in the tenant with this id
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
}

impl Sessions {
    pub(super) async fn run(self, admin: &Admin, out: Out) -> Result<()> {
        let Self::End(Named { user, tenant }) = self;
        let of = [user.as_deref().unwrap_or("everybody"), "in", tenant.as_deref().unwrap_or("all tenants")].join(" ");
        let tokens = admin.end_sessions(whose(admin, user, tenant).await?, &of).await?;
        let text = format!("Ended the open sessions of {of}, and the tokens of {tokens} sign-ins.");
        out.done(&json!({ "ended": true, "tokens": tokens }), &text);
        Ok(())
    }
}

impl Tokens {
    pub(super) async fn run(self, admin: &Admin, out: Out) -> Result<()> {
        match self {
            Self::List(Any { user, tenant }) => {
                let families = admin.tokens(whose(admin, user, tenant).await?).await?;
                out.list(&families, ["id", "email", "tenant", "created", "expires"], |one| {
                    let (created, expires) = (one.created_at.minute(), one.expires_at.minute());
                    [one.id.to_string(), one.email.clone(), one.tenant.clone(), created, expires]
                });
            }
            Self::Revoke { id } => {
                let one = admin.revoke_tokens(&id).await?;
                out.done(
                    &json!({ "revoked": one.id }),
                    &format!("Ended the tokens of {} in {}.", one.email, one.tenant),
                );
            }
        }
        Ok(())
    }
}

impl ApiKeys {
    pub(super) async fn run(self, admin: &Admin, out: Out) -> Result<()> {
        match self {
            Self::List(Any { user, tenant }) => {
                let keys = admin.api_keys(whose(admin, user, tenant).await?).await?;
                out.list(&keys, ["id", "name", "email", "tenant", "role", "created", "expires", "last used"], |key| {
                    [
                        key.id.to_string(),
                        key.name.clone(),
                        key.email.clone(),
                        key.tenant.clone(),
                        key.role.to_string(),
                        key.created_at.minute(),
                        minute(key.expires_at),
                        minute(key.last_used_at),
                    ]
                });
            }
            Self::Revoke { id } => {
                let key = admin.revoke_api_key(&id).await?;
                let text = format!("Deleted the API key {:?} of {} in {}.", key.name, key.email, key.tenant);
                out.done(&json!({ "revoked": key.id }), &text);
            }
        }
        Ok(())
    }
}

async fn whose(admin: &Admin, user: Option<String>, tenant: Option<String>) -> Result<Whose> {
    let user = match user {
        Some(user) => Some(admin.user(&user).await?.id),
        None => None,
    };
    let tenant = match tenant {
        Some(tenant) => Some(admin.tenant(&tenant).await?.id),
        None => None,
    };
    Ok(Whose { user, tenant })
}
