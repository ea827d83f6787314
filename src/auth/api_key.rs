//! API keys: long-lived secrets of a user in one tenant, looked up by their hash.

use super::bearer::{Admitted, BearerStrategy, Token};
use super::secret::{hash_code, new_code};
use crate::error::{Error, Result};
use crate::tenancy::{Authority, Principal, Proof, Recognised};
use crate::time::now;
use futures_util::future::BoxFuture;
use std::net::IpAddr;

/// What every key starts with, so that people and secret scanners know one.
const PREFIX: &str = "sessile_key_";

/// A new key, which nobody knows of yet.
pub(crate) fn new_api_key() -> String {
    new_code(PREFIX)
}

/// Admits whoever holds an API key.
#[derive(Debug)]
pub(crate) struct ApiKeyStrategy {
    authority: Authority,
}

impl ApiKeyStrategy {
    pub(crate) fn new(authority: Authority) -> Self {
        Self { authority }
    }
}

impl BearerStrategy for ApiKeyStrategy {
    fn name(&self) -> &'static str {
        "api_key"
    }

    fn claims(&self, token: &Token) -> bool {
        token.text().starts_with(PREFIX)
    }

    fn admit<'a>(&'a self, token: &'a Token, _: IpAddr) -> BoxFuture<'a, Result<Admitted>> {
        Box::pin(async move {
            let credentials = self.authority.credentials();
            let key = credentials.api_key(&hash_code(token.text())).await?;
            let key = key.ok_or_else(|| {
                Error::InvalidToken("This API key is not valid: it was revoked, or never was one.".into())
            })?;
            let proof = Proof::ApiKey { id: key.id, role: key.role };
            let found = self.authority.recognise(key.user, key.tenant, proof.clone(), now(), None).await?;
            if !matches!(found, Recognised::Good(_)) {
                credentials.note_refused((key.user, key.tenant), &proof, found.why(), now()).await?;
            }
            Ok(Admitted { principal: found.admitted()?, expires_at: key.expires_at, rests_on: None })
        })
    }

    fn used(&self, principal: &Principal, now: i64) {
        if let Proof::ApiKey { id, .. } = principal.proof() {
            self.authority.credentials().note_key_used(principal.tenant(), *id, now);
        }
    }
}
