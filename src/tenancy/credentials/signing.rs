//! The keys that sign access tokens, as they are stored.

use super::Credentials;
use crate::error::Result;
use crate::store::{Write, params};
use zeroize::Zeroizing;

/// A signing key as it is stored.
pub(crate) struct StoredKey {
    pub(crate) id: String,
    pub(crate) algorithm: String,
    /// PKCS #8, in base64.
    pub(crate) secret: Zeroizing<String>,
    pub(crate) created_at: i64,
    /// Since when it signs no more.
    pub(crate) retired_at: Option<i64>,
}

impl StoredKey {
    /// What adds it and retires all others.
    pub(crate) fn replacing_all(&self) -> Write {
        Write::new()
            .run("UPDATE signing_key SET retired_at = $1 WHERE retired_at IS NULL", params![self.created_at])
            .run(
                "INSERT INTO signing_key (id, algorithm, secret, created_at) VALUES ($1, $2, $3, $4)",
                params![&self.id, &self.algorithm, self.secret.as_str(), self.created_at],
            )
    }
}

impl Credentials {
    /// All signing keys, newest first.
    pub(crate) async fn signing_keys(&self) -> Result<Vec<StoredKey>> {
        let sql =
            "SELECT id, algorithm, secret, created_at, retired_at FROM signing_key ORDER BY created_at DESC, id DESC";
        let read = |mut row: crate::store::Row| {
            Ok(StoredKey {
                id: row.text()?,
                algorithm: row.text()?,
                secret: row.text()?.into(),
                created_at: row.int()?,
                retired_at: row.opt_int()?,
            })
        };
        self.store.list(sql, Vec::new()).await?.into_iter().map(read).collect()
    }

    /// Adds a key that signs from now on, in place of all others.
    pub(crate) async fn replace_signing_key(&self, key: &StoredKey) -> Result<()> {
        self.store.write(key.replacing_all()).await.map(drop)
    }

    /// Removes keys that were retired before a time.
    pub(crate) async fn remove_signing_keys(&self, retired_before: i64) -> Result<()> {
        let sql = "DELETE FROM signing_key WHERE retired_at < $1";
        self.store.write(Write::new().run(sql, params![retired_before])).await.map(drop)
    }
}
