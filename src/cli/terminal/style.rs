//! Colour, where it is wanted.

use std::fmt::Display;
use std::io::IsTerminal;

/// How text is set off, if at all.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Style {
    on: bool,
}

impl Style {
    /// Colour on a terminal, unless `NO_COLOR` is set or the terminal is `dumb`.
    pub(in crate::cli) fn of(stream: &impl IsTerminal) -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self { on: stream.is_terminal() && !unwanted && !dumb }
    }

    /// No colour.
    #[cfg(test)]
    pub(in crate::cli) const PLAIN: Self = Self { on: false };

    /// Whether there is any.
    pub(in crate::cli) fn is_on(self) -> bool {
        self.on
    }

    /// What heads something.
    pub(in crate::cli) fn head(self, text: impl Display) -> String {
        self.with("1", text)
    }

    /// What matters less.
    pub(in crate::cli) fn faint(self, text: impl Display) -> String {
        self.with("2", text)
    }

    /// What went wrong.
    pub(in crate::cli) fn wrong(self, text: impl Display) -> String {
        self.with("31", text)
    }

    fn with(self, code: &str, text: impl Display) -> String {
        if self.on { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_string() }
    }
}
