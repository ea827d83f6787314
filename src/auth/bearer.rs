//! Bearer tokens: what any strategy that judges one has in common, and the one door to all of them.
//!
//! This knows no kind of token. It finds the strategy whose token it is, and remembers for a while whom
//! it admitted, so that most requests cost no I/O and no signature check.

use super::recent::{Digest, Recent};
use super::token::REFRESH_PREFIX;
use crate::error::{Error, Result};
use crate::tenancy::{Authority, Principal, Proof, Recognised, TenantId};
use crate::time::now;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::Digest as _;
use std::any::Any;
use std::fmt::Debug;
use std::net::IpAddr;
use std::sync::{Arc, Weak};
use zeroize::Zeroizing;

/// Tokens that are remembered.
const REMEMBERED: usize = 10_000;
/// The longest token that is looked at, in bytes.
const MAX_LENGTH: usize = 16 * 1024;
/// How often a token's use is told to its strategy at the most, in milliseconds.
const NOTED_EVERY: i64 = 60_000;

/// A token as it came: it is never printed, and wiped when dropped.
pub struct Token(Zeroizing<String>);

/// Judges tokens of one kind.
pub(crate) trait BearerStrategy: Send + Sync + Debug {
    /// Its name, where proofs are counted.
    fn name(&self) -> &'static str;

    /// Whether a token is this strategy's to judge, by its shape alone: a prefix, or a JWT of an issuer
    /// that it knows.
    fn claims(&self, token: &Token) -> bool;

    /// Whether a token that no strategy claims was made with what this one trusts, so that it is the one to
    /// refuse it. Must not wait.
    fn disowns(&self, _: &Token) -> bool {
        false
    }

    /// Whether it still admits to a tenant whom it admitted there by a token of this issuer.
    fn vouches(&self, _issuer: &str, _tenant: TenantId) -> bool {
        false
    }

    /// Whom the token admits, or why nobody: [`Error::InvalidToken`] or [`Error::NotAllowed`]. `from` is for
    /// the audit log.
    fn admit<'a>(&'a self, token: &'a Token, from: IpAddr) -> BoxFuture<'a, Result<Admitted>>;

    /// Notes that the token of a principal is in use; told at most once a minute for each token. Must not
    /// wait.
    fn used(&self, _: &Principal, _: i64) {}
}

/// Whom a token admitted.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// Who.
    pub principal: Principal,
    /// When the token itself ends, in milliseconds since 1970, which may be before the principal does.
    pub expires_at: Option<i64>,
    /// What showed that the token is good, such as a key. Once that is dropped, the token has to be judged anew.
    pub rests_on: Option<Weak<dyn Any + Send + Sync>>,
}

/// All strategies that judge tokens, behind one door.
#[derive(Debug)]
pub struct Bearers {
    authority: Authority,
    strategies: Vec<Arc<dyn BearerStrategy>>,
    /// None once nobody is to be admitted any more.
    admitted: Mutex<Option<Recent<Entry>>>,
}

#[derive(Debug, Clone)]
struct Entry {
    admitted: Admitted,
    strategy: Arc<dyn BearerStrategy>,
    noted_at: i64,
}

impl Bearers {
    pub(crate) fn new(authority: Authority, strategies: Vec<Arc<dyn BearerStrategy>>) -> Self {
        Self { authority, strategies, admitted: Mutex::new(Some(Recent::new(REMEMBERED))) }
    }

    /// Whom a token admits.
    ///
    /// # Errors
    /// [`Error::InvalidToken`] when it admits nobody, [`Error::NotAllowed`] when it is good and its user
    /// has no place here.
    pub async fn admit(&self, token: &Token, from: IpAddr) -> Result<Principal> {
        self.judge(token, from).await.inspect_err(|error| tracing::warn!(%from, %error, "refused a token"))
    }

    /// Forgets whom it admitted, and remembers nobody from now on.
    pub(crate) fn close(&self) {
        *self.admitted.lock() = None;
    }

    async fn judge(&self, token: &Token, from: IpAddr) -> Result<Principal> {
        let (digest, now) = (token.digest(), now());
        let known = self.admitted.lock().as_ref().and_then(|recent| recent.get(&digest).cloned());
        let known = known.filter(|entry| entry.admitted.stands(now));
        let entry = match known {
            Some(entry) if entry.admitted.principal.is_current() => {
                if now < entry.noted_at + NOTED_EVERY {
                    return Ok(entry.admitted.principal);
                }
                entry
            }
            Some(mut entry) => match self.authority.review(&entry.admitted.principal).await? {
                Recognised::Good(principal) => {
                    entry.admitted.principal = principal;
                    entry
                }
                fallen => {
                    self.remember(|recent| recent.remove(&digest));
                    // What was given to a member is gone with the membership, and is not found the next time.
                    let given_here = !matches!(entry.admitted.principal.proof(), Proof::External { .. });
                    let gone = given_here && matches!(fallen, Recognised::NotAMember);
                    let fallen = if gone { Recognised::Revoked } else { fallen };
                    let refusal = fallen.refusal();
                    self.authority.metrics().signed_in(entry.strategy.name(), Err(refusal.code()));
                    self.note_refused(&entry.admitted.principal, &fallen, now).await?;
                    return Err(refusal);
                }
            },
            None => {
                let strategy = self.strategies.iter().find(|strategy| strategy.claims(token));
                let strategy = strategy.or_else(|| self.strategies.iter().find(|strategy| strategy.disowns(token)));
                let Some(strategy) = strategy.map(Arc::clone) else {
                    let refusal = unknown(token);
                    self.authority.metrics().signed_in("unknown", Err(refusal.code()));
                    return Err(refusal);
                };
                let admitted = strategy.admit(token, from).await;
                let outcome = admitted.as_ref().map(drop).map_err(Error::code);
                self.authority.metrics().signed_in(strategy.name(), outcome);
                let admitted = admitted?;
                Entry { admitted, strategy, noted_at: i64::MIN }
            }
        };
        let principal = entry.admitted.principal.clone();
        let noted_at = if now < entry.noted_at.saturating_add(NOTED_EVERY) {
            entry.noted_at
        } else {
            entry.strategy.used(&principal, now);
            now
        };
        self.remember(|recent| recent.put(digest, Entry { noted_at, ..entry }));
        Ok(principal)
    }

    fn remember(&self, change: impl FnOnce(&mut Recent<Entry>)) {
        if let Some(recent) = self.admitted.lock().as_mut() {
            change(recent);
        }
    }

    async fn note_refused(&self, principal: &Principal, fallen: &Recognised, now: i64) -> Result<()> {
        let who = (principal.user(), principal.tenant());
        self.authority.credentials().note_refused(who, principal.proof(), fallen.why(), now).await
    }
}

impl Admitted {
    fn stands(&self, now: i64) -> bool {
        let gone = self.rests_on.as_ref().is_some_and(|basis| basis.strong_count() == 0);
        !gone && self.expires_at.is_none_or(|end| now < end)
    }
}

impl Token {
    /// A token as it was presented.
    ///
    /// # Errors
    /// [`Error::InvalidToken`] for what can be no token, by its length or its characters.
    pub fn new(text: &str) -> Result<Self> {
        let is_plain = || text.bytes().fold(true, |plain, byte| plain & byte.is_ascii_graphic());
        if text.is_empty() || text.len() > MAX_LENGTH || !is_plain() {
            return Err(Error::InvalidToken(
                "This can be no token: it is empty, too long, or has other characters than a token may have.".into(),
            ));
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// The token itself: for whoever judges it.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// The issuer that a JWT names. Nothing has been checked about it yet.
    pub(crate) fn claimed_issuer(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Claims {
            iss: String,
        }
        self.payload::<Claims>().map(|claims| claims.iss)
    }

    /// What a JWT says. Nothing has been checked about it yet.
    pub(super) fn payload<C: DeserializeOwned>(&self) -> Option<C> {
        let mut parts = self.0.split('.');
        let payload = parts.nth(1).filter(|_| parts.next().is_some() && parts.next().is_none())?;
        let json = URL_SAFE_NO_PAD.decode(payload).ok()?;
        serde_json::from_slice(&json).ok()
    }

    fn digest(&self) -> Digest {
        sha2::Sha256::digest(self.0.as_bytes()).into()
    }
}

impl Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Recognised {
    /// The principal, if all is as it should be.
    ///
    /// # Errors
    /// [`Error::InvalidToken`] or [`Error::NotAllowed`], which says why not.
    pub(crate) fn admitted(self) -> Result<Principal> {
        match self {
            Self::Good(principal) => Ok(principal),
            fallen => Err(fallen.refusal()),
        }
    }

    /// Why nobody was admitted, in a few words.
    pub(crate) fn why(&self) -> &'static str {
        match self {
            Self::Good(_) => "good",
            Self::PasswordChanged => "the password was changed since",
            Self::NotAMember => "not a member of the tenant",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Disabled => "the account is disabled",
            Self::Suspended => "the tenant is suspended",
        }
    }

    /// What somebody is told who was not admitted.
    pub(super) fn refusal(&self) -> Error {
        let invalid = |text: &str| Error::InvalidToken(text.into());
        let not_allowed = |text: &str| Error::NotAllowed(text.into());
        match self {
            Self::Good(_) => Error::Internal("a good token was refused".into()),
            Self::PasswordChanged => invalid("The password was changed since this token was issued. Sign in again."),
            Self::Revoked => invalid("This token was revoked or signed out. Sign in again, or use another key."),
            Self::Expired => invalid("This token has expired. Get a new one."),
            Self::NotAMember => not_allowed("You are not a member of this token's tenant."),
            Self::Disabled => not_allowed("This account is disabled. Ask whoever runs this server."),
            Self::Suspended => not_allowed("This tenant is suspended. Ask whoever runs this server."),
        }
    }
}

fn unknown(token: &Token) -> Error {
    if token.text().starts_with(REFRESH_PREFIX) {
        return Error::InvalidToken(
            "This is a refresh token. Give it to POST /auth/refresh, and send the access token that comes of it."
                .into(),
        );
    }
    Error::InvalidToken("This is neither an API key nor a token of an issuer that this server knows. auth_sign_in and POST /auth/sign-in give access tokens, auth_create_api_key gives API keys.".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_printed() {
        let token = Token::new("sessile_key_0123").expect("it may be one");
        assert!(!format!("{token:?}").contains("0123"));
        for text in ["", "a b", "a\u{e9}", "a\n", &"a".repeat(MAX_LENGTH + 1)] {
            assert!(Token::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_issuer_is_read_from_what_looks_like_a_jwt() {
        let payload = URL_SAFE_NO_PAD.encode(r#"{"iss":"https://a.example","x":1}"#);
        for (text, issuer) in [
            (format!("e30.{payload}.c2ln"), Some("https://a.example")),
            (format!("e30.{payload}."), Some("https://a.example")),
            (format!("e30.{payload}"), None),
            (format!("e30.{payload}.a.b"), None),
            ("e30.e30.c2ln".into(), None),
            ("sessile_key_00".into(), None),
        ] {
            let token = Token::new(&text).expect("it may be one");
            assert_eq!(token.claimed_issuer().as_deref(), issuer, "{text}");
        }
    }
}
