//! `sessile admin users`.

use super::show::{Out, minute};
use crate::admin::{Admin, Reset};
use crate::error::Result;
use clap::Subcommand;
use serde_json::json;

#[derive(Debug, Subcommand)]
pub(super) enum Users {
    /// List all users, or those of a tenant
    List {
        /// Only members of the tenant with this id
        #[arg(long, value_name = "ID")]
        tenant: Option<String>,
    },
    /// Print a code with which a user sets a new password, once, within 24 hours
    ///
    /// Pass it on over a channel that you trust: whoever has it can become that user. They call the tool
    /// auth_reset_password with it. Until then their present password stays good; then their sessions and
    /// tokens end. A code that was made before stops working.
    ResetPassword {
        /// Their email address or id
        user: String,
    },
    /// Keep a user out of all tenants: open sessions end, no sign-in, token or key works
    Disable {
        /// Their email address or id
        user: String,
    },
    /// Let a user in again
    Enable {
        /// Their email address or id
        user: String,
    },
}

impl Users {
    pub(super) async fn run(self, admin: &Admin, out: Out) -> Result<()> {
        match self {
            Self::List { tenant } => {
                let tenant = match tenant {
                    Some(id) => Some(admin.tenant(&id).await?.id),
                    None => None,
                };
                let heads = ["id", "email", "created", "disabled", "tenants"];
                out.list(&admin.users(tenant).await?, heads, |user| {
                    let places = user.tenants.iter().map(|place| format!("{} ({})", place.tenant, place.role));
                    let places = places.collect::<Vec<_>>().join(", ");
                    let places = if places.is_empty() { "-".to_owned() } else { places };
                    let (created, disabled) = (user.created_at.minute(), minute(user.disabled_at));
                    [user.id.to_string(), user.email.clone(), created, disabled, places]
                });
            }
            Self::ResetPassword { user } => {
                let reset = admin.reset_password(&user).await?;
                out.done(&reset, &how_to_reset(&reset));
            }
            Self::Disable { user } => {
                let user = admin.user(&user).await?;
                admin.disable(&user).await?;
                let text =
                    format!("Disabled {} ({}). They sign in nowhere until they are enabled.", user.email, user.id);
                out.done(&json!({ "disabled": user.id }), &text);
            }
            Self::Enable { user } => {
                let user = admin.user(&user).await?;
                admin.enable(&user).await?;
                out.done(&json!({ "enabled": user.id }), &format!("Enabled {} ({}).", user.email, user.id));
            }
        }
        Ok(())
    }
}

/// What to tell whoever has to pass a code on.
pub(super) fn how_to_reset(reset: &Reset) -> String {
    let Reset { email, code, expires_at } = reset;
    format!(
        "{email} can set a password once, until {} UTC, by calling the tool auth_reset_password with this code:\n{code}",
        expires_at.minute()
    )
}
