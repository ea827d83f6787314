//! The keys of an issuer: kept, and fetched anew from time to time or when a token names an unknown one.
//!
//! As long as the issuer can't be reached, the keys that are known go on working.

use super::fetch::{self, KeySet};
use super::{OidcOptions, Unfit};
use crate::error::{Error, Result};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use parking_lot::RwLock;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// As many keys of an issuer are kept.
const MAX_KEYS: usize = 64;

/// An issuer's keys.
#[derive(Debug)]
pub(super) struct IssuerKeys {
    issuer: String,
    client: reqwest::Client,
    refresh_every: Duration,
    unknown_every: Duration,
    known: RwLock<Known>,
    /// Held while they are fetched.
    fetching: Mutex<()>,
}

#[derive(Debug, Clone, Default)]
struct Known {
    keys: Arc<[Arc<Key>]>,
    /// When they were fetched.
    fetched: Option<Instant>,
    /// When fetching them began last, whatever came of it.
    began: Option<Instant>,
    /// Whether nothing came of it.
    failed: bool,
}

/// A key; it is dropped once its issuer publishes it no more.
#[derive(Debug)]
pub(super) struct Key {
    published: Jwk,
    /// What it may be used with.
    algorithms: Vec<Algorithm>,
    pub(super) decoding: DecodingKey,
}

impl IssuerKeys {
    pub(super) fn new(options: &OidcOptions) -> Result<Self> {
        let client = fetch::client(&options.issuer).map_err(|error| options.wrong("issuer", &error))?;
        Ok(Self {
            issuer: options.issuer.clone(),
            client,
            refresh_every: options.refresh_every,
            unknown_every: options.unknown_key_every,
            known: RwLock::default(),
            fetching: Mutex::default(),
        })
    }

    /// The key that a token's header names.
    ///
    /// # Errors
    /// [`Unfit::Unsigned`] when there is none that fits, [`Error::Busy`] when the issuer can't be asked.
    pub(super) async fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<Arc<Key>, Unfit> {
        let mut known = self.known.read().clone();
        let old = known.fetched.is_some_and(|fetched| fetched.elapsed() >= self.refresh_every);
        // One of those who come at that time fetches them; the others make do with what there is. An
        // issuer that can't be reached is left alone for a while.
        if old
            && elapsed(known.began, self.refresh_every / 60)
            && let Ok(_fetching) = self.fetching.try_lock()
        {
            self.fetch().await;
            known = self.known.read().clone();
        }
        if known.named(id).is_none() && elapsed(known.began, self.unknown_every) {
            let _fetching = self.fetching.lock().await;
            // Somebody else may just have done it.
            if self.known.read().began == known.began {
                self.fetch().await;
            }
            known = self.known.read().clone();
        } else if known.named(id).is_none() {
            // It may be under way.
            drop(self.fetching.lock().await);
            known = self.known.read().clone();
        }
        match known.named(id) {
            Some(key) if key.algorithms.contains(&algorithm) => Ok(Arc::clone(key)),
            Some(_) => Err(Unfit::Unsigned("it is signed with another algorithm than its key is for")),
            None if known.failed => {
                let text = "The issuer of this token cannot be reached just now. Try again soon.";
                Err(Unfit::Unknown(Error::Busy(text.into())))
            }
            None if id.is_none() => Err(Unfit::Unsigned("it does not say which of its issuer's keys has signed it")),
            None => Err(Unfit::Unsigned("its issuer has no such key")),
        }
    }

    /// The key with this id, if it is known already and meant for this algorithm.
    pub(super) fn known(&self, id: &str, algorithm: Algorithm) -> Option<Arc<Key>> {
        let known = self.known.read();
        known.named(Some(id)).filter(|key| key.algorithms.contains(&algorithm)).cloned()
    }

    /// Fetches the keys; whoever calls this holds the lock.
    async fn fetch(&self) {
        {
            // Noted before anything is waited for: whoever asked may go away, and still has asked.
            let mut known = self.known.write();
            known.began = Some(Instant::now());
            known.failed = true;
        }
        match fetch::key_set(&self.client, &self.issuer).await {
            Ok(set) => {
                let mut known = self.known.write();
                let keys = read(set, &known.keys);
                tracing::info!(issuer = self.issuer, keys = keys.len(), "fetched the keys of an issuer");
                (known.keys, known.fetched, known.failed) = (keys, Some(Instant::now()), false);
            }
            Err(error) => tracing::error!(issuer = self.issuer, error, "could not fetch the keys of an issuer"),
        }
    }
}

impl Known {
    /// The key with this id, or without one the only key.
    fn named(&self, id: Option<&str>) -> Option<&Arc<Key>> {
        match (id, &self.keys[..]) {
            (Some(id), keys) => keys.iter().find(|key| key.published.common.key_id.as_deref() == Some(id)),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }
}

fn elapsed(since: Option<Instant>, time: Duration) -> bool {
    since.is_none_or(|since| since.elapsed() >= time)
}

/// The keys that can check signatures; what else a set has is passed over. Those that were known stay the same.
fn read(set: KeySet, known: &[Arc<Key>]) -> Arc<[Arc<Key>]> {
    let jwks = set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok());
    let same = |jwk: &Jwk| known.iter().find(|key| key.published == *jwk).cloned();
    jwks.filter_map(|jwk| same(&jwk).or_else(|| key(jwk).map(Arc::new))).take(MAX_KEYS).collect()
}

fn key(jwk: Jwk) -> Option<Key> {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    if jwk.common.public_key_use.as_ref().is_some_and(|for_what| *for_what != PublicKeyUse::Signature) {
        return None;
    }
    let mut algorithms = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => vec![RS256, RS384, RS512, PS256, PS384, PS512],
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => vec![ES256],
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P384 => vec![ES384],
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => vec![EdDSA],
        // A secret that is published is none, and there is nothing to check with other curves.
        _ => return None,
    };
    if let Some(only) = &jwk.common.key_algorithm {
        algorithms.retain(|algorithm| format!("{algorithm:?}") == only.to_string());
    }
    let decoding = DecodingKey::from_jwk(&jwk).ok()?;
    Some(Key { published: jwk, algorithms, decoding })
}
