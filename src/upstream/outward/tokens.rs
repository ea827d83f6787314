//! Tokens that go with requests: those that say who calls, and those that the upstream gave.

use super::{Outward, Party, Source};
use crate::auth::Identity;
use crate::tenancy::{TenantId, UserId};
use crate::time::now;
use crate::upstream::definition::AuthorizationOptions;
use crate::upstream::failure::Failure;
use crate::upstream::oauth::{Applicant, TokenStore};
use crate::upstream::outbound::Outbound;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use std::sync::Arc;
use url::Url;
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

    /// For whom the gateway is authorized at the upstream, if it has to be: a tenant, and a user where each does it for
    /// themselves.
    pub(crate) fn authorizing(&self) -> Option<(TenantId, Option<UserId>)> {
        let (party, user) = self.token_owner()?;
        Some((party.whom.read().tenant, user.ok()?))
    }

    /// The same as what an authorization begins with.
    ///
    /// # Errors
    /// [`Failure::Incomplete`] when a credential is missing.
    pub(crate) async fn applicant(&self, outbound: &Outbound) -> Result<Option<Applicant>, Failure> {
        let Some(options) = &self.inner.definition.authorization else { return Ok(None) };
        let Some((tenant, user)) = self.authorizing() else { return Ok(None) };
        let user = user.map(|user| user.to_string()).unwrap_or_default();
        Ok(Some(Applicant {
            owner: format!("{tenant}/{user}/{}", self.inner.definition.name),
            upstream: over_http(self.url().await?),
            options: options.clone(),
            client_secret: self.client_secret().await?,
            outbound: outbound.clone(),
            store: Arc::new(self.clone()),
        }))
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

impl TokenStore for Outward {
    fn load(&self) -> BoxFuture<'_, Result<Option<Zeroizing<String>>, Failure>> {
        Box::pin(self.token())
    }

    fn save<'a>(&'a self, tokens: &'a str) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(self.save_token(tokens))
    }

    fn remove(&self) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(self.remove_token())
    }
}

/// Where a WebSocket's endpoint describes itself.
fn over_http(mut url: Url) -> Url {
    let scheme = match url.scheme() {
        "ws" => "http",
        "wss" => "https",
        _ => return url,
    };
    // All four are of the same kind, which is all that is asked for.
    let _ = url.set_scheme(scheme);
    url
}

/// The user whose the tokens are; none where the tenant has them together.
pub(super) fn owner(options: &AuthorizationOptions, whom: &Identity) -> Option<UserId> {
    whom.user.as_ref().filter(|_| !options.per_tenant).map(|user| user.id)
}
