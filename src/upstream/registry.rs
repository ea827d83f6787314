//! All upstreams of a server, and the sessions with them.

use super::catalogue::Catalogue;
use super::definition::{Definition, Isolation};
use super::environment::Environment;
use super::failure::Failure;
use super::handshake::Opener;
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
    own: Arc<DashMap<Uuid, Arc<[Arc<Definition>]>>>,
    /// Sessions that belong to no session of a client.
    units: DashMap<Key, Arc<Slot>>,
    /// All there are, to be tended.
    slots: Mutex<Vec<Weak<Slot>>>,
    /// Which upstream works on a task, by whose task it is.
    tasks: Mutex<HashMap<(TenantId, UserId, String), String>>,
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
}

/// The upstream sessions of one client's session; they end with its identity.
#[derive(Debug, Default)]
pub(crate) struct Attached {
    slots: Mutex<HashMap<(String, TenantId, UserId), Arc<Slot>>>,
}

/// How often sessions are looked at.
const TEND: Duration = Duration::from_secs(1);
/// More tasks than these are not remembered.
const MOST_TASKS: usize = 100_000;

impl Upstreams {
    /// No sessions yet. The names are those of the server's own tools.
    #[must_use]
    pub fn new(
        manager: Arc<SessionManager>,
        catalogue: Catalogue,
        reserved: HashSet<String>,
        tasks: TaskTracker,
    ) -> Arc<Self> {
        let own = Arc::<DashMap<_, _>>::default();
        // Weak: the store belongs to what it would keep.
        let (heard, index) = (Arc::clone(&own), Arc::downgrade(&manager));
        manager.authority().store().on_commit(move |event| {
            if let Event::Upstreams { tenant } = event {
                heard.remove(tenant);
                let sessions = index.upgrade().map(|manager| manager.all()).unwrap_or_default();
                sessions.iter().filter(|session| is_in(session, *tenant)).for_each(tell);
            }
        });
        Arc::new(Self {
            environment: Arc::new(Environment::new(manager, tasks, reserved, catalogue.own())),
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
        sessions.iter().for_each(tell);
    }

    /// What is configured, and which names are taken.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Whether there can be upstreams at all: some are configured, or tenants may add some.
    pub(crate) fn are_possible(&self) -> bool {
        !self.catalogue.configured().is_empty() || self.environment.reserved.contains("upstream_add")
    }

    /// Whether this principal surely may use an upstream.
    pub(crate) fn serve(&self, principal: &Principal) -> bool {
        self.catalogue.configured().iter().any(|definition| definition.is_open_to(principal))
            || self.own.get(&principal.tenant().uuid()).is_some_and(|own| !own.is_empty())
    }

    /// Whether this principal may use an upstream, as far as that is known without looking it up.
    pub(crate) fn may_serve(&self, principal: &Principal) -> bool {
        self.catalogue.configured().iter().any(|definition| definition.is_open_to(principal))
            || self.own.get(&principal.tenant().uuid()).map_or(self.are_possible(), |own| !own.is_empty())
    }

    /// The upstreams that who is signed in may use: those that were configured, in their order, and then the tenant's own.
    pub(crate) async fn open_to(&self, scope: &TenantScope) -> Vec<Arc<Definition>> {
        let principal = scope.principal();
        let tenant = principal.tenant().uuid();
        let known = self.own.get(&tenant).map(|own| Arc::clone(&own));
        let own = match known {
            Some(own) => own,
            None => self.look_up(scope, tenant).await,
        };
        let configured = self.catalogue.configured();
        let all = configured.iter().chain(own.iter());
        all.filter(|definition| definition.is_open_to(principal)).cloned().collect()
    }

    async fn look_up(&self, scope: &TenantScope, tenant: Uuid) -> Arc<[Arc<Definition>]> {
        // Put there before it is read: what changes meanwhile takes it away again.
        self.own.insert(tenant, Arc::new([]));
        match super::own::definitions(scope).await {
            Ok(own) => {
                let own: Arc<[_]> = own.into();
                if let Some(mut known) = self.own.get_mut(&tenant) {
                    *known = Arc::clone(&own);
                }
                if !own.is_empty() {
                    // Whoever signed in before was told of none.
                    let sessions = self.environment.manager.all();
                    sessions.iter().filter(|session| is_in(session, tenant)).for_each(tell);
                }
                own
            }
            Err(error) => {
                tracing::error!(%tenant, %error, "could not look up a tenant's upstreams");
                self.own.remove(&tenant);
                Arc::new([])
            }
        }
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
        let own = !(session.is_detached() || channel.is_per_request() && era == Era::Modern);
        let whose = match definition.isolation {
            Isolation::Session if own => {
                if let Some(slots) = session.attached::<Attached>() {
                    let key = (definition.name.clone(), principal.tenant(), principal.user());
                    let unit = || Unit::Session(Arc::downgrade(session));
                    let mut slots = slots.slots.lock();
                    let known = slots.get(&key).map(Arc::clone);
                    let slot = self.current(known, definition, scope, &session.id(), unit)?;
                    slots.insert(key, Arc::clone(&slot));
                    return Ok(slot);
                }
                Whose::Caller(principal.tenant(), principal.user(), session.id().to_string())
            }
            Isolation::Session => Whose::Caller(principal.tenant(), principal.user(), credential(principal)),
            Isolation::Tenant => Whose::Tenant(principal.tenant()),
            Isolation::Shared => Whose::Everybody,
        };
        let unit = || match &whose {
            Whose::Everybody => Unit::Shared,
            Whose::Tenant(_) => Unit::Tenant,
            Whose::Caller(..) => Unit::Caller,
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

/// Which credential somebody came with, as far as they can be told apart.
fn credential(principal: &Principal) -> String {
    match principal.proof() {
        Proof::Password => "password".into(),
        Proof::AccessToken { family } => family.to_string(),
        Proof::ApiKey { id, .. } => id.to_string(),
        Proof::External { issuer, role } => format!("{issuer} {role:?}"),
    }
}

/// What an upstream is told of the client.
pub(crate) fn opener(channel: &Channel, era: Era, isolation: Isolation, meta: Option<(&str, &str)>) -> Opener {
    let nothing = Opener { era, implementation: String::new(), capabilities: String::new() };
    if isolation == Isolation::Shared {
        return nothing;
    }
    match (era, meta) {
        (Era::Modern, Some((implementation, capabilities))) => {
            Opener { implementation: implementation.to_owned(), capabilities: capabilities.to_owned(), ..nothing }
        }
        (Era::Modern, None) => nothing,
        (Era::Legacy, _) => {
            let said = channel.session().client().and_then(|client| client.own_words);
            said.map_or(nothing.clone(), |said| Opener {
                implementation: said.implementation.clone(),
                capabilities: said.capabilities.clone(),
                ..nothing
            })
        }
    }
}

fn is_in(session: &Session, tenant: Uuid) -> bool {
    session.principal().is_some_and(|principal| principal.tenant().uuid() == tenant)
}

/// Has a session told that there may be other upstreams.
fn tell(session: &Arc<Session>) {
    session.note(|changes| (changes.tools, changes.prompts, changes.resources) = (true, true, true));
}
