//! The users: who there is, new passwords for who forgot theirs, and keeping somebody out.

use super::Admin;
use super::act::Act;
use crate::auth::{RESET_PREFIX, hash_code, new_code};
use crate::error::{Error, Result};
use crate::store::{FromRow, Row, params};
use crate::tenancy::{Role, email_key};
use crate::time::Time;
use serde::Serialize;
use std::collections::HashMap;
use uuid::Uuid;

/// How long a code that replaces a password is good.
const RESET_HOURS: i64 = 24;

/// A user, with their places.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct User {
    pub(crate) id: Uuid,
    pub(crate) email: String,
    pub(crate) created_at: Time,
    /// Since when they can sign in nowhere.
    pub(crate) disabled_at: Option<Time>,
    pub(crate) has_password: bool,
    pub(crate) tenants: Vec<Place>,
}

/// A user's place in a tenant.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Place {
    pub(crate) tenant_id: Uuid,
    pub(crate) tenant: String,
    pub(crate) role: Role,
    #[serde(skip)]
    user: Uuid,
}

/// A code that replaces a password once.
#[derive(Debug, Serialize)]
pub(crate) struct Reset {
    pub(crate) email: String,
    pub(crate) code: String,
    pub(crate) expires_at: Time,
}

impl FromRow for User {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.uuid()?,
            email: row.text()?,
            created_at: Time::stored(row.int()?),
            disabled_at: row.opt_int()?.map(Time::stored),
            has_password: row.bool()?,
            tenants: Vec::new(),
        })
    }
}

impl FromRow for Place {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self { user: row.uuid()?, tenant_id: row.uuid()?, tenant: row.text()?, role: Role::stored(&row.text()?)? })
    }
}

impl Admin {
    /// All users, or a tenant's, by address.
    pub(crate) async fn users(&self, tenant: Option<Uuid>) -> Result<Vec<User>> {
        let sql = "SELECT id, email, created_at, disabled_at, password_hash <> '' FROM app_user
                    WHERE CAST($1 AS TEXT) IS NULL OR id IN (SELECT user_id FROM member WHERE tenant_id = $1)
                    ORDER BY email_key";
        let mut users: Vec<User> = self.rows(sql, params![tenant]).await?;
        let sql = "SELECT m.user_id, t.id, t.name, m.role FROM member m JOIN tenant t ON t.id = m.tenant_id
                    ORDER BY t.name, t.id";
        let mut places: HashMap<Uuid, Vec<Place>> = HashMap::new();
        for place in self.rows::<Place>(sql, Vec::new()).await? {
            places.entry(place.user).or_default().push(place);
        }
        for user in &mut users {
            user.tenants = places.remove(&user.id).unwrap_or_default();
        }
        Ok(users)
    }

    /// The user with this address or id.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub(crate) async fn user(&self, name: &str) -> Result<User> {
        let sql = "SELECT id, email, created_at, disabled_at, password_hash <> '' FROM app_user
                    WHERE email_key = $1 OR id = $1";
        let found = self.rows(sql, params![email_key(name)]).await?.pop();
        found.ok_or_else(|| {
            Error::NotFound(format!("there is no user {name:?}; `sessile admin users list` shows all, with their ids"))
        })
    }

    /// Makes a code with which a user can set a new password, in place of any earlier one. Until they do,
    /// the present one stays good.
    pub(crate) async fn reset_password(&self, name: &str) -> Result<Reset> {
        let user = self.user(name).await?;
        let (code, act) = (new_code(RESET_PREFIX), Act::new());
        let (at, expires_at) = (act.at, act.at + RESET_HOURS * 3_600_000);
        let act = act
            .run("DELETE FROM password_reset WHERE user_id = $1 OR expires_at <= $2", params![user.id, at])
            .run(
                "INSERT INTO password_reset (code_hash, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
                params![hash_code(&code), user.id, at, expires_at],
            )
            .audit_everywhere(user.id, "admin.reset_password", &format!("made a code for {}", user.email));
        self.act(act).await?;
        Ok(Reset { email: user.email, code, expires_at: Time::stored(expires_at) })
    }

    /// Keeps a user out of all tenants, and ends what they have open.
    pub(crate) async fn disable(&self, user: &User) -> Result<()> {
        let act = Act::new();
        let at = act.at;
        let act = act
            .run("UPDATE app_user SET disabled_at = coalesce(disabled_at, $2) WHERE id = $1", params![user.id, at])
            .run("DELETE FROM resume WHERE user_id = $1", params![user.id])
            .review(user.id)
            .audit_everywhere(user.id, "admin.disable_user", &user.email);
        self.act(act).await.map(drop)
    }

    /// Lets a user in again.
    pub(crate) async fn enable(&self, user: &User) -> Result<()> {
        let act = Act::new()
            .run("UPDATE app_user SET disabled_at = NULL WHERE id = $1", params![user.id])
            .review(user.id)
            .audit_everywhere(user.id, "admin.enable_user", &user.email);
        self.act(act).await.map(drop)
    }
}
