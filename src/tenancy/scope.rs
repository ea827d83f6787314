//! The right to read and write one tenant's data.

use super::ids::{SessionId, TenantId, UserId};
use super::principal::{Principal, Proof};
use super::quotas::{Quotas, RECORDS};
use super::secrets::{Sealing, Secrets};
use super::vault::What;
use crate::error::{Error, Result};
use crate::store::{Document, Event, FromRow, RecordKind, Store, Value, Write, Written, params};
use std::sync::Arc;
use uuid::Uuid;

/// The capability to touch one tenant's data: `$1` of every statement is the tenant, put there by
/// the scope, and the caller's parameters start at `$2`.
#[derive(Clone, Debug)]
pub struct TenantScope {
    store: Store,
    quotas: Quotas,
    sealing: Arc<Sealing>,
    principal: Principal,
}

impl TenantScope {
    pub(super) fn new(store: Store, quotas: Quotas, sealing: &Arc<Sealing>, principal: Principal) -> Self {
        Self { store, quotas, sealing: Arc::clone(sealing), principal }
    }

    /// Who is calling.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The one row of a statement that looks up by key.
    pub(crate) async fn get<T: FromRow>(&self, sql: &'static str, params: Vec<Value>) -> Result<Option<T>> {
        let params = bound(self.tenant(), sql, params);
        self.store.get(sql, params).await?.map(|mut row| T::from_row(&mut row)).transpose()
    }

    /// All rows of a statement, which bounds their number itself.
    pub(crate) async fn list<T: FromRow>(&self, sql: impl Into<Arc<str>>, params: Vec<Value>) -> Result<Vec<T>> {
        let sql = sql.into();
        let params = bound(self.tenant(), &sql, params);
        self.store.list(sql, params).await?.iter_mut().map(T::from_row).collect()
    }

    /// The tenant's documents that hold every word of the query, newest first.
    pub(crate) async fn search(&self, query: &str, kinds: &[RecordKind], limit: usize) -> Result<Vec<Document>> {
        self.store.search(&self.tenant().into(), query, kinds, limit).await
    }

    /// An empty write on this tenant's data.
    pub(crate) fn write(&self) -> ScopedWrite<'_> {
        ScopedWrite { scope: self, write: Write::new(), records: 0 }
    }

    /// The right to use what is kept sealed for the tenant.
    pub(crate) fn secrets(&self) -> Secrets {
        Secrets::new(self.store.clone(), Arc::clone(&self.sealing), self.tenant())
    }

    fn tenant(&self) -> TenantId {
        self.principal.tenant()
    }
}

/// A write whose every statement is bound to the scope's tenant.
#[must_use]
#[derive(Debug)]
pub struct ScopedWrite<'s> {
    scope: &'s TenantScope,
    write: Write,
    /// How many more records there are afterwards.
    records: i64,
}

impl ScopedWrite<'_> {
    /// Adds a statement; see [`Write::run`].
    pub(crate) fn run(mut self, sql: &'static str, params: Vec<Value>) -> Self {
        self.write = self.write.run(sql, bound(self.scope.tenant(), sql, params));
        self
    }

    /// Adds a statement that has to find a row; see [`Write::expect`].
    pub(crate) fn expect(mut self, tag: &'static str, sql: &'static str, params: Vec<Value>) -> Self {
        self.write = self.write.expect(tag, sql, bound(self.scope.tenant(), sql, params));
        self
    }

    /// Puts a record's words in the full-text index.
    pub(crate) fn index(mut self, kind: RecordKind, id: Uuid, title: String, body: String) -> Self {
        let tenant = self.scope.tenant().uuid();
        self.write = self.write.index(Document { tenant, kind, id, title, body });
        self
    }

    /// Takes a record out of the full-text index.
    pub(crate) fn unindex(mut self, id: Uuid) -> Self {
        self.write = self.write.unindex(self.scope.tenant().uuid(), id);
        self
    }

    /// Tells that a record changed, once it has.
    pub(crate) fn changed(self, kind: RecordKind, id: Uuid) -> Self {
        self.record(kind, id, false)
    }

    /// Counts a record that is new, and tells that it came, once it has.
    pub(crate) fn came(mut self, kind: RecordKind, id: Uuid) -> Self {
        self.records += 1;
        self.record(kind, id, true)
    }

    /// Counts a record that goes, and tells that it went, once it has.
    pub(crate) fn went(mut self, kind: RecordKind, id: Uuid) -> Self {
        self.records -= 1;
        self.record(kind, id, true)
    }

    fn record(mut self, kind: RecordKind, id: Uuid, list_changed: bool) -> Self {
        let tenant = self.scope.tenant().uuid();
        self.write = self.write.tell(Event::Record { tenant, kind, id, list_changed });
        self
    }

    /// Tells that a user's place in the tenant changed, once it has.
    pub(crate) fn user_changed(mut self, user: Uuid) -> Self {
        self.write = self.write.tell(Event::User { user });
        self
    }

    /// Adds a statement whose last parameter is a text, sealed, and tells that it is another, once it is.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] when there is no master key.
    pub(crate) fn seal(
        mut self,
        sql: &'static str,
        mut params: Vec<Value>,
        (what, text): (What<'_>, &str),
        now: i64,
    ) -> Result<Self> {
        let vault = &self.scope.sealing.vault;
        params.push(vault.seal(self.scope.tenant(), what, text)?.into());
        self.write = self.write.and(vault.noted(now)?);
        Ok(self.run(sql, params).sealed_changed(what))
    }

    /// Tells that something sealed is another or gone, once it is.
    pub(crate) fn sealed_changed(mut self, what: What<'_>) -> Self {
        let tenant = self.scope.tenant().uuid();
        self.write = self.write.tell(Event::Sealed { tenant, what: Some(what.to_string()) });
        self
    }

    /// Tells that the tenant's own upstreams are others, once they are.
    pub(crate) fn upstreams_changed(mut self) -> Self {
        self.write = self.write.tell(Event::Upstreams { tenant: self.scope.tenant().uuid() });
        self
    }

    /// Voids what resumes a session of a user's, in whichever of their tenants it is.
    pub(crate) fn end_resumable(mut self, user: UserId, session: SessionId) -> Self {
        let sql = "DELETE FROM resume WHERE user_id = $1 AND session_id = $2";
        self.write = self.write.run(sql, params![user, session]);
        self
    }

    /// Adds an entry to the tenant's audit log. Who acts by an API key is named with it.
    pub(crate) fn audit(self, action: &'static str, detail: &str, now: i64) -> Self {
        let principal = self.scope.principal().clone();
        let mut params = params![Uuid::now_v7(), now, action, principal.user(), principal.email(), detail];
        let Proof::ApiKey { id, .. } = principal.proof() else {
            return self.run(
                "INSERT INTO audit (tenant_id, id, at, action, actor_id, actor, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                params,
            );
        };
        params.push((*id).into());
        // The write fails as a whole when there is no such key any more.
        self.run(
            "INSERT INTO audit (tenant_id, id, at, action, actor_id, actor, detail)
             SELECT $1, $2, $3, $4, $5, $6 || ' (key ' || k.name || ')', $7
             FROM api_key k WHERE k.tenant_id = $1 AND k.id = $8",
            params,
        )
    }

    /// Applies it, whole or not at all, and only if the principal still has the role with which
    /// it was let in: a revocation that was acknowledged before is never outrun.
    ///
    /// # Errors
    /// [`Error::Unmet`] with the tag of a statement that found nothing, [`Error::NotAllowed`]
    /// when the principal's place in the tenant has changed, [`Error::Limit`] when the tenant has no room for
    /// more records.
    pub(crate) async fn commit(self) -> Result<Written> {
        const STANDING: &str = "standing";
        let (sql, params) = standing(self.scope.principal());
        let guard = Write::new().expect(STANDING, sql, bound(self.scope.tenant(), sql, params));
        // Last, so that what the others return keeps its place.
        let records = self.scope.quotas.records(self.scope.tenant().into(), self.records);
        match self.scope.store.write(guard.and(self.write).and(records)).await {
            Ok(mut written) => {
                written.next_rows();
                Ok(written)
            }
            Err(Error::Unmet(RECORDS)) => Err(self.scope.quotas.no_more_records()),
            Err(Error::Unmet(STANDING)) => Err(Error::NotAllowed(
                "Your place in this tenant changed while the call ran; nothing was written. Look at auth_whoami."
                    .into(),
            )),
            Err(error) => Err(error),
        }
    }
}

macro_rules! as_it_was {
    ($($more:literal)?) => {
        concat!(
            "SELECT 1 FROM member m JOIN app_user u ON u.id = m.user_id JOIN tenant t ON t.id = m.tenant_id
             WHERE m.tenant_id = $1 AND m.user_id = $2 AND m.role = $3 AND u.disabled_at IS NULL AND t.suspended_at IS NULL",
            $($more)?
        )
    };
}

/// The statement that finds a principal's place as it was when the principal was looked at.
fn standing(principal: &Principal) -> (&'static str, Vec<Value>) {
    let mut params = params![principal.user(), principal.member_role().as_str()];
    let sql = match principal.proof() {
        Proof::Password => {
            params.push(principal.epoch().into());
            as_it_was!(" AND u.epoch = $4")
        }
        // Its tenant may be another one: whoever opened a WebSocket with it can switch.
        Proof::AccessToken { family } => {
            params.extend(params![principal.epoch(), *family]);
            as_it_was!(" AND u.epoch = $4 AND EXISTS (SELECT 1 FROM token_family f WHERE f.id = $5)")
        }
        Proof::ApiKey { id, .. } => {
            params.push((*id).into());
            as_it_was!(" AND EXISTS (SELECT 1 FROM api_key k WHERE k.tenant_id = $1 AND k.id = $4)")
        }
        Proof::External { .. } => as_it_was!(),
    };
    (sql, params)
}

/// The parameters with the tenant in front.
fn bound(tenant: TenantId, sql: &str, params: Vec<Value>) -> Vec<Value> {
    debug_assert!(sql.contains("$1"), "a statement in a tenant's scope does not name the tenant: {sql}");
    let mut all = Vec::with_capacity(params.len() + 1);
    all.push(tenant.into());
    all.extend(params);
    all
}
