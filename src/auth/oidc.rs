//! Tokens of issuers that were configured (OpenID Connect): the company's own accounts as a way in.
//!
//! An issuer may name the tenants that it was configured for, and no other. Its users are known by
//! issuer and subject; what a token says of an email address is for people to read and proves nothing.

mod claims;
mod fetch;
mod keys;
mod options;

pub use options::OidcOptions;

use super::bearer::{Admitted, BearerStrategy, Token};
use super::token::why;
use crate::error::{Error, Result};
use crate::tenancy::{Authority, Proof, Recognised, Role, TenantId, UserId};
use crate::time::now;
use claims::Claims;
use futures_util::future::BoxFuture;
use jsonwebtoken::{Algorithm, Validation};
use keys::IssuerKeys;
use std::net::IpAddr;
use std::sync::Arc;

/// How far the issuer's clock and this one may be apart, in seconds.
const LEEWAY: u64 = 30;

/// Admits whom one issuer vouches for.
#[derive(Debug)]
pub(crate) struct OidcStrategy {
    authority: Authority,
    options: OidcOptions,
    algorithms: Vec<Algorithm>,
    issuer: Arc<str>,
    keys: IssuerKeys,
}

/// A strategy for each issuer. None of them may be this server itself, whose own tokens `own` issues.
///
/// # Errors
/// [`Error::Config`] for options that can't be used; names the issuer's table and the key.
pub(crate) fn strategies(
    authority: &Authority,
    issuers: &[OidcOptions],
    own: &str,
) -> Result<Vec<Arc<dyn BearerStrategy>>> {
    let mut known = vec![own];
    let mut strategies: Vec<Arc<dyn BearerStrategy>> = Vec::new();
    for options in issuers {
        if known.contains(&options.issuer.as_str()) {
            return Err(options.wrong("issuer", "is this server itself, or has a table of its own already"));
        }
        known.push(&options.issuer);
        strategies.push(Arc::new(OidcStrategy::new(authority.clone(), options.clone())?));
    }
    Ok(strategies)
}

impl OidcStrategy {
    fn new(authority: Authority, options: OidcOptions) -> Result<Self> {
        let algorithms = options.check()?;
        let keys = IssuerKeys::new(&options)?;
        Ok(Self { authority, issuer: options.issuer.as_str().into(), algorithms, keys, options })
    }

    /// What a token says, once it is sure that the issuer has signed it, for this server and for now.
    async fn verify(&self, token: &Token) -> Result<Claims> {
        let header = jsonwebtoken::decode_header(token.text()).map_err(|error| invalid(why(&error)))?;
        if !self.algorithms.contains(&header.alg) {
            return Err(invalid("it is signed with an algorithm that is not accepted from its issuer"));
        }
        // A token for something else, such as a logout, is none to sign in with.
        let typ = header.typ.as_deref().unwrap_or("JWT").to_ascii_lowercase();
        if !["jwt", "at+jwt", "application/at+jwt"].contains(&typ.as_str()) {
            return Err(invalid("it is no access token"));
        }
        if header.crit.is_some() {
            return Err(invalid("its header asks for what is not supported"));
        }
        let key = self.keys.find(header.kid.as_deref(), header.alg).await?;
        let mut validation = Validation::new(header.alg);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.options.issuer]);
        validation.set_audience(&[&self.options.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let read = jsonwebtoken::decode::<Claims>(token.text(), &key, &validation);
        let claims = read.map_err(|error| invalid(why(&error)))?.claims;
        claims.check_times(now() / 1000, LEEWAY).map_err(invalid)?;
        Ok(claims)
    }

    /// The tenant that a token names, if its issuer may.
    async fn tenant(&self, claims: &Claims) -> Result<TenantId> {
        let named = match (&self.options.tenant_claim, &self.options.tenants[..]) {
            (Some(claim), _) => claims.text(claim).filter(|named| self.options.serves(named)),
            (None, [only]) => Some(only.as_str()),
            (None, _) => None,
        };
        let tenant = match named {
            Some(id) => self.authority.credentials().tenant(id).await?,
            None => None,
        };
        tenant
            .ok_or_else(|| Error::NotAllowed("This token names no tenant that its issuer may let anybody into.".into()))
    }

    /// The role that the token gives at the most; none when tokens say nothing about roles.
    fn role(&self, claims: &Claims) -> Result<Option<Role>> {
        let Some(claim) = &self.options.role_claim else { return Ok(None) };
        let granted = claims.words(claim).into_iter().filter_map(|word| self.options.roles.get(word)).max();
        match granted.copied().or(self.options.default_role) {
            Some(role) => Ok(Some(role)),
            None => Err(Error::NotAllowed("This token gives no role here. Ask whoever looks after its issuer.".into())),
        }
    }

    /// Who the subject is here; a new user when the issuer may make some.
    async fn user(&self, claims: &Claims, subject: &str, now: i64) -> Result<Option<UserId>> {
        let credentials = self.authority.credentials();
        let known = credentials.external_user(&self.issuer, subject).await?;
        if known.is_some() || !self.options.provision {
            return Ok(known);
        }
        let shown = claims.email(&self.options.email_claim).unwrap_or(subject);
        credentials.provision_user(&self.issuer, subject, shown, now).await.map(Some)
    }

    async fn judge(&self, token: &Token) -> Result<Admitted> {
        let claims = self.verify(token).await?;
        let subject = claims.subject().ok_or_else(|| invalid("it names no subject"))?;
        let (tenant, credentials, now) = (self.tenant(&claims).await?, self.authority.credentials(), now());
        let expires_at = claims.expires_at(LEEWAY);
        let role = match self.role(&claims) {
            Ok(role) => role,
            Err(refused) => {
                credentials.note_stranger(tenant, &self.issuer, subject, "its token gives no role", now).await?;
                return Err(refused);
            }
        };
        let Some(user) = self.user(&claims, subject, now).await? else {
            credentials.note_stranger(tenant, &self.issuer, subject, "unknown here", now).await?;
            return Err(Error::NotAllowed("Nobody here is known by this token. Ask whoever runs this server.".into()));
        };
        let proof = Proof::External { issuer: Arc::clone(&self.issuer), role };
        let recognise = || self.authority.recognise(user, tenant, proof.clone(), now, Some(expires_at));
        let mut found = recognise().await?;
        if let (Recognised::NotAMember, true, Some(role)) =
            (&found, self.options.provision, role.or(self.options.default_role))
        {
            credentials.provision_member(user, tenant, role, &self.issuer, now).await?;
            found = recognise().await?;
        }
        if !matches!(found, Recognised::Good(_)) {
            credentials.note_refused((user, tenant), &proof, found.why(), now).await?;
        }
        Ok(Admitted { principal: found.admitted()?, expires_at: Some(expires_at) })
    }
}

impl BearerStrategy for OidcStrategy {
    fn claims(&self, token: &Token) -> bool {
        token.claimed_issuer().is_some_and(|issuer| issuer == *self.issuer)
    }

    fn admit<'a>(&'a self, token: &'a Token, _: IpAddr) -> BoxFuture<'a, Result<Admitted>> {
        Box::pin(self.judge(token))
    }
}

fn invalid(why: &str) -> Error {
    Error::InvalidToken(format!("This token is not valid: {why}. Get a new one from its issuer."))
}
