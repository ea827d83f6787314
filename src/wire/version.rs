//! Protocol revisions and what differs between them on the wire.

/// The revision that carries its metadata on every request.
pub const MODERN: &str = "2026-07-28";
/// The revisions that open with `initialize`, newest first.
pub const LEGACY: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
/// What a legacy client without a version of its own is served as.
pub const LATEST_LEGACY: &str = LEGACY[0];

/// In which era a request is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// Up to 2025-11-25: `initialize`, notifications unasked.
    Legacy,
    /// From 2026-07-28 on: metadata on each request, notifications on `subscriptions/listen`.
    Modern,
}

/// The version to answer `initialize` with: the one asked for, or the newest legacy one.
#[must_use]
pub fn negotiate(requested: &str) -> &'static str {
    LEGACY.into_iter().find(|known| *known == requested).unwrap_or(LATEST_LEGACY)
}

/// Whether a message may be an array of messages: 2025-03-26 alone has batches.
#[must_use]
pub fn allows_batches(version: &str) -> bool {
    version == "2025-03-26"
}

/// Whether an error about an unreadable id has `"id": null`, as JSON-RPC 2.0 says. From 2025-11-25
/// on the schema has no null id, and the member is left out.
#[must_use]
pub fn keeps_null_ids(version: &str) -> bool {
    version < LATEST_LEGACY
}

/// Whether a method is one of the core protocol's, of either era: what is not served of those is not there, whatever
/// extensions anybody has.
#[must_use]
pub fn is_core(method: &str) -> bool {
    matches!(
        method,
        "initialize"
            | "ping"
            | "logging/setLevel"
            | "server/discover"
            | "subscriptions/listen"
            | "tools/list"
            | "tools/call"
            | "resources/list"
            | "resources/templates/list"
            | "resources/read"
            | "resources/subscribe"
            | "resources/unsubscribe"
            | "prompts/list"
            | "prompts/get"
            | "completion/complete"
            | "sampling/createMessage"
            | "elicitation/create"
            | "roots/list"
    )
}
