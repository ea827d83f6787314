//! `sessile profiles`: the sign-ins that are kept.

use super::wrong;
use crate::cli::admin::show::Out;
use crate::client::{Place, Profiles, Vault};
use crate::error::Result;
use clap::Args;
use serde::Serialize;
use std::process::ExitCode;

/// List the sign-ins that are kept, or choose the default
///
/// The default profile is the one that is meant where a command is given none, and where it is given no more than
/// the profile's URL.
#[derive(Debug, Args)]
pub(in crate::cli) struct ProfilesArgs {
    /// Make this profile the default, for its URL as well
    #[arg(long, value_name = "NAME")]
    default: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A profile, as it is shown.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    url: &'a str,
    email: &'a str,
    tenant: &'a str,
    tenant_id: &'a str,
    role: &'a str,
    key_in: Vault,
    expires_at: Option<&'a str>,
    default: bool,
    default_of_url: bool,
}

impl ProfilesArgs {
    pub(in crate::cli) fn run(self) -> Result<ExitCode> {
        let place = Place::here().map_err(wrong)?;
        if let Some(name) = &self.default {
            Profiles::change(&place, |profiles| profiles.prefer(name)).map_err(wrong)?;
        }
        let profiles = Profiles::load(&place).map_err(wrong)?;
        let rows = profiles.profiles.iter().map(|(name, profile)| Row {
            name,
            url: &profile.url,
            email: &profile.email,
            tenant: &profile.tenant,
            tenant_id: &profile.tenant_id,
            role: &profile.role,
            key_in: profile.secret,
            expires_at: profile.expires_at.as_deref(),
            default: profiles.default.as_deref() == Some(name),
            default_of_url: profile.default,
        });
        let rows: Vec<_> = rows.collect();
        let heads = ["name", "url", "email", "tenant", "role", "key in", "until", ""];
        Out { json: self.json }.list(&rows, heads, |row| {
            let key_in = if row.key_in == Vault::Keyring { "keyring" } else { "file" };
            let until = row.expires_at.and_then(|at| at.get(..10)).unwrap_or("-");
            let default = match (row.default, row.default_of_url) {
                (true, _) => "default",
                (false, true) => "default of its URL",
                (false, false) => "",
            };
            [row.name, row.url, row.email, row.tenant, row.role, key_in, until, default].map(str::to_owned)
        });
        Ok(ExitCode::SUCCESS)
    }
}
