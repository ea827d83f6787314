//! How providers say that what they provide has changed.

use super::hub::Topic;
use super::{Changes, Session, SessionManager};
use crate::tenancy::{TenantId, TenantScope};
use std::sync::Arc;

/// Tells clients of changes, as far as they want to know: legacy ones of lists unasked and of what they subscribed to,
/// modern ones of what their `subscriptions/listen` names.
#[derive(Debug, Clone)]
pub struct Announcer {
    manager: Arc<SessionManager>,
    /// Only those who are signed in to this tenant are told.
    tenant: Option<TenantId>,
}

impl Announcer {
    /// An announcer for all sessions.
    #[must_use]
    pub fn new(manager: Arc<SessionManager>) -> Self {
        Self { manager, tenant: None }
    }

    /// One that only reaches who is signed in to the scope's tenant.
    #[must_use]
    pub fn within(&self, scope: &TenantScope) -> Self {
        Self { manager: Arc::clone(&self.manager), tenant: Some(scope.principal().tenant()) }
    }

    /// A resource has changed.
    pub fn updated(&self, uri: &str) {
        self.manager.hub().updated(&Topic::Resource(uri.into()), |session| self.reaches(session));
    }

    /// There are other resources than before.
    pub fn resources_changed(&self) {
        self.manager.hub().list_changed(&Topic::Resources, |session| self.reaches(session));
    }

    /// There are other prompts than before.
    pub fn prompts_changed(&self) {
        self.tell(|changes| changes.prompts = true);
    }

    /// There are other tools than before, or other ones can be called.
    pub fn tools_changed(&self) {
        self.tell(|changes| changes.tools = true);
    }

    fn tell(&self, change: impl Fn(&mut Changes)) {
        self.manager.all().iter().filter(|session| self.reaches(session)).for_each(|session| session.note(&change));
    }

    fn reaches(&self, session: &Session) -> bool {
        self.tenant.is_none_or(|tenant| session.principal().is_some_and(|principal| principal.tenant() == tenant))
    }
}
