//! A forgotten password replaced, with a code that whoever runs the server has made.

use super::PasswordStrategy;
use crate::auth::secret::{Secret, hash_code};
use crate::error::{Error, Result};
use crate::tenancy::email_key;
use crate::time::now;
use std::net::IpAddr;

impl PasswordStrategy {
    /// Sets a user's password, for who has the code for it. Nobody is signed in by that, and whoever was is
    /// not any more.
    pub(crate) async fn reset(&self, code: &str, new: Secret, from: IpAddr) -> Result<()> {
        let (inner, code_hash) = (&self.inner, hash_code(code));
        let directory = inner.authority.directory();
        // A guess is at no account in particular, so it is the address that is slowed down.
        inner.throttle.check(&code_hash, from)?;
        let Some(account) = directory.by_reset_code(&code_hash, now()).await? else {
            inner.throttle.failed(&code_hash, from);
            tracing::warn!(%from, "a code for a new password was refused");
            return Err(refused());
        };
        let hash = self.hash(new, || Ok(())).await?;
        match directory.reset_password(&account, &code_hash, hash, now()).await {
            Err(Error::Unmet(_)) => return Err(refused()),
            done => done?,
        }
        inner.throttle.succeeded(&email_key(&account.email));
        tracing::info!(user = account.email, %from, "password reset");
        Ok(())
    }
}

fn refused() -> Error {
    Error::InvalidCredentials(
        "This code is not valid: it is mistyped, expired or used already. Ask whoever runs this server for a new one."
            .into(),
    )
}
