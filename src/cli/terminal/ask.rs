//! Questions to whoever sits at the terminal.

use super::{Style, clean};
use crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers, read};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use reedline::{Prompt, PromptEditMode, PromptHistorySearch, Reedline, Signal};
use std::borrow::Cow;
use std::io::{Write as _, stderr};
use zeroize::Zeroizing;

/// How much of a secret there is room for from the start; one that outgrows it leaves a copy in memory.
const ROOM: usize = 4096;

/// What came of a question.
#[derive(Debug)]
pub(in crate::cli) enum Asked<T> {
    /// This was typed.
    Answer(T),
    /// Ctrl-C or Ctrl-D.
    Declined,
}

/// Asks for a line that may be seen. Not kept in any history.
pub(in crate::cli) fn ask(label: &str) -> Asked<String> {
    let prompt = Label(format!("{}: ", clean(label)));
    match Reedline::create().with_ansi_colors(Style::of(&stderr()).is_on()).read_line(&prompt) {
        Ok(Signal::Success(line)) => Asked::Answer(line.trim().to_owned()),
        _ => Asked::Declined,
    }
}

/// Asks for what must not be seen. Nothing shows while it is typed; Ctrl-C is a key like others meanwhile, so that
/// nothing ends before the terminal is as it was.
pub(in crate::cli) fn ask_hidden(label: &str) -> Asked<Zeroizing<String>> {
    let mut error = stderr();
    // Hidden from before the question on, so that not even what is typed ahead is seen.
    let raw = match Raw::begin() {
        Ok(raw) => raw,
        Err(why) => {
            super::err(&format!("The terminal can't be told not to show what is typed: {why}"));
            return Asked::Declined;
        }
    };
    let _ = write!(error, "{}: ", clean(label)).and_then(|()| error.flush());
    let mut typed = Zeroizing::new(String::with_capacity(ROOM));
    let answer = loop {
        let key = match read() {
            Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => key,
            Ok(Event::Paste(text)) => {
                typed.push_str(&Zeroizing::new(text));
                continue;
            }
            Ok(_) => continue,
            Err(_) => break Asked::Declined,
        };
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Enter => break Asked::Answer(typed),
            KeyCode::Char('j' | 'm') if control => break Asked::Answer(typed),
            KeyCode::Char('c' | 'd') if control => break Asked::Declined,
            KeyCode::Char('u') if control => typed.clear(),
            KeyCode::Backspace => drop(typed.pop()),
            KeyCode::Char(c) if !control => typed.push(c),
            _ => {}
        }
    };
    drop(raw);
    let _ = writeln!(error);
    answer
}

/// The terminal without echo; as before when dropped.
struct Raw;

impl Raw {
    fn begin() -> std::io::Result<Self> {
        enable_raw_mode().map(|()| Self)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // A terminal that has gone has no mode.
        let _ = disable_raw_mode();
    }
}

/// A question as reedline shows it.
struct Label(String);

impl Prompt for Label {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        self.0.as_str().into()
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        "".into()
    }

    fn render_prompt_indicator(&self, _: PromptEditMode) -> Cow<'_, str> {
        "".into()
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        "  ".into()
    }

    fn render_prompt_history_search_indicator(&self, _: PromptHistorySearch) -> Cow<'_, str> {
        "".into()
    }
}
