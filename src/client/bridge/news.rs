//! What people are told: a line on standard error, and a log message to a host that takes such.

use super::memory::Memory;
use serde_json::json;
use std::io::Write as _;

/// How much is said on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Only what somebody has to do something about.
    Quiet,
    /// When the connection is there, is lost, and is back.
    Normal,
    /// Each attempt as well.
    Verbose,
}

/// Says it on standard error, if so much is to be said.
pub(super) fn say(verbosity: Verbosity, from: Verbosity, text: &str) {
    if verbosity >= from {
        // Nobody may be there to read it.
        let _ = writeln!(std::io::stderr().lock(), "sessile connect: {text}");
    }
}

/// The same as a log message, if the host wants such.
pub(super) fn log_message(memory: &Memory, level: &str, text: &str) -> Option<String> {
    if !memory.wants(level) {
        return None;
    }
    let params = json!({ "level": level, "logger": "sessile connect", "data": text });
    Some(crate::wire::notification("notifications/message", &params.to_string()))
}
