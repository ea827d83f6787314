//! All strategies of a server, put together.

use super::api_key::ApiKeyStrategy;
use super::bearer::{BearerStrategy, Bearers};
use super::password::{PasswordOptions, PasswordStrategy};
use super::resume::ResumeStrategy;
use super::throttle::ThrottleOptions;
use super::token::{TokenOptions, TokenStrategy};
use crate::error::Result;
use crate::tenancy::Authority;
use crate::time::now;
use std::sync::Arc;

/// What strategies are made of.
#[derive(Debug, Clone)]
pub struct StrategyOptions {
    /// The cost of passwords.
    pub password: PasswordOptions,
    /// How failed sign-ins are slowed down.
    pub throttle: ThrottleOptions,
    /// Access and refresh tokens.
    pub tokens: TokenOptions,
}

/// What turns proofs into principals.
#[derive(Debug)]
pub struct Strategies {
    /// Email and password.
    pub passwords: PasswordStrategy,
    /// Access and refresh tokens of this server's own.
    pub tokens: Arc<TokenStrategy>,
    /// Every kind of bearer token.
    pub bearers: Bearers,
    /// What sessions are resumed with.
    pub resume: ResumeStrategy,
    authority: Authority,
}

impl Strategies {
    /// The built-in strategies, and others that judge bearer tokens.
    ///
    /// # Errors
    /// [`Error::Config`](crate::error::Error::Config) when an option can't be used.
    pub(crate) fn new(
        authority: Authority,
        options: StrategyOptions,
        others: Vec<Arc<dyn BearerStrategy>>,
    ) -> Result<Self> {
        let passwords = PasswordStrategy::new(authority.clone(), options.password, options.throttle)?;
        let tokens = Arc::new(TokenStrategy::new(authority.clone(), options.tokens));
        let mut judges: Vec<Arc<dyn BearerStrategy>> =
            vec![Arc::new(ApiKeyStrategy::new(authority.clone())), Arc::clone(&tokens) as _];
        judges.extend(others);
        let resume = ResumeStrategy::new(authority.clone(), judges.clone());
        let bearers = Bearers::new(authority.clone(), judges);
        Ok(Self { passwords, tokens, bearers, resume, authority })
    }

    /// What is to be done at the start and then from time to time: looks at the signing keys, and removes
    /// what has expired.
    pub(crate) async fn tend(&self) {
        let keys = self.tokens.keys().look().await;
        let families = self.authority.credentials().remove_expired_families(now()).await;
        let resumables = self.authority.credentials().remove_expired_resumables(now()).await;
        if let Err(error) = keys.and(families).and(resumables) {
            tracing::error!(%error, "could not look after keys and credentials");
        }
        if let Err(error) = self.authority.forget_idempotency_keys(now()).await {
            tracing::error!(%error, "could not forget old idempotency keys");
        }
    }
}
