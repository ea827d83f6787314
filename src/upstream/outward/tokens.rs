//! Tokens that go with requests: those that say who calls, and those that the upstream gave.

use super::{Outward, Party, Source};
use crate::auth::Identity;
use crate::tenancy::UserId;
use crate::time::now;
use crate::upstream::definition::AuthorizationOptions;
use crate::upstream::failure::Failure;
use serde::Deserialize;
use zeroize::Zeroizing;

impl Outward {
    /// The secret with which the gateway authorizes itself where upstreams give tokens, if it has one.
    ///
    /// # Errors
    /// [`Failure::Incomplete`] when a credential is missing.
    pub(crate) async fn client_secret(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        let options = self.inner.definition.authorization.as_ref();
        let Some(template) = options.and_then(|options| options.client_secret.as_ref()) else { return Ok(None) };
        Ok(Some(self.values([template]).await?.fill(template)?))
    }

    /// What was saved of the upstream's tokens for this user or tenant: JSON, of which `access_token` is sent.
    ///
    /// # Errors
    /// [`Failure::Incomplete`] when it can't be read.
    pub(crate) async fn token(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        let Some((party, user)) = self.token_owner() else { return Ok(None) };
        party.secrets.token(&self.inner.definition.name, user?).await.map_err(|error| self.unusable(&error))
    }

    /// Saves the upstream's tokens for this user or tenant; they are sent from the next request on.
    ///
    /// # Errors
    /// [`Failure::Incomplete`] when that can't be done.
    pub(crate) async fn save_token(&self, token: &str) -> Result<(), Failure> {
        let Some((party, user)) = self.token_owner() else {
            return Err(Failure::Incomplete("it has no authorization".into()));
        };
        party.secrets.save_token(&self.inner.definition.name, user?, token).await.map_err(|error| self.unusable(&error))
    }

    /// Forgets the upstream's tokens for this user or tenant.
    ///
    /// # Errors
    /// [`Failure::Incomplete`] when that can't be done.
    pub(crate) async fn remove_token(&self) -> Result<(), Failure> {
        let Some((party, user)) = self.token_owner() else { return Ok(()) };
        party.secrets.remove_token(&self.inner.definition.name, user?).await.map_err(|error| self.unusable(&error))
    }

    /// The token to send, and until when it is.
    pub(super) async fn bearer(&self, until: &mut i64) -> Result<Option<Zeroizing<String>>, Failure> {
        if let (Some(options), Source::Party(party)) = (&self.inner.definition.identity, &self.inner.source) {
            let (whom, now) = (party.whom.read().clone(), now());
            let minted = party.minter.identify(&whom, &options.audience, options.lifetime).await;
            let (token, end) = minted.map_err(|error| self.unusable(&error))?;
            // A fifth of its time is left for the request and its answer.
            *until = now + (end - now) * 4 / 5;
            return Ok(Some(token));
        }
        #[derive(Deserialize)]
        struct Token {
            access_token: String,
        }
        let Some(text) = self.token().await? else { return Ok(None) };
        let unreadable = |_| Failure::Incomplete("the token that it gave can't be read; authorize it again".into());
        serde_json::from_str(&text).map(|Token { access_token }| Some(access_token.into())).map_err(unreadable)
    }

    /// Whose the upstream's tokens are, where it gives some.
    fn token_owner(&self) -> Option<(&Party, Result<Option<UserId>, Failure>)> {
        let (Source::Party(party), Some(options)) = (&self.inner.source, &self.inner.definition.authorization) else {
            return None;
        };
        let user = owner(options, &party.whom.read());
        let user = if user.is_none() && !options.per_tenant {
            Err(Failure::Incomplete("users can't authorize it one by one while they share its session".into()))
        } else {
            Ok(user)
        };
        Some((party, user))
    }
}

/// The user whose the tokens are; none where the tenant has them together.
pub(super) fn owner(options: &AuthorizationOptions, whom: &Identity) -> Option<UserId> {
    whom.user.as_ref().filter(|_| !options.per_tenant).map(|user| user.id)
}
