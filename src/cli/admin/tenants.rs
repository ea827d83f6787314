//! `sessile admin tenants`.

use super::show::{Out, minute};
use super::users::how_to_reset;
use crate::admin::Admin;
use crate::error::{Error, Result};
use clap::Subcommand;
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(super) enum Tenants {
    /// List all tenants
    List,
    /// Make a tenant
    ///
    /// Its owner may have an account already. If not, one is made, and a code is printed with which they set
    /// its password: pass it on over a channel that you trust.
    Create {
        /// What it is called, such as a company's name
        name: String,
        /// The email address of its first owner
        #[arg(long, value_name = "EMAIL")]
        owner: String,
    },
    /// Let nobody in: open sessions end, no sign-in, token or key works. Nothing is deleted
    Suspend {
        /// The tenant's id, as in the list
        #[arg(value_name = "ID")]
        tenant: String,
    },
    /// Let its members in again
    Resume {
        /// The tenant's id, as in the list
        #[arg(value_name = "ID")]
        tenant: String,
    },
    /// Write all that there is of a tenant to a new file, a JSON object a line
    ///
    /// The file has every row of the tenant in every table, and its members' accounts. It has no password,
    /// key, token or code, nor a hash of one.
    Export {
        /// The tenant's id, as in the list
        #[arg(value_name = "ID")]
        tenant: String,
        /// Where to; a file that is there already is left alone
        file: PathBuf,
    },
    /// Delete a tenant with all its data, for good
    ///
    /// It is suspended first, then exported, then deleted. Accounts of its members stay, since they may be
    /// members elsewhere. If it breaks off, call it again with --without-export.
    Delete {
        /// The tenant's id, as in the list
        #[arg(value_name = "ID")]
        tenant: String,
        /// The tenant's name, to show that it is the one that you mean
        #[arg(long, value_name = "NAME")]
        confirm: Option<String>,
        /// Write all that there is of it to this new file before
        #[arg(long, value_name = "FILE", conflicts_with = "without_export")]
        export: Option<PathBuf>,
        /// Keep nothing of it
        #[arg(long)]
        without_export: bool,
    },
}

impl Tenants {
    pub(super) async fn run(self, admin: &Admin, out: Out) -> Result<()> {
        match self {
            Self::List => {
                let heads = ["id", "name", "members", "records", "created", "suspended"];
                out.list(&admin.tenants().await?, heads, |tenant| {
                    [
                        tenant.id.to_string(),
                        tenant.name.clone(),
                        tenant.members.to_string(),
                        tenant.records.to_string(),
                        tenant.created_at.minute(),
                        minute(tenant.suspended_at),
                    ]
                });
            }
            Self::Create { name, owner } => {
                let made = admin.create_tenant(&name, &owner).await?;
                let mut text = format!("Made the tenant {} ({}), owned by {}.", made.name, made.id, made.owner);
                if let Some(reset) = &made.reset {
                    text.push_str(&format!("\n{}", how_to_reset(reset)));
                }
                out.done(&made, &text);
            }
            Self::Suspend { tenant } => {
                let tenant = admin.tenant(&tenant).await?;
                admin.suspend(&tenant).await?;
                let text = format!("Suspended {} ({}). Nobody gets in until it is resumed.", tenant.name, tenant.id);
                out.done(&json!({ "suspended": tenant.id }), &text);
            }
            Self::Resume { tenant } => {
                let tenant = admin.tenant(&tenant).await?;
                admin.resume(&tenant).await?;
                out.done(&json!({ "resumed": tenant.id }), &format!("Resumed {} ({}).", tenant.name, tenant.id));
            }
            Self::Export { tenant, file } => {
                let tenant = admin.tenant(&tenant).await?;
                let rows = admin.export(&tenant, &file)?;
                let text = format!("Wrote {rows} rows of {} to {}.", tenant.name, file.display());
                out.done(&json!({ "exported": tenant.id, "rows": rows }), &text);
            }
            Self::Delete { tenant, confirm, export, without_export } => {
                let tenant = admin.tenant(&tenant).await?;
                if confirm.as_ref() != Some(&tenant.name) {
                    return Err(Error::InvalidArguments(format!(
                        "{} is called {:?}; to delete it, say so: --confirm {:?}",
                        tenant.id, tenant.name, tenant.name
                    )));
                }
                if export.is_none() && !without_export {
                    return Err(Error::InvalidArguments(
                        "say where to keep what is deleted, with --export FILE, or that nothing is kept, with \
                         --without-export"
                            .into(),
                    ));
                }
                // From here on nobody changes what is exported.
                admin.suspend(&tenant).await?;
                let exported = export.as_ref().map(|file| admin.export(&tenant, file)).transpose()?;
                let removed = admin.delete(&tenant).await?;
                let mut text = format!("Deleted {} ({}).", tenant.name, tenant.id);
                if let (Some(file), Some(rows)) = (&export, exported) {
                    text.push_str(&format!(" Its {rows} rows are in {}.", file.display()));
                }
                if removed.accounts_without_tenant > 0 {
                    let left = removed.accounts_without_tenant;
                    text.push_str(&format!("\nAccounts that are a member of no tenant now: {left}."));
                }
                out.done(&json!({ "deleted": tenant.id, "exported_rows": exported, "result": removed }), &text);
            }
        }
        Ok(())
    }
}
