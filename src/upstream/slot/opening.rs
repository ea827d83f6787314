//! How a slot's session is opened, and whose fault it is when it can't be.

use super::super::environment::{Environment, Place};
use super::super::failure::Failure;
use super::super::handshake::{self, Opener};
use super::super::outward::Outward;
use super::super::peer::{Owner, Peer};
use crate::tenancy::TenantId;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Opens a session in the era that fits, and in the other one if the upstream does not speak that.
pub(super) async fn open(
    outward: &Outward,
    tenant: Option<TenantId>,
    environment: &Arc<Environment>,
    owner: Weak<dyn Owner>,
    opener: &Opener,
) -> Result<(Arc<Peer>, Place), Failure> {
    let definition = outward.definition();
    let place = environment.place(definition, tenant)?;
    let eras = handshake::order(definition.era, opener, environment.era_of(definition));
    let mut first = None;
    for (number, era) in eras.iter().enumerate() {
        let last = number + 1 == eras.len();
        // Some servers say nothing at all to what they do not know.
        let limit = if last { definition.limits.open } else { definition.limits.open.min(Duration::from_secs(10)) };
        let attempt = async {
            let peer = environment.connect(outward, Weak::clone(&owner)).await?;
            handshake::shake(&peer, opener, *era).await?;
            Ok(peer)
        };
        let failure = match tokio::time::timeout(limit, attempt).await {
            Ok(Ok(peer)) => {
                if number > 0 {
                    // The next one need not try the other first.
                    environment.note_era(definition, *era);
                }
                return Ok((peer, place));
            }
            Ok(Err(failure)) => failure,
            Err(_) => Failure::TimedOut(limit.as_secs()),
        };
        let other = matches!(
            failure,
            Failure::Unreadable(_) | Failure::Status(_) | Failure::Ended(_) | Failure::TimedOut(_) | Failure::Forgotten
        );
        if last || !other {
            // That one names the way out.
            let refused = matches!(failure, Failure::Unauthorized(_));
            return Err(first.filter(|_| !refused).unwrap_or(failure));
        }
        first = Some(failure);
    }
    Err(first.unwrap_or_else(|| Failure::Unreachable("there is no era to try".into())))
}

/// Whether it was the upstream that failed, and not what is asked of it or who may ask.
pub(super) fn is_the_upstreams(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::Unreachable(_)
            | Failure::Unauthorized(_)
            | Failure::TimedOut(_)
            | Failure::Ended(_)
            | Failure::Forgotten
    )
}
