//! Tokens of issuers that were configured (OpenID Connect): the company's own accounts as a way in.
//!
//! An issuer may name the tenants that it was configured for, and no other. Its users are known by
//! issuer and subject; what a token says of an email address is for people to read and proves nothing.

mod claims;
mod fetch;
mod keys;
mod options;
mod refusals;

pub use options::OidcOptions;

use super::bearer::{Admitted, BearerStrategy, Token};
use super::token::why;
use crate::error::{Error, Result};
use crate::tenancy::{Authority, Proof, Recognised, Role, TenantId, UserId};
use crate::time::now;
use claims::Claims;
use futures_util::future::BoxFuture;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation};
use keys::{IssuerKeys, Key};
use refusals::Refusals;
use std::any::Any;
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
    refusals: Refusals,
}

/// Why nobody is admitted by a token.
#[derive(Debug)]
enum Unfit {
    /// It cannot be said now.
    Unknown(Error),
    /// What it says need not be what its issuer has said.
    Unsigned(&'static str),
    /// Its issuer has said so, but not for this server, or not for now.
    Signed(&'static str),
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
        Ok(Self {
            authority,
            issuer: options.issuer.as_str().into(),
            algorithms,
            keys,
            refusals: Refusals::default(),
            options,
        })
    }

    /// What a token says, once it is sure that the issuer has signed it, for this server and for now; and
    /// the key that shows it.
    async fn verify(&self, token: &Token) -> Result<(Claims, Arc<Key>), Unfit> {
        let header = self.header(token)?;
        let key = self.keys.find(header.kid.as_deref(), header.alg).await?;
        let mut validation = Validation::new(header.alg);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.options.issuer]);
        validation.set_audience(&[&self.options.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let claims = jsonwebtoken::decode::<Claims>(token.text(), &key.decoding, &validation)?.claims;
        claims.check_times(now() / 1000, LEEWAY).map_err(Unfit::Signed)?;
        match claims.subject() {
            Some(_) => Ok((claims, key)),
            None => Err(Unfit::Signed("it names no subject")),
        }
    }

    /// A token's header, if it asks for nothing that is not done here.
    fn header(&self, token: &Token) -> Result<Header, Unfit> {
        let header = jsonwebtoken::decode_header(token.text())?;
        if !self.algorithms.contains(&header.alg) {
            return Err(Unfit::Unsigned("it is signed with an algorithm that is not accepted from its issuer"));
        }
        // A token for something else, such as a logout, is none to sign in with.
        let typ = header.typ.as_deref().unwrap_or("JWT").to_ascii_lowercase();
        if !["jwt", "at+jwt", "application/at+jwt"].contains(&typ.as_str()) {
            return Err(Unfit::Unsigned("it is no access token"));
        }
        if header.crit.is_some() {
            return Err(Unfit::Unsigned("its header asks for what is not supported"));
        }
        Ok(header)
    }

    /// Whether a known key of the issuer has signed a token, whatever that says.
    fn has_signed(&self, token: &Token) -> bool {
        let Ok(header) = self.header(token) else { return false };
        let Some(key) = header.kid.and_then(|id| self.keys.known(&id, header.alg)) else { return false };
        let mut signature_alone = Validation::new(header.alg);
        signature_alone.validate_exp = false;
        signature_alone.validate_aud = false;
        signature_alone.required_spec_claims.clear();
        jsonwebtoken::decode::<Claims>(token.text(), &key.decoding, &signature_alone).is_ok()
    }

    /// Tells the tenant that a token names why it was refused. Of what the issuer has not signed, only a
    /// tenant hears that the configuration gives to this issuer by its id.
    async fn note(&self, claims: &Claims, signed: bool, why: &'static str, from: IpAddr) -> Result<()> {
        let (credentials, now) = (self.authority.credentials(), now());
        let named = self.named_tenant(claims).filter(|_| signed || !self.options.serves_all());
        let Some(named) = named.filter(|named| self.refusals.due(named, why, now)) else { return Ok(()) };
        let Some(tenant) = credentials.tenant(named).await? else { return Ok(()) };
        let whose = match claims.subject().filter(|_| signed) {
            Some(subject) => format!("a token of {} for {subject}", self.issuer),
            None if signed => format!("a token of {}", self.issuer),
            None => format!("a token in the name of {}", self.issuer),
        };
        credentials.note_stranger(tenant, &format!("{whose}, from {from}: {why}"), now).await
    }

    /// What a token calls its tenant, if its issuer may let people into that one.
    fn named_tenant<'a>(&'a self, claims: &'a Claims) -> Option<&'a str> {
        match (&self.options.tenant_claim, &self.options.tenants[..]) {
            (Some(claim), _) => claims.text(claim).filter(|named| self.options.serves(named)),
            (None, [only]) => Some(only.as_str()),
            (None, _) => None,
        }
    }

    /// The tenant that a token names, if its issuer may.
    async fn tenant(&self, claims: &Claims) -> Result<TenantId> {
        let tenant = match self.named_tenant(claims) {
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

    async fn judge(&self, token: &Token, from: IpAddr) -> Result<Admitted> {
        let (claims, key) = match self.verify(token).await {
            Ok(good) => good,
            Err(Unfit::Unknown(error)) => return Err(error),
            Err(unfit @ (Unfit::Unsigned(why) | Unfit::Signed(why))) => {
                if let Some(claims) = token.payload() {
                    self.note(&claims, matches!(unfit, Unfit::Signed(_)), why, from).await?;
                }
                return Err(invalid(why));
            }
        };
        let subject = claims.subject().ok_or_else(|| invalid("it names no subject"))?;
        let (tenant, credentials, now) = (self.tenant(&claims).await?, self.authority.credentials(), now());
        let expires_at = claims.expires_at(LEEWAY);
        let role = match self.role(&claims) {
            Ok(role) => role,
            Err(refused) => {
                self.note(&claims, true, "it gives no role", from).await?;
                return Err(refused);
            }
        };
        let Some(user) = self.user(&claims, subject, now).await? else {
            self.note(&claims, true, "nobody here is known by it", from).await?;
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
        let key: Arc<dyn Any + Send + Sync> = key;
        let rests_on = Some(Arc::downgrade(&key));
        Ok(Admitted { principal: found.admitted()?, expires_at: Some(expires_at), rests_on })
    }
}

impl BearerStrategy for OidcStrategy {
    fn name(&self) -> &'static str {
        "oidc"
    }

    fn vouches(&self, issuer: &str, tenant: TenantId) -> bool {
        *self.issuer == *issuer && self.options.serves(&tenant.to_string())
    }

    fn claims(&self, token: &Token) -> bool {
        token.claimed_issuer().is_some_and(|issuer| issuer == *self.issuer)
    }

    fn disowns(&self, token: &Token) -> bool {
        self.has_signed(token)
    }

    fn admit<'a>(&'a self, token: &'a Token, from: IpAddr) -> BoxFuture<'a, Result<Admitted>> {
        Box::pin(self.judge(token, from))
    }
}

impl From<jsonwebtoken::errors::Error> for Unfit {
    /// What a token says is looked at once its signature is known to be good.
    fn from(error: jsonwebtoken::errors::Error) -> Self {
        match error.kind() {
            ErrorKind::ExpiredSignature
            | ErrorKind::ImmatureSignature
            | ErrorKind::InvalidAudience
            | ErrorKind::InvalidIssuer
            | ErrorKind::MissingRequiredClaim(_)
            | ErrorKind::InvalidClaimFormat(_) => Self::Signed(why(&error)),
            _ => Self::Unsigned(why(&error)),
        }
    }
}

fn invalid(why: &str) -> Error {
    Error::InvalidToken(format!("This token is not valid: {why}. Get a new one from its issuer."))
}
