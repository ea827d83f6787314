//! The keys that sign access tokens.

use super::Admin;
use super::act::Act;
use crate::error::{Error, Result};
use crate::store::{FromRow, Row, params};
use crate::time::Time;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use uuid::Uuid;
use zeroize::Zeroizing;

/// A key, but for the key.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SigningKey {
    /// What tokens name it by.
    pub(crate) id: String,
    pub(crate) algorithm: String,
    pub(crate) created_at: Time,
    /// Since when it signs no more, and only verifies.
    pub(crate) retired_at: Option<Time>,
}

impl FromRow for SigningKey {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.text()?,
            algorithm: row.text()?,
            created_at: Time::stored(row.int()?),
            retired_at: row.opt_int()?.map(Time::stored),
        })
    }
}

impl Admin {
    /// All of them, newest first.
    pub(crate) async fn keys(&self) -> Result<Vec<SigningKey>> {
        let sql = "SELECT id, algorithm, created_at, retired_at FROM signing_key ORDER BY created_at DESC, id DESC";
        self.rows(sql, Vec::new()).await
    }

    /// Makes a key that signs from now on, and retires those before it; gives its id.
    pub(crate) async fn rotate_keys(&self) -> Result<String> {
        let (id, act) = (Uuid::now_v7().to_string(), Act::new());
        let (at, secret) = (act.at, new_key()?);
        let act = act.run("UPDATE signing_key SET retired_at = $1 WHERE retired_at IS NULL", params![at]).run(
            "INSERT INTO signing_key (id, algorithm, secret, created_at) VALUES ($1, 'EdDSA', $2, $3)",
            params![&id, secret.as_str(), at],
        );
        self.act(act.keys_changed()).await.map(|_| id)
    }
}

/// A new Ed25519 key: PKCS #8, in base64.
fn new_key() -> Result<Zeroizing<String>> {
    let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
    let key = key.map_err(|e| Error::internal("making a key", e))?;
    Ok(Zeroizing::new(STANDARD.encode(key.as_ref())))
}
