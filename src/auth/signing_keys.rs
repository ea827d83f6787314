//! The keys that sign access tokens: kept in the database, made at the first start, replaced on a
//! schedule.
//!
//! One key signs at a time. A key that was replaced verifies until the last token that it could have
//! signed is old. Another process may replace it, of which this one learns at its next look: at the
//! latest after [`LOOK_EVERY`], or when a token comes that an unknown key has signed.

use crate::error::{Error, Result};
use crate::store::Event;
use crate::tenancy::{Credentials, StoredKey};
use crate::time::now;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use parking_lot::RwLock;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// The one algorithm: EdDSA with Ed25519.
pub(super) const ALGORITHM: Algorithm = Algorithm::EdDSA;
/// How often the keys are looked at.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(3600);
/// How often an unknown key may cause a look, in milliseconds: anybody can name one.
const UNKNOWN_EVERY: i64 = 1000;

/// The keys of this server.
pub struct SigningKeys {
    credentials: Credentials,
    /// How old a key gets before it is replaced, in milliseconds.
    rotate: i64,
    /// For how long a key verifies that signs no more, in milliseconds.
    grace: i64,
    ring: RwLock<Ring>,
    /// Whether another process has changed them since.
    stale: Arc<AtomicBool>,
    /// Held while the keys are looked at.
    looking: tokio::sync::Mutex<()>,
}

/// The keys as they were last looked at, newest first.
#[derive(Default, Clone)]
struct Ring {
    keys: Arc<[Key]>,
    looked_at: i64,
}

struct Key {
    id: String,
    /// The public key, as JWKS has it.
    x: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
    created_at: i64,
    retired_at: Option<i64>,
}

impl SigningKeys {
    /// The keys that are kept there, for tokens that live so long.
    pub(crate) fn new(credentials: Credentials, rotate: Duration, token_lifetime: Duration) -> Self {
        let milliseconds = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4);
        Self {
            credentials,
            rotate: milliseconds(rotate),
            // A process that has not looked yet goes on signing with a key that another one has replaced.
            grace: milliseconds(token_lifetime) + milliseconds(LOOK_EVERY) + 60_000,
            ring: RwLock::default(),
            stale: Arc::default(),
            looking: tokio::sync::Mutex::new(()),
        }
    }

    /// A listener that has the keys looked at again before they are next used.
    pub(crate) fn listener(&self) -> impl Fn(&Event) + Send + Sync + 'static {
        let stale = Arc::clone(&self.stale);
        move |event| {
            if *event == Event::SigningKeys {
                stale.store(true, Ordering::Release);
            }
        }
    }

    /// Replaces the key that signs by a new one.
    ///
    /// # Errors
    /// [`Error::Internal`] when the store fails.
    pub async fn rotate(&self) -> Result<()> {
        let _looking = self.looking.lock().await;
        self.replace().await?;
        self.reload().await.map(drop)
    }

    /// Looks at the keys: replaces the one that signs if it is old or there is none, and removes those
    /// that verify nothing any more.
    ///
    /// # Errors
    /// [`Error::Internal`] when the store fails.
    pub async fn look(&self) -> Result<()> {
        let _looking = self.looking.lock().await;
        let now = now();
        let ring = self.reload().await?;
        if ring.signing().is_none_or(|key| key.created_at + self.rotate <= now) {
            self.replace().await?;
        }
        self.credentials.remove_signing_keys(now - self.grace).await?;
        self.reload().await.map(drop)
    }

    /// The public keys that verify, as a JSON Web Key Set (RFC 7517).
    ///
    /// # Errors
    /// [`Error::Internal`] when the store fails.
    pub async fn jwks(&self) -> Result<String> {
        #[derive(Serialize)]
        struct Jwk<'a> {
            kty: &'static str,
            crv: &'static str,
            alg: &'static str,
            r#use: &'static str,
            kid: &'a str,
            x: &'a str,
        }
        #[derive(Serialize)]
        struct Set<'a> {
            keys: Vec<Jwk<'a>>,
        }
        let (ring, now) = (self.ready().await?, now());
        let verifying = ring.keys.iter().filter(|key| key.verifies(now, self.grace));
        let keys = verifying
            .map(|key| Jwk { kty: "OKP", crv: "Ed25519", alg: "EdDSA", r#use: "sig", kid: &key.id, x: &key.x })
            .collect();
        serde_json::to_string(&Set { keys }).map_err(|e| Error::internal("writing a key set", e))
    }

    /// Signs claims as a JWT of this type.
    pub(super) async fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<String> {
        let ring = self.ready().await?;
        let key = ring.signing().ok_or_else(|| Error::Internal("there is no signing key".into()))?;
        let header = Header { typ: Some(typ.to_owned()), kid: Some(key.id.clone()), ..Header::new(ALGORITHM) };
        jsonwebtoken::encode(&header, claims, &key.encoding).map_err(|e| Error::internal("signing a token", e))
    }

    /// The key with this id, if what it signed is to be believed.
    pub(super) async fn verifying(&self, id: &str) -> Result<Option<DecodingKey>> {
        let mut ring = self.ready().await?;
        let now = now();
        if !ring.keys.iter().any(|key| key.id == id) && ring.looked_at + UNKNOWN_EVERY <= now {
            let _looking = self.looking.lock().await;
            ring = self.reload().await?;
        }
        let key = ring.keys.iter().find(|key| key.id == id && key.verifies(now, self.grace));
        Ok(key.map(|key| key.decoding.clone()))
    }

    /// The keys, which are looked at first if that has never been done, or others changed them.
    async fn ready(&self) -> Result<Ring> {
        let ring = self.ring.read().clone();
        if ring.signing().is_some() && !self.stale.load(Ordering::Acquire) {
            return Ok(ring);
        }
        self.look().await?;
        Ok(self.ring.read().clone())
    }

    async fn reload(&self) -> Result<Ring> {
        // Before they are read: a change in between then shows.
        self.stale.store(false, Ordering::Release);
        let stored = self.credentials.signing_keys().await?;
        let keys = stored.iter().filter(|key| key.algorithm == "EdDSA").map(read).collect::<Result<Arc<[_]>>>()?;
        let ring = Ring { keys, looked_at: now() };
        *self.ring.write() = ring.clone();
        Ok(ring)
    }

    async fn replace(&self) -> Result<()> {
        let key = new_signing_key()?;
        self.credentials.replace_signing_key(&key).await?;
        tracing::info!(key = key.id, "made a signing key for access tokens");
        Ok(())
    }
}

/// A key that nobody has yet, to sign with from now on.
pub(crate) fn new_signing_key() -> Result<StoredKey> {
    let document =
        Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|e| Error::internal("making a signing key", e))?;
    Ok(StoredKey {
        id: Uuid::now_v7().to_string(),
        algorithm: "EdDSA".into(),
        secret: STANDARD.encode(document.as_ref()).into(),
        created_at: now(),
        retired_at: None,
    })
}

impl Ring {
    fn signing(&self) -> Option<&Key> {
        self.keys.iter().find(|key| key.retired_at.is_none())
    }
}

impl Key {
    fn verifies(&self, now: i64, grace: i64) -> bool {
        self.retired_at.is_none_or(|retired| now < retired + grace)
    }
}

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKeys(…)")
    }
}

fn read(stored: &StoredKey) -> Result<Key> {
    let unusable = |cause: &dyn std::fmt::Display| Error::internal("reading a signing key", cause);
    let der = zeroize::Zeroizing::new(STANDARD.decode(stored.secret.as_bytes()).map_err(|e| unusable(&e))?);
    let pair = Ed25519KeyPair::from_pkcs8(&der).map_err(|e| unusable(&e))?;
    let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    Ok(Key {
        id: stored.id.clone(),
        decoding: DecodingKey::from_ed_components(&x).map_err(|e| unusable(&e))?,
        x,
        encoding: EncodingKey::from_ed_der(&der),
        created_at: stored.created_at,
        retired_at: stored.retired_at,
    })
}
