//! What calling a tool does, as hints for clients.

/// What a tool does to the world; becomes the tool's `annotations`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Changes nothing.
    Reads,
    /// Adds something; called twice, it adds twice.
    Adds,
    /// Changes or removes what is there; called twice with the same arguments, it does nothing
    /// more the second time.
    Changes,
}

impl Effect {
    /// The `annotations` member of a tool.
    #[must_use]
    pub fn annotations(self, title: &str) -> serde_json::Value {
        serde_json::json!({
            "title": title,
            "readOnlyHint": self == Self::Reads,
            "destructiveHint": self == Self::Changes,
            "idempotentHint": self != Self::Adds,
            "openWorldHint": false,
        })
    }
}
