//! All upstreams of a server, and the sessions with them.

use super::definition::{Definition, Isolation};
use super::environment::Environment;
use super::handshake::Opener;
use super::outward::Outward;
use super::slot::{Slot, Unit};
use crate::session::{Channel, Session, SessionManager};
use crate::tenancy::{Principal, Proof, TenantId, UserId};
use crate::wire::Era;
use dashmap::DashMap;
use parking_lot::{Mutex, RwLock};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// All upstreams of a server, and the sessions with them.
#[derive(Debug)]
pub struct Upstreams {
    environment: Arc<Environment>,
    configured: RwLock<Arc<Vec<Arc<Definition>>>>,
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
        configured: &[Definition],
        reserved: HashSet<String>,
        tasks: TaskTracker,
    ) -> Arc<Self> {
        Arc::new(Self {
            environment: Arc::new(Environment::new(manager, tasks, reserved)),
            configured: RwLock::new(Arc::new(configured.iter().cloned().map(Arc::new).collect())),
            units: DashMap::new(),
            slots: Mutex::default(),
            tasks: Mutex::default(),
        })
    }

    /// Puts other definitions in the place of those that were configured. Sessions with upstreams that are as before go on; the
    /// others end when their calls are done.
    pub fn replace(&self, definitions: &[Definition]) {
        let mut configured = self.configured.write();
        let before = Arc::clone(&configured);
        let kept = |new: &Definition| {
            let old = before.iter().find(|old| ***old == *new);
            old.map_or_else(|| Arc::new(new.clone()), Arc::clone)
        };
        *configured = Arc::new(definitions.iter().map(kept).collect());
        let now = Arc::clone(&configured);
        drop(configured);
        self.units.retain(|_, slot| now.iter().any(|definition| Arc::ptr_eq(definition, &slot.definition)));
        for session in self.environment.manager.all() {
            session.note(|changes| (changes.tools, changes.prompts, changes.resources) = (true, true, true));
        }
    }

    /// The upstreams that this principal may use, in their order.
    #[must_use]
    pub(crate) fn open_to(&self, principal: &Principal) -> Vec<Arc<Definition>> {
        let configured = Arc::clone(&self.configured.read());
        configured.iter().filter(|definition| definition.is_open_to(principal)).cloned().collect()
    }

    /// Whether there is any upstream at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.configured.read().is_empty()
    }

    /// The session of a caller with an upstream, open or not.
    pub(crate) fn slot(
        &self,
        definition: &Arc<Definition>,
        principal: &Principal,
        channel: &Channel,
        era: Era,
    ) -> Arc<Slot> {
        let session = channel.session();
        let own = !session.is_detached() && !(channel.is_per_request() && era == Era::Modern);
        let whose = match definition.isolation {
            Isolation::Session if own => {
                if let Some(slot) = self.attached(session, definition, principal) {
                    return slot;
                }
                Whose::Caller(principal.tenant(), principal.user(), session.id().to_string())
            }
            Isolation::Session => Whose::Caller(principal.tenant(), principal.user(), credential(principal)),
            Isolation::Tenant => Whose::Tenant(principal.tenant()),
            Isolation::Shared => Whose::Everybody,
        };
        let key = Key { upstream: definition.name.clone(), whose };
        let make = || match &key.whose {
            Whose::Everybody => self.open(Unit::Shared, definition, None, "shared"),
            Whose::Tenant(tenant) => self.open(Unit::Tenant, definition, Some(principal), &format!("tenant {tenant}")),
            Whose::Caller(..) => {
                self.open(Unit::Caller, definition, Some(principal), &format!("user {}", principal.user()))
            }
        };
        let mut entry = self.units.entry(key.clone()).or_insert_with(make);
        if !Arc::ptr_eq(&entry.definition, definition) {
            *entry = make();
        }
        Arc::clone(&entry)
    }

    fn attached(
        &self,
        session: &Arc<Session>,
        definition: &Arc<Definition>,
        principal: &Principal,
    ) -> Option<Arc<Slot>> {
        let attached = session.attached::<Attached>()?;
        let key = (definition.name.clone(), principal.tenant(), principal.user());
        let mut slots = attached.slots.lock();
        let make = || {
            let unit = Unit::Session(Arc::downgrade(session));
            self.open(unit, definition, Some(principal), &session.id().to_string())
        };
        let slot = slots.entry(key).or_insert_with(make);
        if !Arc::ptr_eq(&slot.definition, definition) {
            *slot = make();
        }
        Some(Arc::clone(slot))
    }

    fn open(&self, unit: Unit, definition: &Arc<Definition>, principal: Option<&Principal>, name: &str) -> Arc<Slot> {
        let outward = Outward::new(Arc::clone(definition), principal.cloned(), name);
        let slot = Slot::new(unit, outward, &self.environment);
        self.slots.lock().push(Arc::downgrade(&slot));
        slot
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

    /// Sessions that are open, or being opened, with each upstream.
    #[must_use]
    pub fn sessions(&self) -> Vec<(String, usize)> {
        self.environment.sessions()
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
