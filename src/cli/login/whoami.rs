//! `sessile whoami`: as whom a gateway knows us.

use super::{keys, wrong};
use crate::cli::admin::show::Out;
use crate::cli::failure::Kind;
use crate::cli::runtime;
use crate::cli::target::Target;
use crate::error::Result;
use clap::Args;
use serde_json::json;
use std::process::ExitCode;

/// Say as whom a gateway knows you
///
/// Asks the gateway, with the key of a profile or the one in SESSILE_TOKEN. The exit status is 0 when somebody is
/// signed in, 3 when nobody is, 5 when the gateway can't be reached, 6 when it takes too long.
#[derive(Debug, Args)]
pub(in crate::cli) struct Whoami {
    #[command(flatten)]
    target: Target,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Whoami {
    pub(in crate::cli) fn run(self) -> Result<ExitCode> {
        let destination = self.target.resolve().map_err(wrong)?;
        let url = &destination.url;
        let found = runtime()?.block_on(async {
            let (mut gateway, _) = match destination.open().await {
                Ok(opened) => opened,
                Err(failure) => return Ok(Err(failure)),
            };
            let identity = keys::whoami(&mut gateway).await?;
            gateway.caller.close().await;
            Ok(Ok(identity))
        })?;
        let out = Out { json: self.json };
        match found {
            Ok(Some(who)) => {
                let result = json!({
                    "url": url.to_string(), "signed_in": true, "email": who.email, "tenant": who.tenant,
                    "tenant_id": who.tenant_id, "role": who.role, "proof": who.proof, "until": who.until,
                });
                out.done(&result, &format!("{} in {}, as {}, at {url}", who.email, who.tenant, who.role));
                Ok(ExitCode::SUCCESS)
            }
            Ok(None) => {
                let text = format!("Nobody is signed in at {url}. `sessile login {url}` signs in.");
                out.done(&json!({ "url": url.to_string(), "signed_in": false }), &text);
                Ok(ExitCode::from(Kind::NotAllowed as u8))
            }
            Err(failure) => Ok(failure.tell()),
        }
    }
}
