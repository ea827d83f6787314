//! Writes that are asked for with a key: asked for again, they are not made again.
//!
//! The key is written with what it stands for, so of several calls at once one is made, and the others are told of it.

use crate::error::{Error, Result};
use crate::store::{FromRow, Row, params};
use crate::tenancy::{IDEMPOTENCY_KEPT, ScopedWrite, TenantScope};
use crate::time;
use serde::Serialize;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// Keys of one user that are kept at the most.
const MAX_KEYS: i64 = 10_000;
/// Fails a write whose key is in use.
const FREE: &str = "idempotency_key";
/// Fails a write whose user has too many keys.
const ROOM: &str = "idempotency_room";

/// A call with its key.
#[derive(Debug)]
pub(crate) struct Once {
    tool: &'static str,
    key: String,
    arguments_hash: String,
}

/// The write that was made with a key.
#[derive(Debug)]
pub(crate) struct Before {
    /// What was noted of it.
    pub(crate) answer: String,
    /// When it was made, in milliseconds.
    pub(crate) at: i64,
    arguments_hash: String,
}

impl FromRow for Before {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self { arguments_hash: row.text()?, answer: row.text()?, at: row.int()? })
    }
}

impl Once {
    /// A call of a tool, if it came with a key. The arguments are compared as they were understood, however they were
    /// spelled.
    ///
    /// # Errors
    /// [`Error::Internal`] when the arguments can't be written.
    pub(crate) fn of(tool: &'static str, key: Option<&str>, arguments: &impl Serialize) -> Result<Option<Self>> {
        let Some(key) = key else { return Ok(None) };
        let mut arguments = serde_json::to_value(arguments).map_err(|e| Error::internal("noting a call", e))?;
        if let Json::Object(arguments) = &mut arguments {
            // What was left out is the same as what a later version of the tool does not know yet.
            arguments.retain(|_, argument| !argument.is_null());
        }
        let arguments_hash =
            Sha256::digest(arguments.to_string()).iter().fold(String::with_capacity(64), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            });
        Ok(Some(Self { tool, key: key.to_owned(), arguments_hash }))
    }

    /// The write that was made with this key, if there was one.
    ///
    /// # Errors
    /// [`Error::Conflict`] when that came with other arguments.
    pub(crate) async fn before(&self, scope: &TenantScope) -> Result<Option<Before>> {
        let sql = "SELECT arguments_hash, answer, created_at FROM idempotency
                   WHERE tenant_id = $1 AND user_id = $2 AND tool = $3 AND key = $4 AND created_at > $5";
        let params = params![scope.principal().user(), self.tool, &self.key, time::now() - IDEMPOTENCY_KEPT];
        let before: Option<Before> = scope.get(sql, params).await?;
        match before {
            Some(before) if before.arguments_hash != self.arguments_hash => Err(Error::Conflict(format!(
                "idempotency_key: {:?} came with other arguments for {} at {}; nothing was written. To repeat that \
                 call, give the arguments that it had; for another one, make up another key.",
                self.key,
                self.tool,
                time::text(before.at)
            ))),
            before => Ok(before),
        }
    }

    /// Begins a write that is made with this key, and notes what it makes. The statements return nothing; the write
    /// fails when another one was made with the key.
    pub(crate) fn write<'s>(&self, scope: &'s TenantScope, answer: &str) -> ScopedWrite<'s> {
        let (user, now) = (scope.principal().user(), time::now());
        scope
            .write()
            .expect(
                ROOM,
                "SELECT 1 WHERE NOT EXISTS
                   (SELECT 1 FROM idempotency WHERE tenant_id = $1 AND user_id = $2 LIMIT 1 OFFSET $3)",
                params![user, MAX_KEYS - 1],
            )
            .expect(
                FREE,
                "INSERT INTO idempotency (tenant_id, user_id, tool, key, arguments_hash, answer, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)
                 ON CONFLICT (tenant_id, user_id, tool, key) DO UPDATE
                   SET arguments_hash = excluded.arguments_hash, answer = excluded.answer,
                       created_at = excluded.created_at
                   WHERE idempotency.created_at <= $8",
                params![user, self.tool, &self.key, &self.arguments_hash, answer, now, now - IDEMPOTENCY_KEPT],
            )
    }

    /// Looks at why a write failed: gives the one that was made with its key meanwhile, if that was it.
    ///
    /// # Errors
    /// Why it failed, else.
    pub(crate) async fn overtaken(&self, scope: &TenantScope, error: Error) -> Result<Before> {
        match error {
            Error::Unmet(FREE) => self.before(scope).await?.ok_or_else(|| {
                Error::Busy("Another call with this idempotency_key came in between; call again.".into())
            }),
            Error::Unmet(ROOM) => Err(Error::Limit(format!(
                "You have used {MAX_KEYS} idempotency keys within a day, and so many are kept. Call without one, or \
                 import many contacts at once with crm_import_contacts."
            ))),
            error => Err(error),
        }
    }
}
