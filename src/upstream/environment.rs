//! What all upstream sessions of a server share.

use super::catalogue::OwnUpstreams;
use super::definition::{Definition, Reach};
use super::failure::Failure;
use super::health::Health;
use super::oauth::Authorizations;
use super::outbound::{Destinations, Outbound};
use super::outward::Outward;
use super::peer::{Owner, Peer};
use crate::session::SessionManager;
use crate::tenancy::TenantId;
use crate::wire::Era;
use dashmap::DashMap;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use tokio_util::task::TaskTracker;

/// What all upstream sessions of a server share.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(super) manager: Arc<SessionManager>,
    pub(super) tasks: TaskTracker,
    /// Names of the server's own tools.
    pub(super) reserved: HashSet<String>,
    pub(super) health: Health,
    pub(super) authorizations: Authorizations,
    /// What leads to upstreams of whoever runs the server.
    to_configured: Outbound,
    /// What leads to those that tenants have added.
    to_added: Outbound,
    last_id: AtomicU64,
    /// Which era each upstream turned out to speak.
    eras: DashMap<String, (Weak<Definition>, Era)>,
    /// Sessions with each upstream: in all, and of each tenant.
    open: DashMap<(String, Option<TenantId>), Arc<AtomicUsize>>,
}

/// A session's place among those that may be open; dropped, it is free again.
#[derive(Debug)]
pub(crate) struct Place(Vec<Arc<AtomicUsize>>);

impl Environment {
    pub(super) fn new(
        manager: Arc<SessionManager>,
        tasks: TaskTracker,
        reserved: HashSet<String>,
        own: OwnUpstreams,
        public_url: &str,
    ) -> Self {
        let to_added = if own.allow_private { Destinations::Any } else { Destinations::Public };
        Self {
            manager,
            tasks,
            reserved,
            health: Health::default(),
            authorizations: Authorizations::new(public_url),
            to_configured: Outbound::new(Destinations::Any),
            to_added: Outbound::new(to_added),
            last_id: AtomicU64::new(0),
            eras: DashMap::new(),
            open: DashMap::new(),
        }
    }

    pub(super) fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Ordering::Relaxed)
    }

    /// The era that an upstream is known to speak, because it did not speak the other one.
    pub(super) fn era_of(&self, definition: &Arc<Definition>) -> Option<Era> {
        let known = self.eras.get(&definition.name)?;
        std::ptr::eq(known.0.as_ptr(), Arc::as_ptr(definition)).then_some(known.1)
    }

    pub(super) fn note_era(&self, definition: &Arc<Definition>, era: Era) {
        self.eras.insert(definition.name.clone(), (Arc::downgrade(definition), era));
    }

    /// Takes a place for a session.
    pub(super) fn place(&self, definition: &Definition, tenant: Option<TenantId>) -> Result<Place, Failure> {
        let limits = &definition.limits;
        let mut place = Place(Vec::with_capacity(2));
        let of_tenant = tenant.map(|tenant| (Some(tenant), limits.max_sessions_per_tenant, "your tenant has"));
        for (whose, most, has) in of_tenant.into_iter().chain([(None, limits.max_sessions, "there are")]) {
            let key = (definition.name.clone(), whose);
            let count = Arc::clone(&self.open.entry(key).or_default());
            if count.fetch_add(1, Ordering::AcqRel) >= most {
                count.fetch_sub(1, Ordering::AcqRel);
                return Err(Failure::Full(format!("{has} {most} sessions with it, which is the limit")));
            }
            place.0.push(count);
        }
        Ok(place)
    }

    /// Sessions that are open, or being opened, with each upstream.
    pub(crate) fn sessions(&self) -> Vec<(String, usize)> {
        let all = self.open.iter().filter(|entry| entry.key().1.is_none());
        all.map(|entry| (entry.key().0.clone(), entry.value().load(Ordering::Acquire))).collect()
    }

    /// What leads to an upstream, and to whoever gives tokens for it.
    pub(super) fn outbound(&self, definition: &Definition) -> &Outbound {
        if definition.added { &self.to_added } else { &self.to_configured }
    }

    /// Opens a link to an upstream, with a peer on it that has said nothing yet.
    pub(super) async fn connect(&self, outward: &Outward, owner: Weak<dyn Owner>) -> Result<Arc<Peer>, Failure> {
        let definition = outward.definition();
        let (limits, tasks) = (self.manager.limits().clone(), &self.tasks);
        let outbound = self.outbound(definition);
        Peer::on(definition, limits, owner, |inbox| async move {
            match &definition.reach {
                Reach::Command { .. } => super::stdio::open(outward.clone(), inbox, tasks).await,
                Reach::Http { .. } => super::http::open(outward.clone(), outbound, inbox, tasks),
                Reach::WebSocket { .. } => super::websocket::open(outward.clone(), outbound, inbox, tasks).await,
                Reach::OpenApi { .. } => super::openapi::open(outward.clone(), outbound, inbox, tasks).await,
            }
        })
        .await
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for count in &self.0 {
            count.fetch_sub(1, Ordering::AcqRel);
        }
    }
}
