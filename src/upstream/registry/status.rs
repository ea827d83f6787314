//! How a caller's own session with an upstream is, without opening one.

use super::{Attached, Key, Upstreams, Whose};
use crate::session::Channel;
use crate::tenancy::TenantScope;
use crate::upstream::definition::{Definition, Isolation};
use crate::upstream::slot::{Slot, Status};
use crate::wire::Era;
use std::sync::Arc;

impl Upstreams {
    /// What there is to say of a caller's session with an upstream.
    pub(crate) fn status(
        &self,
        definition: &Arc<Definition>,
        scope: &TenantScope,
        channel: &Channel,
        era: Era,
    ) -> Status {
        match self.known(definition, scope, channel, era) {
            Some(slot) => slot.status(),
            None => {
                let tenant = (definition.isolation != Isolation::Shared).then(|| scope.principal().tenant());
                Status::of_none(&self.environment.health, definition, tenant)
            }
        }
    }

    fn known(
        &self,
        definition: &Arc<Definition>,
        scope: &TenantScope,
        channel: &Channel,
        era: Era,
    ) -> Option<Arc<Slot>> {
        let principal = scope.principal();
        let upstream = definition.name.clone();
        let slot = match Whose::of(definition, principal, channel, era) {
            Whose::Session => {
                let attached = channel.session().attachment::<Attached>()?;
                let slots = attached.slots.lock();
                slots.get(&(upstream, principal.tenant(), principal.user())).map(Arc::clone)?
            }
            whose => Arc::clone(&*self.units.get(&Key { upstream, whose })?),
        };
        Arc::ptr_eq(&slot.definition, definition).then_some(slot)
    }
}
