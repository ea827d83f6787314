//! What stands before the line.

use reedline::{Color, Prompt, PromptEditMode, PromptHistorySearch};
use std::borrow::Cow;

/// The tenant's name, or the gateway's.
pub(super) struct ShellPrompt {
    pub(super) name: String,
    pub(super) coloured: bool,
}

impl Prompt for ShellPrompt {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        self.name.as_str().into()
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        "".into()
    }

    fn render_prompt_indicator(&self, _: PromptEditMode) -> Cow<'_, str> {
        "> ".into()
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        "… ".into()
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        format!(" (looking for {}) ", search.term).into()
    }

    fn get_prompt_color(&self) -> Color {
        if self.coloured { Color::Green } else { Color::Reset }
    }

    fn get_indicator_color(&self) -> Color {
        Color::Reset
    }
}
