//! `sessile shell`: a gateway's tools as commands, for people; and for scripts by standard input.

mod command;
mod complete;
mod discreet;
mod history;
mod line;
mod listen;
mod prompt;
mod recent;
mod session;

use super::failure::Failure;
use super::runtime;
use super::target::Target;
use super::terminal::{Style, clean, err, is_attended};
use crate::error::Result;
use clap::Args;
use complete::Complete;
use prompt::ShellPrompt;
use reedline::{
    ColumnarMenu, Emacs, ExternalPrinter, KeyCode, KeyModifiers, MenuBuilder as _, Reedline, ReedlineEvent,
    ReedlineMenu, Signal, default_emacs_keybindings,
};
use session::Session;
use std::io::{BufRead as _, stderr, stdin};
use std::process::ExitCode;
use tokio::runtime::Handle;

/// The name of the menu of completions.
const MENU: &str = "completions";

/// Work with a gateway's tools as with commands.
///
/// On a terminal: Tab completes, Ctrl-C takes a call back, Ctrl-D ends. From a pipe, each line of standard input is a
/// command and each result a line of JSON; the exit status is that of the first command that failed, as with `sessile call`.
#[derive(Debug, Args)]
pub(super) struct Shell {
    #[command(flatten)]
    target: Target,
    /// Print results as JSON, also on a terminal
    #[arg(long)]
    json: bool,
}

impl Shell {
    pub(super) fn run(self) -> Result<ExitCode> {
        let runtime = runtime()?;
        let opened = self
            .target
            .resolve()
            .map_err(Failure::usage)
            .and_then(|destination| runtime.block_on(Session::open(destination, self.json, is_attended())));
        Ok(match opened {
            Ok(session) if is_attended() => interact(session, runtime.handle()),
            Ok(session) => follow(session, runtime.handle()),
            Err(failure) => failure.tell(),
        })
    }
}

/// Line by line from whoever types.
fn interact(mut session: Session, runtime: &Handle) -> ExitCode {
    let printer = ExternalPrinter::new(1024);
    session.shared.print_to(printer.clone());
    let style = Style::of(&stderr());
    err(&session.welcome());
    let mut editor = editor(&session, runtime, printer, style);
    loop {
        let prompt = ShellPrompt { name: session.shared.name(), coloured: style.is_on() };
        session.shared.prompting(true);
        let signal = editor.read_line(&prompt);
        session.shared.prompting(false);
        match signal {
            Ok(Signal::Success(line)) => match runtime.block_on(session.carry_out(&line)) {
                Ok(true) => {}
                Ok(false) => break,
                Err(failure) => err(&style.wrong(clean_failure(&failure.text))),
            },
            Ok(Signal::CtrlD) => break,
            Ok(_) => {}
            Err(error) => {
                err(&format!("sessile: reading from the terminal: {error}"));
                return ExitCode::FAILURE;
            }
        }
    }
    runtime.block_on(session.close());
    ExitCode::SUCCESS
}

fn clean_failure(text: &str) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}

/// Line by line from a pipe.
fn follow(mut session: Session, runtime: &Handle) -> ExitCode {
    let mut first = ExitCode::SUCCESS;
    let mut failed = false;
    for line in stdin().lock().lines() {
        let Ok(line) = line else { break };
        match runtime.block_on(session.carry_out(&line)) {
            Ok(true) => {}
            Ok(false) => break,
            Err(failure) => {
                let status = failure.tell();
                if !std::mem::replace(&mut failed, true) {
                    first = status;
                }
            }
        }
    }
    runtime.block_on(session.close());
    first
}

fn editor(session: &Session, runtime: &Handle, printer: ExternalPrinter<String>, style: Style) -> Reedline {
    let mut keys = default_emacs_keybindings();
    let complete = ReedlineEvent::UntilFound(vec![ReedlineEvent::Menu(MENU.into()), ReedlineEvent::MenuNext]);
    keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, complete);
    keys.add_binding(KeyModifiers::SHIFT, KeyCode::BackTab, ReedlineEvent::MenuPrevious);
    let menu = ColumnarMenu::default().with_name(MENU).with_columns(1);
    let mut editor = Reedline::create()
        .with_ansi_colors(style.is_on())
        .with_edit_mode(Box::new(Emacs::new(keys)))
        .with_completer(Box::new(Complete::new(session, runtime.clone())))
        .with_menu(ReedlineMenu::EngineCompleter(Box::new(menu)))
        .with_quick_completions(true)
        .with_partial_completions(true)
        .with_external_printer(printer);
    match history::open(&session.shared) {
        Ok(history) => editor = editor.with_history(history),
        Err(why) => err(&format!("Lines are not kept for the next time: {why}")),
    }
    editor
}
