//! One act: what is written, whom it concerns, and what the audit log says of it.

use super::Admin;
use crate::error::Result;
use crate::store::{Value, Write, Written, params};
use crate::time;
use uuid::Uuid;

/// Who the audit log says it was.
const ACTOR: &str = "sessile admin";

/// A write by whoever runs the server, with the notices that put it in force.
#[must_use]
#[derive(Debug)]
pub(super) struct Act {
    id: Uuid,
    pub(super) at: i64,
    write: Write,
}

/// Whose sessions are to end; what is not said is all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whose {
    pub(crate) user: Option<Uuid>,
    pub(crate) tenant: Option<Uuid>,
}

impl Act {
    pub(super) fn new() -> Self {
        Self { id: Uuid::now_v7(), at: time::now(), write: Write::new() }
    }

    pub(super) fn run(mut self, sql: &'static str, params: Vec<Value>) -> Self {
        self.write = self.write.run(sql, params);
        self
    }

    /// Adds what somebody else knows how to write.
    pub(super) fn and(mut self, write: Write) -> Self {
        self.write = self.write.and(write);
        self
    }

    /// Has a user looked at again.
    pub(super) fn review(self, user: Uuid) -> Self {
        let id = format!("{}:{user}", self.id);
        self.run(
            "INSERT INTO notice (id, user_id, kind) VALUES ($1, $2, 'review') ON CONFLICT (id) DO NOTHING",
            params![id, user],
        )
    }

    /// Has the members of a tenant looked at again.
    pub(super) fn review_members(self, tenant: Uuid) -> Self {
        let id = self.id;
        self.run(
            "INSERT INTO notice (id, user_id, kind) SELECT CAST($1 AS TEXT) || ':' || user_id, user_id, 'review'
               FROM member WHERE tenant_id = $2",
            params![id, tenant],
        )
    }

    /// Has the open sessions of users end.
    pub(super) fn end(self, whose: Whose) -> Self {
        let id = self.id;
        self.run(
            "INSERT INTO notice (id, user_id, kind, in_tenant)
             SELECT DISTINCT CAST($1 AS TEXT) || ':' || user_id, user_id, 'end', CAST($3 AS TEXT) FROM member
              WHERE (CAST($2 AS TEXT) IS NULL OR user_id = $2) AND (CAST($3 AS TEXT) IS NULL OR tenant_id = $3)",
            params![id, whose.user, whose.tenant],
        )
    }

    /// Has the signing keys looked at again.
    pub(super) fn keys_changed(self) -> Self {
        let id = format!("{}:", self.id);
        self.run("INSERT INTO notice (id, kind) VALUES ($1, 'keys')", params![id])
    }

    /// Has what a tenant's upstreams are, and what they are called with, looked at again.
    pub(super) fn upstreams_changed(self, tenant: Uuid) -> Self {
        let id = format!("{}:{tenant}", self.id);
        self.run("INSERT INTO notice (id, kind, in_tenant) VALUES ($1, 'upstreams', $2)", params![id, tenant])
    }

    /// Notes it in a tenant's audit log.
    pub(super) fn audit(self, tenant: Uuid, action: &'static str, detail: &str) -> Self {
        let at = self.at;
        self.run(
            "INSERT INTO audit (tenant_id, id, at, action, actor, detail) VALUES ($1, $2, $3, $4, $5, $6)",
            params![tenant, Uuid::now_v7(), at, action, ACTOR, detail],
        )
    }

    /// Notes it in the audit log of each tenant that a user is a member of.
    pub(super) fn audit_everywhere(self, user: Uuid, action: &'static str, detail: &str) -> Self {
        let at = self.at;
        self.run(
            "INSERT INTO audit (tenant_id, id, at, action, actor, detail)
             SELECT tenant_id, $2, $3, $4, $5, $6 FROM member WHERE user_id = $1",
            params![user, Uuid::now_v7(), at, action, ACTOR, detail],
        )
    }
}

impl Admin {
    /// Does it, and returns when it is in force.
    pub(super) async fn act(&self, act: Act) -> Result<Written> {
        let written = self.store.write(act.write).await?;
        self.store.heard(&self.options, &act.id.to_string()).await?;
        Ok(written)
    }
}
