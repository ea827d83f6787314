//! The log levels of RFC 5424.

/// Least severe first.
const LEVELS: [&str; 8] = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

/// The level with this name, as a number that grows with severity.
#[must_use]
pub fn log_level(name: &str) -> Option<u8> {
    LEVELS.iter().position(|level| *level == name).and_then(|level| u8::try_from(level).ok())
}

/// The name of a level.
#[must_use]
pub fn log_level_name(level: u8) -> Option<&'static str> {
    LEVELS.get(usize::from(level)).copied()
}
