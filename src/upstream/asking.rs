//! What an upstream asks a legacy client for, passed on as a request.

use super::caller::Asked;
use super::peer::Peer;
use crate::session::{Channel, SessionLimits, Unasked};
use crate::wire::{Capabilities, Capability};
use std::sync::Weak;

/// Whether the client can be asked for this: it hears what comes before an answer, and has declared what it takes.
pub(crate) fn can(channel: &Channel, method: &str) -> bool {
    channel.is_heard() && declares(channel.session().capabilities(), method).unwrap_or(true)
}

/// Whether who declares this can be asked for that; unknown of what we do not know.
pub(super) fn declares(declared: Capabilities, method: &str) -> Option<bool> {
    match method {
        "sampling/createMessage" => Some(declared.has(Capability::Sampling)),
        "elicitation/create" => Some(declared.has(Capability::Elicitation) || declared.has(Capability::UrlElicitation)),
        "roots/list" => Some(declared.has(Capability::Roots)),
        _ => None,
    }
}

/// Asks, waits, and tells the upstream what was answered.
pub(super) async fn forward(peer: Weak<Peer>, channel: Channel, limits: SessionLimits, asked: Asked) {
    let params = if asked.params.is_empty() { "{}" } else { &asked.params };
    let answer = channel.ask(&limits, &asked.method, params).await.unwrap_or_else(|why| {
        let why = match why {
            Unasked::TooMany => "the client has too many requests to answer already",
            Unasked::TimedOut => "the client did not answer in time",
        };
        Err(format!(r#"{{"code":-32603,"message":"Internal error: {why}"}}"#))
    });
    if let Some(peer) = peer.upgrade() {
        peer.answer(&asked.id, answer.as_deref().map_err(String::as_str));
    }
}
