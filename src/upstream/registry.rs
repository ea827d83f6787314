//! All upstreams of a server, and the sessions with them.

mod status;

use super::catalogue::Catalogue;
use super::definition::{Definition, Isolation};
use super::environment::Environment;
use super::failure::Failure;
use super::oauth::Authorizations;
use super::outward::Outward;
use super::slot::{Slot, Unit};
use crate::observe::UpstreamState;
use crate::session::{Channel, Session, SessionManager};
use crate::store::Event;
use crate::tenancy::{Principal, Proof, TenantId, TenantScope, UserId};
use crate::wire::Era;
use dashmap::{DashMap, Entry};
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// All upstreams of a server, and the sessions with them.
#[derive(Debug)]
pub struct Upstreams {
    environment: Arc<Environment>,
    catalogue: Catalogue,
    /// What tenants have added themselves, as far as it was looked up.
    own: Arc<DashMap<Uuid, Own>>,
    /// Sessions that belong to no session of a client.
    units: DashMap<Key, Arc<Slot>>,
    /// All there are, to be tended.
    slots: Mutex<Vec<Weak<Slot>>>,
    /// Which upstream works on a task, by whose task it is.
    tasks: Mutex<HashMap<(TenantId, UserId, String), String>>,
}

/// What a tenant has added.
#[derive(Debug, Default)]
struct Own {
    /// How often it has changed since somebody first asked.
    changes: u64,
    /// It as it was read, after how many of the changes.
    read: Option<(u64, Arc<[Arc<Definition>]>)>,
}

/// Whose session it is, and with which upstream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    upstream: String,
    whose: Whose,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Whose {
    Everybody,
    Tenant(TenantId),
    Caller(TenantId, UserId, String),
    /// The session's of a client, and who is signed in on it: what belongs to it is kept there.
    Session,
}

/// The upstream sessions of one client's session; they end with its identity.
#[derive(Debug, Default)]
pub(crate) struct Attached {
    slots: Mutex<HashMap<(String, TenantId, UserId), Arc<Slot>>>,
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.slots.get_mut().values().for_each(|slot| slot.end());
    }
}

/// How often sessions are looked at.
const TEND: Duration = Duration::from_secs(1);
/// More tasks than these are not remembered.
const MOST_TASKS: usize = 100_000;

impl Upstreams {
    /// No sessions yet. The names are those of the server's own tools; the URL is where people find the server.
    #[must_use]
    pub fn new(
        manager: Arc<SessionManager>,
        catalogue: Catalogue,
        reserved: HashSet<String>,
        public_url: &str,
        tasks: TaskTracker,
    ) -> Arc<Self> {
        let own = Arc::<DashMap<Uuid, Own>>::default();
        // Weak: the store belongs to what it would keep.
        let (heard, index) = (Arc::clone(&own), Arc::downgrade(&manager));
        manager.authority().store().on_commit(move |event| {
            if let Event::Upstreams { tenant } = event {
                if let Some(mut own) = heard.get_mut(tenant) {
                    own.changes += 1;
                }
                let sessions = index.upgrade().map(|manager| manager.all()).unwrap_or_default();
                sessions.iter().filter(|session| is_in(session, *tenant)).for_each(tell);
            }
        });
        Arc::new(Self {
            environment: Arc::new(Environment::new(manager, tasks, reserved, catalogue.own(), public_url)),
            catalogue,
            own,
            units: DashMap::new(),
            slots: Mutex::default(),
            tasks: Mutex::default(),
        })
    }

    /// Puts other definitions in the place of those that were configured. Sessions with upstreams that are as before go
    /// on; the others end when their calls are done.
    pub fn replace(&self, definitions: &[Definition]) {
        let before = self.catalogue.configured();
        let kept = |new: &Definition| {
            let old = before.iter().find(|old| ***old == *new);
            old.map_or_else(|| Arc::new(new.clone()), Arc::clone)
        };
        self.catalogue.configure(definitions.iter().map(kept));
        let now = self.catalogue.configured();
        self.end_those_gone(&before, &now);
        self.environment.manager.all().iter().for_each(tell);
    }

    /// Ends the sessions with upstreams that are not any more what they were.
    fn end_those_gone(&self, before: &[Arc<Definition>], now: &[Arc<Definition>]) {
        let gone = |slot: &Slot| {
            let is = |one: &Arc<Definition>| Arc::ptr_eq(one, &slot.definition);
            before.iter().any(is) && !now.iter().any(is)
        };
        self.units.retain(|_, slot| !gone(slot));
        let sessions = self.environment.manager.all();
        for attached in sessions.iter().filter_map(|session| session.attachment::<Attached>()) {
            let ended: Vec<_> = attached.slots.lock().extract_if(|_, slot| gone(slot)).collect();
            drop(ended);
        }
    }

    /// What is configured, and which names are taken.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// How people authorize the gateway at upstreams.
    pub(crate) fn authorizations(&self) -> &Authorizations {
        &self.environment.authorizations
    }

    /// Whether there can be upstreams at all: some are configured, or tenants may add some.
    pub(crate) fn are_possible(&self) -> bool {
        !self.catalogue.configured().is_empty() || self.environment.reserved.contains("upstream_add")
    }

    /// Whether somebody in this tenant surely may use an upstream.
    pub(crate) fn serve_in(&self, tenant: TenantId) -> bool {
        self.catalogue.configured().iter().any(|definition| definition.is_open_in(tenant))
            || self.own_of(tenant.uuid()).is_some_and(|own| !own.is_empty())
    }

    /// Whether this principal may use an upstream, as far as that is known without looking it up.
    pub(crate) fn may_serve(&self, principal: &Principal) -> bool {
        self.catalogue.configured().iter().any(|definition| definition.is_open_to(principal))
            || self.own_of(principal.tenant().uuid()).map_or(self.are_possible(), |own| !own.is_empty())
    }

    /// Whether this principal may meet an upstream that a person has to authorize the gateway at.
    pub(crate) fn may_ask_people(&self, principal: &Principal) -> bool {
        let asks = |definition: &Arc<Definition>| definition.authorization.is_some();
        self.catalogue.configured().iter().any(asks)
            || self.own_of(principal.tenant().uuid()).is_none_or(|own| own.iter().any(asks))
    }

    /// What a tenant has added, if that was looked up since it changed last.
    fn own_of(&self, tenant: Uuid) -> Option<Arc<[Arc<Definition>]>> {
        let own = self.own.get(&tenant)?;
        own.read.as_ref().filter(|(changes, _)| *changes == own.changes).map(|(_, read)| Arc::clone(read))
    }

    /// The upstreams that who is signed in may use: those that were configured, in their order, and then the tenant's own.
    pub(crate) async fn open_to(&self, scope: &TenantScope) -> Vec<Arc<Definition>> {
        let principal = scope.principal();
        let tenant = principal.tenant().uuid();
        let own = match self.own_of(tenant) {
            Some(own) => own,
            None => self.look_up(scope, tenant).await,
        };
        let configured = self.catalogue.configured();
        let all = configured.iter().chain(own.iter());
        all.filter(|definition| definition.is_open_to(principal)).cloned().collect()
    }

    async fn look_up(&self, scope: &TenantScope, tenant: Uuid) -> Arc<[Arc<Definition>]> {
        // Before it is read: what changes meanwhile then shows.
        let changes = self.own.entry(tenant).or_default().changes;
        let read = match super::own::definitions(scope).await {
            Ok(read) => read,
            Err(error) => {
                tracing::error!(%tenant, %error, "could not look up a tenant's upstreams");
                return Arc::new([]);
            }
        };
        let (before, now) = {
            let mut own = self.own.entry(tenant).or_default();
            let before = own.read.clone();
            if let Some((_, known)) = before.as_ref().filter(|(of, _)| *of >= changes) {
                return Arc::clone(known);
            }
            // Sessions with those that are as before go on.
            let known = before.as_ref().map_or(&[][..], |(_, known)| known);
            let kept = |new: Arc<Definition>| known.iter().find(|old| **old == new).cloned().unwrap_or(new);
            let now: Arc<[_]> = read.into_iter().map(kept).collect();
            own.read = Some((changes, Arc::clone(&now)));
            (before, now)
        };
        match before {
            Some((_, before)) => self.end_those_gone(&before, &now),
            // Whoever signed in before was told of none.
            None if !now.is_empty() => {
                let sessions = self.environment.manager.all();
                sessions.iter().filter(|session| is_in(session, tenant)).for_each(tell);
            }
            None => {}
        }
        now
    }

    /// The session of a caller with an upstream, open or not.
    ///
    /// # Errors
    /// [`Failure::Incomplete`] when it is not the caller's to use.
    pub(crate) fn slot(
        &self,
        definition: &Arc<Definition>,
        scope: &TenantScope,
        channel: &Channel,
        era: Era,
    ) -> Result<Arc<Slot>, Failure> {
        let (session, principal) = (channel.session(), scope.principal());
        let whose = match Whose::of(definition, principal, channel, era) {
            Whose::Session => {
                if let Some(slots) = session.attached::<Attached>() {
                    let key = (definition.name.clone(), principal.tenant(), principal.user());
                    let unit = || Unit::Session(Arc::downgrade(session));
                    let mut slots = slots.slots.lock();
                    let known = slots.get(&key).map(Arc::clone);
                    let slot = self.current(known, definition, scope, &session.id(), unit)?;
                    slots.insert(key.clone(), Arc::clone(&slot));
                    // Whoever has signed out since has nothing any more, and what would be kept here would stay.
                    let stays = channel.principal().is_some_and(|now| (now.tenant(), now.user()) == (key.1, key.2));
                    if !stays {
                        slots.remove(&key);
                        return Err(Failure::Incomplete("who asked for it is not signed in any more".into()));
                    }
                    return Ok(slot);
                }
                Whose::Caller(principal.tenant(), principal.user(), session.id().to_string())
            }
            whose => whose,
        };
        let unit = || match &whose {
            Whose::Everybody => Unit::Shared,
            Whose::Tenant(_) => Unit::Tenant,
            Whose::Session | Whose::Caller(..) => Unit::Caller,
        };
        let key = Key { upstream: definition.name.clone(), whose: whose.clone() };
        let entry = self.units.entry(key);
        let known = match &entry {
            Entry::Occupied(entry) => Some(Arc::clone(entry.get())),
            Entry::Vacant(_) => None,
        };
        let slot = self.current(known, definition, scope, &format_args!("user {}", principal.user()), unit)?;
        entry.insert(Arc::clone(&slot));
        Ok(slot)
    }

    /// The slot that there is, if it is of this definition; else another one.
    fn current(
        &self,
        known: Option<Arc<Slot>>,
        definition: &Arc<Definition>,
        scope: &TenantScope,
        session: &dyn Display,
        unit: impl FnOnce() -> Unit,
    ) -> Result<Arc<Slot>, Failure> {
        if let Some(slot) = known.filter(|slot| Arc::ptr_eq(&slot.definition, definition)) {
            slot.serves(scope);
            return Ok(slot);
        }
        let minter = Arc::clone(&self.environment.manager.strategies().tokens);
        let outward = Outward::open(Arc::clone(definition), scope, &session.to_string(), minter)?;
        let tenant = (definition.isolation != Isolation::Shared).then(|| scope.principal().tenant());
        let slot = Slot::new(unit(), tenant, outward, &self.environment);
        self.slots.lock().push(Arc::downgrade(&slot));
        Ok(slot)
    }

    /// The open sessions with upstreams that belong to a client's session.
    pub(crate) fn of_session(session: &Session) -> Vec<Arc<Slot>> {
        let attached = session.attachment::<Attached>();
        attached.map(|attached| attached.slots.lock().values().cloned().collect()).unwrap_or_default()
    }

    /// Remembers which upstream works on a task.
    pub(crate) fn note_task(&self, principal: &Principal, task: &str, upstream: &str) {
        let mut tasks = self.tasks.lock();
        if tasks.len() >= MOST_TASKS {
            tasks.clear();
        }
        tasks.insert((principal.tenant(), principal.user(), task.to_owned()), upstream.to_owned());
    }

    /// The upstream that works on a task.
    pub(crate) fn of_task(&self, principal: &Principal, task: &str) -> Option<String> {
        self.tasks.lock().get(&(principal.tenant(), principal.user(), task.to_owned())).cloned()
    }

    /// Closes what nobody uses, until the server closes.
    pub(crate) async fn tend(self: Arc<Self>, closing: CancellationToken) {
        let mut clock = tokio::time::interval(TEND);
        loop {
            tokio::select! {
                _ = clock.tick() => {}
                () = closing.cancelled() => break,
            }
            let slots: Vec<_> = {
                let mut slots = self.slots.lock();
                slots.retain(|slot| slot.strong_count() > 0);
                slots.iter().filter_map(Weak::upgrade).collect()
            };
            slots.iter().for_each(Slot::tend);
            drop(slots);
            self.units.retain(|_, slot| slot.is_in_use() || slot.unused_for() < TEND * 10);
        }
        self.units.clear();
    }

    /// How the upstreams are doing, those that tenants have added all together.
    #[must_use]
    pub fn states(&self) -> Vec<UpstreamState> {
        let mut sessions: HashMap<_, _> = self.environment.sessions().into_iter().collect();
        let mut states = Vec::new();
        for definition in &*self.catalogue.configured() {
            let open = sessions.remove(&definition.name).unwrap_or_default();
            let state = match open {
                0 if self.environment.health.is_failing(&definition.name) => "failing",
                0 => "closed",
                _ => "open",
            };
            states.push(UpstreamState { name: Some(definition.name.clone()), state, sessions: open });
        }
        let added = sessions.values().sum();
        let state = if added > 0 { "open" } else { "closed" };
        states.push(UpstreamState { name: None, state, sessions: added });
        states
    }
}

impl Whose {
    fn of(definition: &Definition, principal: &Principal, channel: &Channel, era: Era) -> Self {
        let passing = channel.session().is_detached() || channel.is_per_request() && era == Era::Modern;
        match definition.isolation {
            Isolation::Session if !passing => Self::Session,
            Isolation::Session => Self::Caller(principal.tenant(), principal.user(), credential(principal)),
            Isolation::Tenant => Self::Tenant(principal.tenant()),
            Isolation::Shared => Self::Everybody,
        }
    }
}

/// Which credential somebody came with, as far as they can be told apart.
fn credential(principal: &Principal) -> String {
    match principal.proof() {
        Proof::Password => "password".into(),
        Proof::AccessToken { family } => family.to_string(),
        Proof::ApiKey { id, .. } => id.to_string(),
        Proof::External { issuer, role } => format!("{issuer} {role:?}"),
    }
}

fn is_in(session: &Session, tenant: Uuid) -> bool {
    session.principal().is_some_and(|principal| principal.tenant().uuid() == tenant)
}

/// Has a session told that there may be other upstreams.
fn tell(session: &Arc<Session>) {
    session.note(|changes| (changes.tools, changes.prompts, changes.resources) = (true, true, true));
}
