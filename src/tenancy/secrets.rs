//! The right to use what is kept sealed for one tenant, and how its users learn that it has changed.

use super::ids::{TenantId, UserId};
use super::vault::{Vault, What};
use crate::error::{Error, Result};
use crate::store::{Event, Store, Write, params};
use crate::time::now;
use dashmap::DashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;
use zeroize::Zeroizing;

/// What opens one tenant's credentials and tokens, and no other's. A scope gives it; it outlives that, for what is
/// called for a tenant may go on when whoever began it has left.
#[derive(Clone, Debug)]
pub(crate) struct Secrets {
    store: Store,
    sealing: Arc<Sealing>,
    tenant: TenantId,
}

/// The vault, and who watches what is in it.
#[derive(Debug)]
pub(super) struct Sealing {
    pub(super) vault: Vault,
    /// A count for each tenant's sealed thing that somebody watches.
    counts: DashMap<(Uuid, String), Arc<AtomicU64>>,
}

/// A look at something sealed that shows when it is another; dropping the last one forgets the count.
#[derive(Debug)]
pub(crate) struct Watch {
    key: (Uuid, String),
    count: Arc<AtomicU64>,
    home: Arc<Sealing>,
}

impl Sealing {
    /// Hears from the store what was set or removed.
    pub(super) fn new(vault: Vault, store: &Store) -> Arc<Self> {
        let sealing = Arc::new(Self { vault, counts: DashMap::new() });
        let told = Arc::clone(&sealing);
        store.on_commit(move |event| match event {
            Event::Sealed { tenant, what: Some(what) } => told.raise(&(*tenant, what.clone())),
            Event::Sealed { tenant, what: None } => {
                told.counts.iter().filter(|entry| entry.key().0 == *tenant).for_each(|entry| raise(&entry));
            }
            _ => {}
        });
        sealing
    }

    fn raise(&self, key: &(Uuid, String)) {
        if let Some(count) = self.counts.get(key) {
            raise(&count);
        }
    }
}

fn raise(count: &AtomicU64) {
    count.fetch_add(1, Ordering::AcqRel);
}

impl Watch {
    /// A number that is higher after each change. Take it *before* what is watched is read: a change in between then
    /// shows.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // The map's own reference and this one: nobody else watches.
        self.home.counts.remove_if(&self.key, |_, count| Arc::strong_count(count) <= 2);
    }
}

impl Secrets {
    pub(super) fn new(store: Store, sealing: Arc<Sealing>, tenant: TenantId) -> Self {
        Self { store, sealing, tenant }
    }

    /// Learns from now on when this one changes.
    pub(crate) fn watch(&self, what: What<'_>) -> Watch {
        let key = (self.tenant.uuid(), what.to_string());
        let count = Arc::clone(&self.sealing.counts.entry(key.clone()).or_default());
        Watch { key, count, home: Arc::clone(&self.sealing) }
    }

    /// The credential with this name, if there is one.
    ///
    /// # Errors
    /// [`Error::Internal`] when it does not open or the store fails.
    pub(crate) async fn credential(&self, name: &str) -> Result<Option<Zeroizing<String>>> {
        let sql = "SELECT sealed FROM credential WHERE tenant_id = $1 AND name = $2";
        let Some(mut row) = self.store.get(sql, params![self.tenant, name]).await? else { return Ok(None) };
        self.sealing.vault.open(self.tenant, What::Credential(name), &row.text()?).map(Some)
    }

    /// What was saved for an upstream, for a user or for the whole tenant, if there is something.
    ///
    /// # Errors
    /// As for a credential.
    pub(crate) async fn token(&self, upstream: &str, user: Option<UserId>) -> Result<Option<Zeroizing<String>>> {
        let sql = "SELECT sealed FROM upstream_token WHERE tenant_id = $1 AND upstream = $2 AND user_id = $3";
        let Some(mut row) = self.store.get(sql, params![self.tenant, upstream, text(user)]).await? else {
            return Ok(None);
        };
        self.sealing.vault.open(self.tenant, What::Token { upstream, user }, &row.text()?).map(Some)
    }

    /// Saves something for an upstream in place of what was there.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] when there is no master key, or the user is no member any more.
    pub(crate) async fn save_token(&self, upstream: &str, user: Option<UserId>, token: &str) -> Result<()> {
        const MEMBER: &str = "member";
        let (what, now) = (What::Token { upstream, user }, now());
        let sealed = self.sealing.vault.seal(self.tenant, what, token)?;
        let save = "INSERT INTO upstream_token (tenant_id, upstream, user_id, sealed, updated_at)
                    SELECT id, $2, $3, $4, $5 FROM tenant WHERE id = $1
                       AND ($3 = '' OR EXISTS (SELECT 1 FROM member WHERE tenant_id = $1 AND user_id = $3))
                    ON CONFLICT (tenant_id, upstream, user_id)
                    DO UPDATE SET sealed = excluded.sealed, updated_at = excluded.updated_at";
        let write = self.sealing.vault.noted(now)?;
        let write = write.expect(MEMBER, save, params![self.tenant, upstream, text(user), sealed, now]);
        match self.store.write(write.tell(self.changed(what))).await {
            Err(Error::Unmet(MEMBER)) => {
                Err(Error::NotAllowed("This user is not a member of the tenant any more.".into()))
            }
            written => written.map(drop),
        }
    }

    /// Removes what was saved for an upstream, if there is something.
    ///
    /// # Errors
    /// [`Error::Internal`] when the store fails.
    pub(crate) async fn remove_token(&self, upstream: &str, user: Option<UserId>) -> Result<()> {
        let sql = "DELETE FROM upstream_token WHERE tenant_id = $1 AND upstream = $2 AND user_id = $3";
        let write = Write::new().run(sql, params![self.tenant, upstream, text(user)]);
        self.store.write(write.tell(self.changed(What::Token { upstream, user }))).await.map(drop)
    }

    fn changed(&self, what: What<'_>) -> Event {
        Event::Sealed { tenant: self.tenant.uuid(), what: Some(what.to_string()) }
    }
}

fn text(user: Option<UserId>) -> String {
    user.map(|user| user.to_string()).unwrap_or_default()
}
