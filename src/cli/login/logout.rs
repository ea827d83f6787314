//! `sessile logout`: taking a key back, and forgetting it.

use super::{keys, wrong};
use crate::cli::runtime;
use crate::client::{Gateway, GatewayUrl, Place, Profile, Profiles, credentials};
use crate::error::Result;
use clap::Args;
use std::process::ExitCode;

/// Revoke a profile's key and forget the profile
///
/// Connections that were opened with the key end at once. A key that `sessile login` was given, and did not make, is
/// forgotten here and stays good: revoke it where it was made.
#[derive(Debug, Args)]
pub(in crate::cli) struct Logout {
    /// The profile [default: the default profile]
    name: Option<String>,
    /// Forget it here even if the gateway can't be told; the key stays good until it expires or is revoked
    #[arg(long)]
    local: bool,
    /// Send the key where it can be read on the way: over ws:// to another machine
    #[arg(long)]
    insecure: bool,
}

impl Logout {
    pub(in crate::cli) fn run(self) -> Result<ExitCode> {
        let place = Place::here().map_err(wrong)?;
        let profiles = Profiles::load(&place).map_err(wrong)?;
        let name = self.name.or_else(|| profiles.default.clone()).ok_or_else(|| wrong("there is no profile"))?;
        let profile = profiles.named(&name).map_err(wrong)?;
        let said = match (revoke(&place, profile, self.insecure), self.local) {
            (Ok(said), _) => said.to_owned(),
            (Err(why), true) => format!("{why}; the key stays good until it expires or is revoked"),
            (Err(why), false) => {
                return Err(wrong(format!("{why}; `sessile logout {name} --local` forgets it here all the same")));
            }
        };
        profile.secret.forget(&place, profile.id).map_err(wrong)?;
        Profiles::change(&place, |profiles| Ok(profiles.remove(&name))).map_err(wrong)?;
        println!("Forgot profile {name:?}: {said}.");
        Ok(ExitCode::SUCCESS)
    }
}

/// Has the gateway take the key back; says what became of it.
fn revoke(place: &Place, profile: &Profile, insecure: bool) -> Result<&'static str> {
    let Some(id) = &profile.key_id else { return Ok("its key was not made by `sessile login` and stays good") };
    let url = GatewayUrl::parse(&profile.url).map_err(wrong)?;
    credentials::may_be_sent(&url, insecure).map_err(wrong)?;
    let Some(token) = profile.secret.get(place, profile.id).map_err(wrong)? else {
        return Err(wrong("its key is gone from where it was kept"));
    };
    runtime()?.block_on(async {
        let (mut gateway, _) = match Gateway::open(&url, Some(&token)).await {
            Ok(opened) => opened,
            Err(error) if error.is_about_the_token() => return Ok("its key was good no more"),
            Err(error) => return Err(wrong(format!("{url}: {error}"))),
        };
        // A token that admits nobody may leave a connection open, signed in as nobody.
        if keys::whoami(&mut gateway).await?.is_none() {
            return Ok("its key was good no more");
        }
        keys::revoke(&mut gateway, id).await?;
        gateway.caller.close().await;
        Ok("its key is revoked")
    })
}
