//! What the commands for people show and ask on a terminal.
//!
//! Nothing here knows a gateway. What comes from one is shown with its control characters escaped.

mod ask;
mod json;
mod style;
mod table;
mod text;

pub(super) use ask::{Asked, ask, ask_hidden};
pub(super) use json::{pretty, raw};
pub(super) use style::Style;
pub(super) use table::{Shown, show, width};
pub(super) use text::{clean, clean_lines, cut};

use std::io::{IsTerminal as _, Write as _};

/// Whether there is somebody to ask: what is typed and what is asked pass through a terminal.
pub(super) fn is_attended() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Writes to standard output, whoever reads it and for how long.
pub(super) fn out(text: &str) {
    let mut out = std::io::stdout().lock();
    // Whoever reads may have had enough.
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Writes to standard error.
pub(super) fn err(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
