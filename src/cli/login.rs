//! `sessile login`: signing in once, for all the commands and agents that follow.

mod ask;
mod keys;
mod logout;
mod profiles;
mod whoami;

pub(super) use logout::Logout;
pub(super) use profiles::ProfilesArgs;
pub(super) use whoami::Whoami;

use super::{runtime, wrong};
use crate::auth::Token;
use crate::client::{Gateway, GatewayUrl, Place, Profile, Profiles, Vault, check_name, credentials, name_of};
use crate::error::Result;
use crate::tenancy::Role;
use clap::Args;
use keys::{Identity, NewKey};
use std::process::ExitCode;
use uuid::Uuid;

/// Sign in to a gateway and keep the sign-in as a profile
///
/// Asks for the password, signs in with it, and has the gateway make an API key of your own, which takes the
/// password's place: the password itself is kept nowhere. The key is in the keyring of the operating system, or
/// where there is none in a file that you alone may read. `sessile logout` revokes it.
///
/// A profile has the name of its gateway unless told. Signing in again under a name replaces the key.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sessile login wss://gateway.example/mcp --email ada@example.com
  sessile login gateway.example --name harbour --tenant 'Harbour & Pine'
  sessile login gateway.example --name agents --role viewer
  pass show gateway | sessile login gateway.example --email ada@example.com --password-stdin
  sessile login gateway.example --api-key-stdin < key

SESSILE_CREDENTIALS says where keys are kept: `keyring` or `file`.")]
pub(super) struct Login {
    /// The gateway: a URL, a host, or the name of a profile to sign in to again
    url: String,
    /// What the profile is to be called [default: the gateway's host]
    #[arg(long)]
    name: Option<String>,
    /// The email address of the account [default: the profile's, or it is asked for]
    #[arg(long)]
    email: Option<String>,
    /// The tenant to work in, by its name or id [default: the profile's, or the one used last]
    #[arg(long)]
    tenant: Option<String>,
    /// The most that the key may do: viewer, member, admin or owner [default: as the profile's, or what you may]
    #[arg(long)]
    role: Option<String>,
    /// For how many days the key is good
    #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=3660))]
    days: u16,
    /// Read the password from standard input instead of asking for it
    #[arg(long, conflicts_with = "api_key_stdin")]
    password_stdin: bool,
    /// Keep an API key that there is already, read from standard input
    #[arg(long, conflicts_with_all = ["email", "tenant", "role"])]
    api_key_stdin: bool,
    /// Send the password and the key where they can be read on the way: over ws:// to another machine
    #[arg(long)]
    insecure: bool,
}

impl Login {
    pub(super) fn run(self) -> Result<ExitCode> {
        let place = Place::here().map_err(wrong)?;
        let profiles = Profiles::load(&place).map_err(wrong)?;
        let again = profiles.profiles.get(&self.url);
        let url = GatewayUrl::parse(again.map_or(&self.url, |profile| &profile.url)).map_err(wrong)?;
        credentials::may_be_sent(&url, self.insecure).map_err(wrong)?;
        let of_profile = again.is_some().then(|| self.url.clone());
        let name = self.name.clone().or(of_profile).unwrap_or_else(|| name_of(&url));
        check_name(&name).map_err(wrong)?;
        let before = profiles.profiles.get(&name).cloned();
        if let Some(before) = &before {
            let same = before.url == url.url().as_str()
                && self.email.as_deref().is_none_or(|email| email.eq_ignore_ascii_case(&before.email));
            same.then_some(()).ok_or_else(|| taken(&name, before))?;
        }
        let ready = Ready { login: self, place, url, name, before };
        let said = if ready.login.api_key_stdin {
            let token = ask::token_from_stdin()?;
            runtime()?.block_on(ready.with_key(token))?
        } else {
            let email = match ready.login.email.clone().or_else(|| Some(ready.before.as_ref()?.email.clone())) {
                Some(email) => email,
                None => ask::email(ready.login.password_stdin)?,
            };
            let password = ask::password(&email, &ready.url, ready.login.password_stdin)?;
            runtime()?.block_on(ready.with_password(&email, &password))?
        };
        println!("{said}");
        Ok(ExitCode::SUCCESS)
    }
}

/// What is known before anybody is asked.
struct Ready {
    login: Login,
    place: Place,
    url: GatewayUrl,
    name: String,
    /// The profile that had the name.
    before: Option<Profile>,
}

impl Ready {
    async fn with_password(self, email: &str, password: &str) -> Result<String> {
        let mut gateway = self.open(None).await?;
        let wanted = self.login.tenant.clone().or_else(|| Some(self.before.as_ref()?.tenant_id.clone()));
        let identity = keys::sign_in(&mut gateway, email, password, wanted.as_deref()).await?;
        if let Some(before) = self.before.as_ref().filter(|before| before.tenant_id != identity.tenant_id) {
            return Err(taken(&self.name, before));
        }
        let role = self.login.role.as_deref().unwrap_or_else(|| self.usual_role(&identity));
        let key = keys::create(&mut gateway, role, self.login.days).await?;
        let said = self.keep(&identity, &key);
        match (&said, self.before.as_ref().and_then(|before| before.key_id.as_deref())) {
            // The key that it replaces. It may have ended by itself.
            (Ok(_), Some(old)) => {
                let _ = keys::revoke(&mut gateway, old).await;
            }
            (Ok(_), None) => {}
            // A key that is kept nowhere is good for nothing.
            (Err(_), _) => {
                if let Some(id) = &key.id {
                    let _ = keys::revoke(&mut gateway, id).await;
                }
            }
        }
        gateway.caller.close().await;
        said
    }

    /// What a key may do of which nothing is said: what the one may that it replaces, as far as its owner still does.
    fn usual_role<'a>(&'a self, identity: &'a Identity) -> &'a str {
        let before = self.before.as_ref().and_then(|before| Role::stored(&before.role).ok());
        match (before, Role::stored(&identity.role)) {
            (Some(before), Ok(now)) => before.min(now).as_str(),
            _ => &identity.role,
        }
    }

    async fn with_key(self, token: Token) -> Result<String> {
        let mut gateway = self.open(Some(&token)).await?;
        let identity =
            keys::whoami(&mut gateway).await?.ok_or_else(|| wrong("the gateway signs nobody in by that key"))?;
        gateway.caller.close().await;
        if let Some(before) = self.before.as_ref().filter(|before| !identity.is_in(before)) {
            return Err(taken(&self.name, before));
        }
        let key = NewKey { role: identity.role.clone(), id: None, expires_at: identity.until.clone(), token };
        self.keep(&identity, &key)
    }

    async fn open(&self, token: Option<&Token>) -> Result<Gateway> {
        let opened = Gateway::open(&self.url, token).await;
        let (gateway, _) = opened.map_err(|error| {
            let hint = if error.is_about_the_token() { "" } else { "; `sessile doctor` with this URL tells more" };
            wrong(format!("{}: {error}{hint}", self.url))
        })?;
        Ok(gateway)
    }

    /// Keeps the key, then the profile, and says so.
    fn keep(&self, identity: &Identity, key: &NewKey) -> Result<String> {
        let id = Uuid::now_v7();
        let secret = Vault::keep(&self.place, id, &key.token).map_err(wrong)?;
        let profile = Profile {
            url: self.url.to_string(),
            email: identity.email.clone(),
            tenant: identity.tenant.clone(),
            tenant_id: identity.tenant_id.clone(),
            role: key.role.clone(),
            id,
            secret,
            key_id: key.id.clone(),
            expires_at: key.expires_at.clone(),
            default: false,
        };
        let put = Profiles::change(&self.place, |profiles| {
            profiles.put(&self.name, profile);
            Ok(())
        });
        if let Err(why) = put {
            let _ = secret.forget(&self.place, id);
            return Err(wrong(why));
        }
        if let Some(before) = &self.before {
            let _ = before.secret.forget(&self.place, before.id);
        }
        let until = key
            .expires_at
            .as_deref()
            .map_or_else(String::new, |at| format!(", good until {}", at.get(..10).unwrap_or(at)));
        Ok(format!(
            "Signed in to {} as {}, in {} as {}.\nProfile {:?}: its key is in {}{until}.",
            self.url,
            identity.email,
            identity.tenant,
            key.role,
            self.name,
            secret.describe(&self.place),
        ))
    }
}

fn taken(name: &str, by: &Profile) -> crate::error::Error {
    wrong(format!(
        "profile {name:?} is {} in {} at {}; give another name with --name, or `sessile logout {name}` first",
        by.email, by.tenant, by.url
    ))
}
