//! Credentials besides passwords: families of tokens and API keys, and the end of them.

use super::Admin;
use super::act::{Act, Whose};
use crate::error::{Error, Result};
use crate::store::{FromRow, Row, params};
use crate::tenancy::Role;
use crate::time::Time;
use serde::Serialize;
use uuid::Uuid;

/// All tokens that follow from one sign-in.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct TokenFamily {
    pub(crate) id: Uuid,
    pub(crate) email: String,
    pub(crate) tenant_id: Uuid,
    pub(crate) tenant: String,
    pub(crate) created_at: Time,
    pub(crate) expires_at: Time,
    #[serde(skip)]
    user: Uuid,
}

/// An API key, but for the key.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ApiKey {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) tenant_id: Uuid,
    pub(crate) tenant: String,
    pub(crate) role: Role,
    pub(crate) created_at: Time,
    pub(crate) expires_at: Option<Time>,
    pub(crate) last_used_at: Option<Time>,
    #[serde(skip)]
    user: Uuid,
}

impl FromRow for TokenFamily {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.uuid()?,
            user: row.uuid()?,
            email: row.text()?,
            tenant_id: row.uuid()?,
            tenant: row.text()?,
            created_at: Time::stored(row.int()?),
            expires_at: Time::stored(row.int()?),
        })
    }
}

impl FromRow for ApiKey {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.uuid()?,
            user: row.uuid()?,
            email: row.text()?,
            tenant_id: row.uuid()?,
            tenant: row.text()?,
            created_at: Time::stored(row.int()?),
            name: row.text()?,
            role: Role::stored(&row.text()?)?,
            expires_at: row.opt_int()?.map(Time::stored),
            last_used_at: row.opt_int()?.map(Time::stored),
        })
    }
}

impl Admin {
    /// The families of tokens that are good, newest first.
    pub(crate) async fn tokens(&self, whose: Whose) -> Result<Vec<TokenFamily>> {
        let sql = "SELECT f.id, u.id, u.email, t.id, t.name, f.created_at, f.expires_at
                     FROM token_family f JOIN app_user u ON u.id = f.user_id JOIN tenant t ON t.id = f.tenant_id
                    WHERE f.expires_at > $1 AND (CAST($2 AS TEXT) IS NULL OR f.user_id = $2)
                      AND (CAST($3 AS TEXT) IS NULL OR f.tenant_id = $3)
                    ORDER BY f.created_at DESC, f.id";
        self.rows(sql, params![Time::now().milliseconds(), whose.user, whose.tenant]).await
    }

    /// The API keys, newest first.
    pub(crate) async fn api_keys(&self, whose: Whose) -> Result<Vec<ApiKey>> {
        let sql = "SELECT k.id, u.id, u.email, t.id, t.name, k.created_at, k.name, k.role, k.expires_at, k.last_used_at
                     FROM api_key k JOIN app_user u ON u.id = k.user_id JOIN tenant t ON t.id = k.tenant_id
                    WHERE (CAST($1 AS TEXT) IS NULL OR k.user_id = $1)
                      AND (CAST($2 AS TEXT) IS NULL OR k.tenant_id = $2)
                    ORDER BY k.created_at DESC, k.id";
        self.rows(sql, params![whose.user, whose.tenant]).await
    }

    /// Ends a family of tokens.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none with this id.
    pub(crate) async fn revoke_tokens(&self, id: &str) -> Result<TokenFamily> {
        let family = self.tokens(Whose::everybody()).await?.into_iter().find(|one| one.id.to_string() == id);
        let family = family.ok_or_else(|| no_such("family of tokens", id, "tokens"))?;
        let act = Act::new()
            .run("DELETE FROM token_family WHERE tenant_id = $1 AND id = $2", params![family.tenant_id, family.id])
            .review(family.user)
            .audit(family.tenant_id, "admin.revoke_tokens", &format!("{} of {}", family.id, family.email));
        self.act(act).await.map(|_| family)
    }

    /// Deletes an API key.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none with this id.
    pub(crate) async fn revoke_api_key(&self, id: &str) -> Result<ApiKey> {
        let key = self.api_keys(Whose::everybody()).await?.into_iter().find(|one| one.id.to_string() == id);
        let key = key.ok_or_else(|| no_such("API key", id, "api-keys"))?;
        let act = Act::new()
            .run("DELETE FROM api_key WHERE tenant_id = $1 AND id = $2", params![key.tenant_id, key.id])
            .review(key.user)
            .audit(key.tenant_id, "admin.revoke_api_key", &format!("{} ({:?}) of {}", key.id, key.name, key.email));
        self.act(act).await.map(|_| key)
    }

    /// Ends open sessions and the tokens of sign-ins; gives the number of families of tokens that ended.
    pub(crate) async fn end_sessions(&self, whose: Whose, detail: &str) -> Result<usize> {
        let tokens = self.tokens(whose).await?.len();
        let params = || params![whose.user, whose.tenant];
        let act = Act::new()
            .end(whose)
            .run(
                "DELETE FROM token_family WHERE (CAST($1 AS TEXT) IS NULL OR user_id = $1)
                    AND (CAST($2 AS TEXT) IS NULL OR tenant_id = $2)",
                params(),
            )
            .run(
                "DELETE FROM resume WHERE (CAST($1 AS TEXT) IS NULL OR user_id = $1)
                    AND (CAST($2 AS TEXT) IS NULL OR tenant_id = $2)",
                params(),
            );
        const ACTION: &str = "admin.end_sessions";
        let act = match whose {
            Whose { tenant: Some(tenant), .. } => act.audit(tenant, ACTION, detail),
            Whose { user: Some(user), .. } => act.audit_everywhere(user, ACTION, detail),
            Whose { .. } => act,
        };
        self.act(act).await.map(|_| tokens)
    }
}

impl Whose {
    fn everybody() -> Self {
        Self { user: None, tenant: None }
    }
}

fn no_such(what: &str, id: &str, list: &str) -> Error {
    Error::NotFound(format!("there is no {what} with the id {id:?}; `sessile admin {list} list` shows all"))
}
