//! Access and refresh tokens: a sign-in that is carried on without the password.
//!
//! An access token is a signed JWT that lives for minutes. A refresh token is a random code that is good
//! for one use, for which a new pair is given. All tokens that follow from one sign-in are a family: it
//! ends with a sign-out, a changed password, a lost membership, and the second use of a refresh token.

use super::bearer::{Admitted, BearerStrategy, Token};
use super::identity::MAX_LIFETIME;
use super::secret::{hash_code, new_code};
use super::signing_keys::{ALGORITHM, SigningKeys};
use crate::error::{Error, Result};
use crate::tenancy::{Authority, Family, Principal, Proof, Recognised, Refreshed, Role};
use crate::time::now;
use futures_util::future::BoxFuture;
use jsonwebtoken::Validation;
use jsonwebtoken::errors::ErrorKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::time::Duration;
use uuid::Uuid;

/// What every refresh token starts with, so that people and secret scanners know one.
pub(super) const REFRESH_PREFIX: &str = "sessile_refresh_";
/// The `typ` of an access token (RFC 9068).
const TYPE: &str = "at+jwt";
/// How far the clocks of whoever issued and whoever checks may be apart, in seconds.
const LEEWAY: u64 = 5;

/// Who issues tokens, for whom, and for how long they are good.
#[derive(Debug, Clone)]
pub struct TokenOptions {
    /// The issuer that access tokens name, a URL.
    pub issuer: String,
    /// The audience that they name.
    pub audience: String,
    /// How long an access token is good.
    pub access: Duration,
    /// How long a refresh token is good, and the sign-in with it.
    pub refresh: Duration,
    /// How old a signing key gets.
    pub rotate: Duration,
}

/// A pair of tokens, with times in seconds from now.
#[derive(Serialize, JsonSchema)]
pub struct Tokens {
    /// Send it with each request, as the header Authorization: Bearer ….
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    /// Good for one use: the answer to it has the next one.
    refresh_token: String,
    refresh_expires_in: u64,
}

/// Issues tokens and admits whoever holds one.
#[derive(Debug)]
pub struct TokenStrategy {
    authority: Authority,
    keys: SigningKeys,
    options: TokenOptions,
}

/// What an access token says. The tenant and the role are for whoever reads it: the server takes the one
/// from the family, and the other from the membership.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
    tenant: Uuid,
    role: Role,
    epoch: i64,
    sid: Uuid,
    jti: Uuid,
    iat: i64,
    nbf: i64,
    exp: i64,
}

impl TokenStrategy {
    pub(crate) fn new(authority: Authority, options: TokenOptions) -> Self {
        let keys = {
            let longest = options.access.max(MAX_LIFETIME);
            SigningKeys::new(authority.credentials().clone(), options.rotate, longest)
        };
        authority.store().on_commit(keys.listener());
        Self { authority, keys, options }
    }

    /// Begins a family for a principal that has just signed in or moved to another tenant.
    ///
    /// # Errors
    /// [`Error::NotSignedIn`] when something about them changed meanwhile.
    pub async fn issue(&self, principal: &Principal) -> Result<Tokens> {
        let (refresh_token, now) = (new_code(REFRESH_PREFIX), now());
        let credentials = self.authority.credentials();
        let end = now + milliseconds(self.options.refresh);
        let family = credentials.begin_family(principal, &hash_code(&refresh_token), now, end).await?;
        self.pair(principal, family, refresh_token, now).await
    }

    /// Gives a new pair for a refresh token, once.
    ///
    /// # Errors
    /// [`Error::InvalidToken`] when it admits nobody; a second use ends the whole family.
    /// [`Error::NotAllowed`] when it is good and its user has no place here.
    pub async fn refresh(&self, token: &Token, from: IpAddr) -> Result<Tokens> {
        let renewed = self.renew(token, from).await;
        let outcome = renewed.as_ref().map(drop).map_err(Error::code);
        self.authority.metrics().signed_in("refresh_token", outcome);
        renewed.inspect_err(|error| tracing::warn!(%from, %error, "refused a refresh token"))
    }

    /// Ends the family of a principal that an access token proved: none of its tokens is good any more.
    /// False, and nothing done, for any other principal.
    ///
    /// # Errors
    /// [`Error::Internal`] when the store fails.
    pub async fn sign_out(&self, principal: &Principal) -> Result<bool> {
        let Proof::AccessToken { family } = principal.proof() else { return Ok(false) };
        self.authority.credentials().sign_out_family(principal, *family, now()).await?;
        Ok(true)
    }

    /// The keys that sign access tokens.
    #[must_use]
    pub fn keys(&self) -> &SigningKeys {
        &self.keys
    }

    /// Who issues tokens, for whom, and for how long.
    #[must_use]
    pub fn options(&self) -> &TokenOptions {
        &self.options
    }

    async fn renew(&self, token: &Token, from: IpAddr) -> Result<Tokens> {
        let unknown = || {
            Error::InvalidToken("This refresh token is not valid: it is old or was never one. Sign in again.".into())
        };
        let (credentials, used_hash, now) = (self.authority.credentials(), hash_code(token.text()), now());
        let (family, used) = credentials.family_of(&used_hash).await?.ok_or_else(unknown)?;
        if !used {
            let principal = self.recognise(&family).await?;
            let (new, lifetime) = (new_code(REFRESH_PREFIX), milliseconds(self.options.refresh));
            let hashes = (used_hash.as_str(), &*hash_code(&new));
            let refreshed = credentials.refresh(&family, hashes, now, now + lifetime, now - lifetime).await?;
            if refreshed == Refreshed::Replaced {
                return self.pair(&principal, family.id, new, now).await;
            }
        }
        credentials.end_stolen_family(&family, &format!("from {from}"), now).await?;
        Err(Error::InvalidToken(
            "This refresh token was used before, so somebody else may have it: the sign-in is ended. Sign in again."
                .into(),
        ))
    }

    /// Whoever a family carries on the sign-in of.
    async fn recognise(&self, family: &Family) -> Result<Principal> {
        let Family { id, user, tenant, created_at, .. } = *family;
        let proof = Proof::AccessToken { family: id };
        let found = self.authority.recognise(user, tenant, proof.clone(), created_at, None).await?;
        if !matches!(found, Recognised::Good(_)) {
            self.authority.credentials().note_refused((user, tenant), &proof, found.why(), now()).await?;
        }
        found.admitted()
    }

    async fn pair(&self, principal: &Principal, family: Uuid, refresh_token: String, now: i64) -> Result<Tokens> {
        let (lives, seconds) = (self.options.access.as_secs(), now / 1000);
        let claims = Claims {
            iss: self.options.issuer.clone(),
            aud: self.options.audience.clone(),
            sub: principal.user().uuid(),
            tenant: principal.tenant().uuid(),
            role: principal.role(),
            epoch: principal.epoch(),
            sid: family,
            jti: Uuid::now_v7(),
            iat: seconds,
            nbf: seconds,
            exp: seconds.saturating_add_unsigned(lives),
        };
        Ok(Tokens {
            access_token: self.keys.sign(TYPE, &claims).await?,
            token_type: "Bearer",
            expires_in: lives,
            refresh_token,
            refresh_expires_in: self.options.refresh.as_secs(),
        })
    }

    /// What a token says, once it is sure that this server has signed it, for itself and for now.
    async fn verify(&self, token: &Token) -> Result<Claims> {
        let header = jsonwebtoken::decode_header(token.text()).map_err(|error| explain(&error))?;
        if header.alg != ALGORITHM {
            return Err(invalid("it is not signed as this server signs"));
        }
        if !header.typ.is_some_and(|typ| typ.eq_ignore_ascii_case(TYPE)) {
            return Err(invalid("it is no access token"));
        }
        let key = match header.kid {
            Some(id) => self.keys.verifying(&id).await?,
            None => None,
        };
        let key = key.ok_or_else(|| invalid("no key of this server has signed it, or one that is too old"))?;
        let mut validation = Validation::new(ALGORITHM);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.options.issuer]);
        validation.set_audience(&[&self.options.audience]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        let read = jsonwebtoken::decode::<Claims>(token.text(), &key, &validation);
        read.map(|read| read.claims).map_err(|error| explain(&error))
    }
}

impl BearerStrategy for TokenStrategy {
    fn name(&self) -> &'static str {
        "access_token"
    }

    fn claims(&self, token: &Token) -> bool {
        token.claimed_issuer().is_some_and(|issuer| issuer == self.options.issuer)
    }

    fn admit<'a>(&'a self, token: &'a Token, _: IpAddr) -> BoxFuture<'a, Result<Admitted>> {
        Box::pin(async move {
            let claims = self.verify(token).await?;
            let family = self.authority.credentials().family(claims.sid).await?;
            let family = family.filter(|family| family.user.uuid() == claims.sub);
            let family = family.ok_or_else(|| Recognised::Revoked.refusal())?;
            let expires_at = Some((claims.exp + LEEWAY as i64) * 1000);
            Ok(Admitted { principal: self.recognise(&family).await?, expires_at, rests_on: None })
        })
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(…)")
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

fn invalid(why: &str) -> Error {
    Error::InvalidToken(format!("This access token is not valid: {why}. Sign in again, or refresh it."))
}

fn explain(error: &jsonwebtoken::errors::Error) -> Error {
    invalid(why(error))
}

/// What is wrong with a token, in general: its holder may know, and nobody learns the token from it.
pub(super) fn why(error: &jsonwebtoken::errors::Error) -> &'static str {
    match error.kind() {
        ErrorKind::ExpiredSignature => "it has expired",
        ErrorKind::ImmatureSignature => "its time has not come yet",
        ErrorKind::InvalidAudience => "it is for another audience",
        ErrorKind::InvalidIssuer => "it is from another issuer",
        ErrorKind::InvalidSignature => "its signature is wrong",
        ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) => "a claim is missing or malformed",
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => "it is signed with another algorithm",
        _ => "it is malformed",
    }
}
