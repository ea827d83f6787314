//! A slot's lists, which are kept until the upstream says that they have changed.

use super::super::failure::Failure;
use super::super::handshake::Opener;
use super::super::listing::{self, Items, List};
use super::Slot;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// What is known of a list.
pub(super) enum Listed {
    Unknown,
    /// With a number that no other reading has.
    Reading(u64, Reading),
    Known(Arc<Items>),
}

type Reading = Shared<BoxFuture<'static, Result<Arc<Items>, Failure>>>;

impl Slot {
    /// One of the upstream's lists, from memory if that is still good.
    pub(crate) async fn list(self: &Arc<Self>, list: List, opener: &Opener) -> Result<Arc<Items>, Failure> {
        self.peer(opener).await?;
        let reading = {
            let mut listed = self.lists[list as usize].lock();
            match &*listed {
                Listed::Known(items) => return Ok(Arc::clone(items)),
                Listed::Reading(_, reading) if reading.peek().is_none() => reading.clone(),
                Listed::Reading(..) | Listed::Unknown => {
                    let number = self.environment.next_id();
                    let reading = self.read(list, number, opener.clone());
                    *listed = Listed::Reading(number, reading.clone());
                    reading
                }
            }
        };
        reading.await
    }

    /// A list, if it is known already.
    pub(crate) fn known(&self, list: List) -> Option<Arc<Items>> {
        match &*self.lists[list as usize].lock() {
            Listed::Known(items) => Some(Arc::clone(items)),
            _ => None,
        }
    }

    fn read(self: &Arc<Self>, list: List, number: u64, opener: Opener) -> Reading {
        let (slot, begun) = (Arc::downgrade(self), Instant::now());
        let work = async move {
            let gone = || Failure::Unreachable("its session is over".into());
            let opened = {
                let slot = slot.upgrade().ok_or_else(gone)?;
                let definition_and_all = (Arc::clone(&slot.definition), Arc::clone(&slot.environment));
                slot.peer(&opener).await.map(|peer| (peer, definition_and_all))
            };
            let items = match opened {
                Ok((peer, (definition, environment))) => {
                    listing::fetch(&peer, &opener, &definition, &environment.reserved, list).await.map(Arc::new)
                }
                Err(failure) => Err(failure),
            };
            let slot = slot.upgrade().ok_or_else(gone)?;
            let mut listed = slot.lists[list as usize].lock();
            // Changed while it was read, it has to be read again.
            if matches!(*listed, Listed::Reading(this, _) if this == number) {
                *listed = items.as_ref().map_or(Listed::Unknown, |items| Listed::Known(Arc::clone(items)));
            }
            drop(listed);
            if items.is_ok() && begun.elapsed() >= slot.definition.limits.list {
                // Those who did not wait for it were served without it.
                slot.tell_of(list.name());
            }
            items
        };
        let task = AbortOnDropHandle::new(self.environment.tasks.spawn(work));
        let reading = async move {
            task.await.unwrap_or_else(|_| Err(Failure::Unreachable("reading its lists was given up".into())))
        };
        reading.boxed().shared()
    }

    /// Forgets what lists said; whether anybody had seen one.
    pub(super) fn forget_lists(&self) -> bool {
        let forget = |listed: &Mutex<Listed>| {
            let before = std::mem::replace(&mut *listed.lock(), Listed::Unknown);
            matches!(before, Listed::Known(_))
        };
        self.lists.iter().fold(false, |any, listed| forget(listed) | any)
    }
}

impl List {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources | Self::Templates => "resources",
        }
    }
}
