//! Resume credentials: what a client signs in with again after its connection was lost, once.
//!
//! A credential names its row and holds a secret, of which a hash is stored. Each use replaces the secret. The one
//! before stays good until its successor has arrived, for a connection may break in between; whoever comes with any
//! other is a thief, or was robbed, and ends it.

use super::bearer::BearerStrategy;
use super::secret::hash_code;
use crate::error::Result;
use crate::tenancy::{Authority, Principal, Proof, Recognised, Resumable, SessionId, TenantId, UserId};
use crate::time::now;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;
use zeroize::Zeroizing;

/// What every resume credential starts with, so that people and secret scanners know one.
const PREFIX: &str = "ssr_";
/// How long a credential may be on its way.
const ON_ITS_WAY: Duration = Duration::from_secs(120);
/// How many of those are remembered.
const REMEMBERED: usize = 10_000;
/// 16 bytes in base64 without padding.
const ID_LENGTH: usize = 22;
/// 32 bytes in the same.
const SECRET_LENGTH: usize = 43;

/// Issues resume credentials and says whom one signs in.
#[derive(Debug)]
pub struct ResumeStrategy {
    authority: Authority,
    /// Who says whether an issuer's word still counts.
    judges: Vec<Arc<dyn BearerStrategy>>,
    /// What was replaced just now, by its hash. It may be on its way still, on a connection that its client has given
    /// up for another one: that is no theft, and resumes nothing.
    replaced: Mutex<VecDeque<(Instant, String)>>,
}

/// A resume credential that is good now.
#[derive(Clone)]
pub struct Issued {
    id: Uuid,
    hash: String,
    text: Arc<Zeroizing<String>>,
    /// The hash of the one before it, which is good as well until this one has arrived.
    previous: Option<String>,
    expires_at: i64,
    /// When it is time for another one; never, if that could not have more time.
    old_at: i64,
    user: UserId,
    tenant: TenantId,
    proof: Proof,
    epoch: i64,
    since: i64,
}

/// What a presented credential was worth.
#[derive(Debug)]
pub enum Presented {
    /// It signs somebody in, and has been replaced.
    Good(Principal, Box<Issued>),
    /// It signs in nobody.
    Bad,
    /// It was not, or not any more, the one with its id, which is void from now on.
    Reused(Uuid),
}

impl ResumeStrategy {
    pub(crate) fn new(authority: Authority, judges: Vec<Arc<dyn BearerStrategy>>) -> Self {
        Self { authority, judges, replaced: Mutex::default() }
    }

    /// A credential for who is signed in to a session, in place of the one that was issued for it before. None when
    /// something about them changed meanwhile.
    ///
    /// # Errors
    /// [`Error::Internal`](crate::error::Error::Internal) when the store fails.
    pub async fn issue(
        &self,
        principal: &Principal,
        session: SessionId,
        before: Option<&Issued>,
        lives: Duration,
    ) -> Result<Option<Issued>> {
        // Of another user, or from before a change of password, it is good for nothing from now on.
        let same = before.filter(|before| before.user == principal.user() && before.epoch == principal.epoch());
        let mut issued = Issued::new(principal, same.map_or_else(new_id, |same| same.id), lives);
        issued.previous = same.map(|same| same.hash.clone());
        let credentials = self.authority.credentials();
        if let Some(before) = before.filter(|before| before.id != issued.id) {
            credentials.end_resumable(before.id).await?;
        }
        let hashes = (issued.hash.as_str(), same.map(|same| &same.hash));
        let kept =
            credentials.keep_resumable(principal, (issued.id, session), hashes, now(), issued.expires_at).await?;
        Ok(kept.then_some(issued))
    }

    /// Whom a credential signs in, for a client that comes from here and may have shown already who it is.
    ///
    /// # Errors
    /// [`Error::Internal`](crate::error::Error::Internal) when the store fails; nothing has been decided then.
    pub async fn present(
        &self,
        text: &str,
        from: IpAddr,
        shown: Option<&Principal>,
        lives: Duration,
    ) -> Result<Presented> {
        let presented = self.judge(text, from, shown, lives).await?;
        let outcome = if matches!(presented, Presented::Good(..)) { Ok(()) } else { Err("invalid_token") };
        self.authority.metrics().signed_in("resume", outcome);
        Ok(presented)
    }

    async fn judge(&self, text: &str, from: IpAddr, shown: Option<&Principal>, lives: Duration) -> Result<Presented> {
        let credentials = self.authority.credentials();
        let (id, hash) = match parse(text) {
            Some(id) => (id, hash_code(text)),
            None => return Ok(refused(from, "it is malformed")),
        };
        // Another use may come in between; it is then looked at once more.
        loop {
            let Some(found) = credentials.resumable(id).await? else { return Ok(refused(from, "it is unknown")) };
            if found.secret_hash != hash && found.previous_hash.as_ref() != Some(&hash) {
                if self.was_replaced_just_now(&hash) {
                    self.note_refused(&found, "it was replaced just now").await?;
                    return Ok(refused(from, "it was replaced just now"));
                }
                let detail = format!("session {}, from {from}", found.session);
                credentials.end_reused(&found, &detail, now()).await?;
                refused(from, "it was used before, or never was one: its session is ended");
                return Ok(Presented::Reused(id));
            }
            if shown.is_some_and(|shown| (shown.user(), shown.tenant()) != (found.user, found.tenant)) {
                self.note_refused(&found, "it is not of whom the connection's token is").await?;
                return Ok(refused(from, "it is not of whom the connection's token is"));
            }
            let recognised = match &found.proof {
                _ if found.expires_at <= now() => Recognised::Expired,
                Proof::External { issuer, .. }
                    if !self.judges.iter().any(|judge| judge.vouches(issuer, found.tenant)) =>
                {
                    Recognised::Revoked
                }
                _ => self.authority.recognise_again(&found).await?,
            };
            let Recognised::Good(principal) = recognised else {
                credentials.end_resumable(id).await?;
                self.note_refused(&found, recognised.why()).await?;
                return Ok(refused(from, recognised.why()));
            };
            let mut issued = Issued::new(&principal, id, lives);
            issued.previous = Some(hash.clone());
            let (hashes, detail) =
                ((hash.as_str(), issued.hash.as_str()), format!("session {}, from {from}", found.session));
            if credentials.rotate_resumable(&found, hashes, &detail, now(), issued.expires_at).await? {
                return Ok(Presented::Good(principal, Box::new(issued)));
            }
        }
    }

    /// Has a credential that was just presented go on with this session. False when it is good no more.
    ///
    /// # Errors
    /// [`Error::Internal`](crate::error::Error::Internal) when the store fails.
    pub async fn go_on_with(&self, issued: &Issued, session: SessionId) -> Result<bool> {
        self.authority.credentials().move_resumable(issued.id, &issued.hash, session).await
    }

    /// Voids what came before a credential, which has arrived.
    ///
    /// # Errors
    /// [`Error::Internal`](crate::error::Error::Internal) when the store fails.
    pub async fn confirm(&self, issued: &Issued) -> Result<()> {
        if let Some(previous) = &issued.previous {
            let mut replaced = self.replaced.lock();
            if replaced.len() >= REMEMBERED {
                replaced.pop_front();
            }
            replaced.push_back((Instant::now(), previous.clone()));
        }
        self.authority.credentials().confirm_resumable(issued.id, &issued.hash).await
    }

    fn was_replaced_just_now(&self, hash: &str) -> bool {
        let mut replaced = self.replaced.lock();
        while replaced.front().is_some_and(|(at, _)| at.elapsed() > ON_ITS_WAY) {
            replaced.pop_front();
        }
        replaced.iter().any(|(_, one)| one == hash)
    }

    /// Voids a credential.
    ///
    /// # Errors
    /// [`Error::Internal`](crate::error::Error::Internal) when the store fails.
    pub async fn end(&self, issued: &Issued) -> Result<()> {
        self.authority.credentials().end_resumable(issued.id).await
    }

    async fn note_refused(&self, found: &Resumable, why: &str) -> Result<()> {
        let (who, why) = ((found.user, found.tenant), format!("{why} (to resume a session)"));
        self.authority.credentials().note_refused(who, &found.proof, &why, now()).await
    }
}

impl Issued {
    fn new(principal: &Principal, id: Uuid, lives: Duration) -> Self {
        let mut random = Zeroizing::new([0u8; 32]);
        fill(&mut *random);
        let (id_text, secret) =
            (URL_SAFE_NO_PAD.encode(id.as_bytes()), Zeroizing::new(URL_SAFE_NO_PAD.encode(random.as_slice())));
        let text = Zeroizing::new([PREFIX, &id_text, "_", &secret].concat());
        let now = now();
        let end = now.saturating_add(i64::try_from(lives.as_millis()).unwrap_or(i64::MAX / 4));
        Self {
            id,
            hash: hash_code(&text),
            text: Arc::new(text),
            previous: None,
            expires_at: principal.until().map_or(end, |until| end.min(until)),
            old_at: if principal.until().is_none_or(|until| end < until) { end - (end - now) / 2 } else { i64::MAX },
            user: principal.user(),
            tenant: principal.tenant(),
            proof: principal.proof().clone(),
            epoch: principal.epoch(),
            since: principal.since(),
        }
    }

    /// The part of it that names it, and proves nothing.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// The credential itself: for its client.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// When it ends, in milliseconds since 1970.
    #[must_use]
    pub fn expires_at(&self) -> i64 {
        self.expires_at
    }

    /// Whether one before it is good as well until this one has arrived.
    #[must_use]
    pub fn is_unconfirmed(&self) -> bool {
        self.previous.is_some()
    }

    /// Notes that it has arrived.
    pub fn arrived(&mut self) {
        self.previous = None;
    }

    /// Whether half of its time is over, and a new one could have more.
    #[must_use]
    pub fn is_old(&self) -> bool {
        self.old_at <= now()
    }

    /// Whether it signs in who is signed in there.
    #[must_use]
    pub fn is_for(&self, principal: &Principal) -> bool {
        self.user == principal.user()
            && self.tenant == principal.tenant()
            && self.epoch == principal.epoch()
            && self.since == principal.since()
            && self.proof == *principal.proof()
    }

    /// Whether it is this very one.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.hash == other.hash
    }

    /// Whether it is of this user.
    #[must_use]
    pub fn is_of(&self, principal: &Principal) -> bool {
        self.user == principal.user()
    }
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Issued(…)")
    }
}

fn refused(from: IpAddr, why: &str) -> Presented {
    tracing::warn!(%from, why, "refused to resume a session");
    Presented::Bad
}

/// The id in what has the shape of a credential.
fn parse(text: &str) -> Option<Uuid> {
    let (id, secret) = (text.strip_prefix(PREFIX)?.get(..ID_LENGTH)?, text.get(PREFIX.len() + ID_LENGTH..)?);
    let secret = secret.strip_prefix('_').filter(|secret| secret.len() == SECRET_LENGTH)?;
    URL_SAFE_NO_PAD.decode(secret).ok()?;
    Uuid::from_slice(&URL_SAFE_NO_PAD.decode(id).ok()?).ok()
}

fn new_id() -> Uuid {
    let mut random = [0u8; 16];
    fill(&mut random);
    Uuid::from_bytes(random)
}

fn fill(random: &mut [u8]) {
    getrandom::fill(random).expect("the operating system provides random numbers");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_the_shape_of_a_credential_is_looked_up() {
        let good = format!("{PREFIX}{}_{}", "A".repeat(ID_LENGTH), "B".repeat(SECRET_LENGTH - 1) + "A");
        assert_eq!(parse(&good), Some(Uuid::nil()));
        let cut = &good[..good.len() - 1];
        for bad in [
            "",
            "ssr_",
            cut,
            &format!("{good}A"),
            &good.replace("ssr_", "ssR_"),
            &good.replace('A', "é"),
            &good.replace('B', "!"),
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
