//! Email and password, checked with argon2id on a bounded pool.

mod reset;

use super::secret::{Secret, hash_code};
use super::throttle::{Throttle, ThrottleOptions};
use crate::error::{Error, Result};
use crate::tenancy::{Account, Authority, Principal, email_key};
use crate::time::now;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;

/// The cost of a password hash, and how many are computed at once.
#[derive(Debug, Clone, Copy)]
pub struct PasswordOptions {
    /// Memory of one hash, in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
    /// Hashes computed at once.
    pub workers: usize,
    /// Hashes that may wait for a worker; a further one is refused.
    pub queue: usize,
}

/// Sign-up, sign-in and change of password.
#[derive(Clone)]
pub struct PasswordStrategy {
    inner: Arc<Inner>,
}

struct Inner {
    authority: Authority,
    argon2: Argon2<'static>,
    throttle: Throttle,
    workers: Arc<Semaphore>,
    waiting: AtomicUsize,
    queue: usize,
    /// The hash of no password: checking it makes an unknown address cost what a known one does.
    nobody: String,
}

impl std::fmt::Debug for PasswordStrategy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordStrategy")
    }
}

impl PasswordStrategy {
    /// A strategy over the authority's users.
    ///
    /// # Errors
    /// [`Error::Config`] when argon2 can't work with these parameters.
    pub fn new(authority: Authority, password: PasswordOptions, throttle: ThrottleOptions) -> Result<Self> {
        let wrong =
            |e: &dyn std::fmt::Display| Error::Config(format!("password: argon2 cannot use these parameters: {e}"));
        let params =
            Params::new(password.memory_kib, password.iterations, password.parallelism, None).map_err(|e| wrong(&e))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = argon2.hash_password(b"").map_err(|e| wrong(&e))?.to_string();
        let inner = Inner {
            authority,
            argon2,
            throttle: Throttle::new(throttle),
            workers: Arc::new(Semaphore::new(password.workers.max(1))),
            waiting: AtomicUsize::new(0),
            queue: password.queue,
            nobody,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Creates a user and a tenant of theirs, and signs them in.
    pub(crate) async fn sign_up(
        &self,
        email: &str,
        password: Secret,
        tenant_name: &str,
        from: IpAddr,
    ) -> Result<Principal> {
        let signed_up = self.make(email, password, tenant_name, from).await;
        self.counted("sign_up", signed_up)
    }

    async fn make(&self, email: &str, password: Secret, tenant_name: &str, from: IpAddr) -> Result<Principal> {
        let inner = &self.inner;
        // Sign-ups tell whether an address has an account; guessing is slowed down like sign-in.
        let key = email_key(email);
        let hash = self.hash(password, || inner.throttle.check(&key, from)).await?;
        let now = now();
        let directory = inner.authority.directory();
        let signed_up = directory.sign_up(email, hash, tenant_name, now).await;
        if matches!(signed_up, Err(Error::AlreadyExists(_))) {
            inner.throttle.failed(&key, from);
        }
        signed_up?;
        let account =
            directory.by_email(email).await?.ok_or_else(|| Error::Internal("a new account is gone".into()))?;
        inner.authority.admit(&account, None, now).await
    }

    /// Signs a user in to the tenant they used last, or to the one of an invitation, which this
    /// redeems: who was removed from their only tenant has no other way back.
    pub(crate) async fn sign_in(
        &self,
        email: &str,
        password: Secret,
        invitation: Option<&str>,
        from: IpAddr,
    ) -> Result<Principal> {
        let signed_in = self.prove(email, password, invitation, from).await;
        self.counted("password", signed_in)
    }

    async fn prove(&self, email: &str, password: Secret, invitation: Option<&str>, from: IpAddr) -> Result<Principal> {
        let inner = &self.inner;
        let key = email_key(email);
        inner.throttle.check(&key, from)?;
        let account = inner.authority.directory().by_email(email).await?;
        let fits = self.fits(password, account.as_ref(), &key, from).await?;
        let now = now();
        match account {
            Some(account) if fits => {
                inner.throttle.succeeded(&key);
                account.check_enabled()?;
                let invited = match invitation {
                    Some(code) => Some(inner.authority.directory().join(&account, &hash_code(code), now).await?),
                    None => None,
                };
                inner.authority.admit(&account, invited, now).await
            }
            account => {
                tracing::warn!(%from, known = account.is_some(), "sign-in failed");
                if let Some(account) = account {
                    let detail = format!("wrong password, from {from}");
                    inner.authority.directory().note(&account, "auth.sign_in_failed", &detail, now).await?;
                }
                Err(Error::InvalidCredentials("Wrong email or password.".into()))
            }
        }
    }

    fn counted(&self, way: &'static str, found: Result<Principal>) -> Result<Principal> {
        let metrics = self.inner.authority.metrics();
        metrics.signed_in(way, found.as_ref().map(drop).map_err(Error::code));
        if matches!(found, Err(Error::TooManyAttempts { .. })) {
            metrics.limit_hit("sign_in.free_failures");
        }
        found
    }

    /// Replaces the password of a signed-in user, who proves to know the present one.
    pub(crate) async fn change(
        &self,
        principal: &Principal,
        current: Secret,
        new: Secret,
        from: IpAddr,
    ) -> Result<Principal> {
        let inner = &self.inner;
        if principal.is_bound_to_tenant() {
            return Err(Error::NotAllowed(
                "An API key, or another issuer's token, does not change a password. Sign in with email and password first.".into(),
            ));
        }
        let directory = inner.authority.directory();
        let gone = || Error::NotSignedIn("This account is gone.".into());
        let account = directory.by_id(principal.user()).await?.ok_or_else(gone)?;
        let key = email_key(&account.email);
        let now = now();
        if !self.fits(current, Some(&account), &key, from).await? {
            let detail = format!("wrong present password, from {from}");
            directory.note(&account, "auth.change_password_failed", &detail, now).await?;
            return Err(Error::InvalidCredentials("The current password is wrong; nothing was changed.".into()));
        }
        let hash = self.hash(new, || Ok(())).await?;
        directory.change_password(&account, hash, now).await?;
        inner.authority.renew(principal).await
    }

    async fn hash(&self, password: Secret, guard: impl Fn() -> Result<()>) -> Result<String> {
        let inner = Arc::clone(&self.inner);
        self.on_pool(guard, move || inner.argon2.hash_password(password.bytes()).map(|hash| hash.to_string()))
            .await?
            .map_err(|e| Error::internal("hashing a password", e))
    }

    /// Whether a password is an account's. Where there is no account, or one without a password, it is
    /// nobody's, and to find that out takes as long.
    async fn fits(&self, password: Secret, account: Option<&Account>, key: &str, from: IpAddr) -> Result<bool> {
        let hash = account.map(|account| &account.password_hash).filter(|hash| !hash.is_empty());
        let is_somebodys = hash.is_some();
        let hash = hash.unwrap_or(&self.inner.nobody).clone();
        Ok(self.verify(password, hash, key, from).await? && is_somebodys)
    }

    /// Checks a password for an account, and counts a failure before the next one can be checked.
    /// It counts even if the caller goes away meanwhile.
    async fn verify(&self, password: Secret, hash: String, account: &str, from: IpAddr) -> Result<bool> {
        let (inner, key) = (Arc::clone(&self.inner), account.to_owned());
        let check = move || {
            let hash = PasswordHash::new(&hash)?;
            // The parameters are the stored hash's own.
            match inner.argon2.verify_password(password.bytes(), &hash) {
                Ok(()) => Ok(true),
                Err(argon2::password_hash::Error::PasswordInvalid) => {
                    inner.throttle.failed(&key, from);
                    Ok(false)
                }
                Err(other) => Err(other.into()),
            }
        };
        self.on_pool(|| self.inner.throttle.check(account, from), check)
            .await?
            .map_err(|e: Box<dyn std::error::Error + Send + Sync>| Error::internal("checking a password", e))
    }

    /// Runs a hash when a worker is free. The guard runs then, and not when the job was queued: of
    /// many guesses sent at once, only as many as there are workers get through before the first
    /// failure counts.
    async fn on_pool<T: Send + 'static>(
        &self,
        guard: impl Fn() -> Result<()>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let waiting = Waiting::join(&self.inner)?;
        let permit =
            Arc::clone(&self.inner.workers).acquire_owned().await.map_err(|e| Error::internal("password pool", e))?;
        drop(waiting);
        guard()?;
        let work = move || {
            let done = work();
            drop(permit);
            done
        };
        tokio::task::spawn_blocking(work).await.map_err(|e| Error::internal("password pool", e))
    }
}

/// A place in the queue for a worker, given up when dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn join(inner: &'a Inner) -> Result<Self> {
        let place = Self(&inner.waiting);
        if inner.waiting.fetch_add(1, Ordering::AcqRel) >= inner.queue.max(1) {
            inner.authority.metrics().limit_hit("password.queue");
            return Err(Error::Busy("Too many people are signing in just now. Try again in a few seconds.".into()));
        }
        Ok(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
