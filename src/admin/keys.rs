//! The keys that sign access tokens.

use super::Admin;
use super::act::Act;
use crate::auth::new_signing_key;
use crate::error::Result;
use crate::store::{FromRow, Row};
use crate::time::Time;
use serde::Serialize;

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
        let key = new_signing_key()?;
        self.act(Act::new().and(key.replacing_all()).keys_changed()).await.map(|_| key.id)
    }
}
