//! The keys of an issuer: kept, and fetched anew from time to time or when a token names an unknown one.
//!
//! As long as the issuer can't be reached, the keys that are known go on working.

use super::fetch::{self, KeySet};
use super::{OidcOptions, invalid};
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
    keys: Arc<[Key]>,
    /// When they were fetched.
    fetched: Option<Instant>,
    /// When fetching them began last, whatever came of it.
    began: Option<Instant>,
    /// Whether nothing came of it.
    failed: bool,
}

#[derive(Debug)]
struct Key {
    id: Option<String>,
    /// What it may be used with.
    algorithms: Vec<Algorithm>,
    decoding: DecodingKey,
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
    /// [`Error::InvalidToken`] when there is none that fits, [`Error::Busy`] when the issuer can't be asked.
    pub(super) async fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<DecodingKey> {
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
            Some(key) if key.algorithms.contains(&algorithm) => Ok(key.decoding.clone()),
            Some(_) => Err(invalid("it is signed with another algorithm than its key is for")),
            None if known.failed => {
                Err(Error::Busy("The issuer of this token cannot be reached just now. Try again soon.".into()))
            }
            None if id.is_none() => Err(invalid("it does not say which of its issuer's keys has signed it")),
            None => Err(invalid("its issuer has no such key")),
        }
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
                let keys = read(set);
                tracing::info!(issuer = self.issuer, keys = keys.len(), "fetched the keys of an issuer");
                let mut known = self.known.write();
                (known.keys, known.fetched, known.failed) = (keys, Some(Instant::now()), false);
            }
            Err(error) => tracing::error!(issuer = self.issuer, error, "could not fetch the keys of an issuer"),
        }
    }
}

impl Known {
    /// The key with this id, or without one the only key.
    fn named(&self, id: Option<&str>) -> Option<&Key> {
        match (id, &self.keys[..]) {
            (Some(id), keys) => keys.iter().find(|key| key.id.as_deref() == Some(id)),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }
}

fn elapsed(since: Option<Instant>, time: Duration) -> bool {
    since.is_none_or(|since| since.elapsed() >= time)
}

/// The keys that can check signatures; what else a set has is passed over.
fn read(set: KeySet) -> Arc<[Key]> {
    let jwks = set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok());
    jwks.filter_map(key).take(MAX_KEYS).collect()
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
    Some(Key { id: jwk.common.key_id, algorithms, decoding })
}
