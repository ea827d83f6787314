//! What a line asks for, and the arguments in it.

use super::super::failure::{Failure, Kind};
use super::super::tools::unknown;
use super::line::{Line, Word};
use crate::client::tools::{Arguments, Field, Found, Kind as Holds, Tool, Toolbox};

/// What a line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command<'a> {
    /// Nothing is typed.
    Nothing,
    /// Ends the shell.
    Exit,
    /// Lists the tools.
    Tools,
    /// Gets the next page of the last list.
    More,
    /// Explains the shell, or what these words name.
    Help(Vec<&'a str>),
    /// Has changes of a resource told, or no longer.
    Watch {
        /// Its URI.
        uri: &'a str,
        /// Whether to begin.
        begin: bool,
    },
    /// Calls a tool that so many words name.
    Tool {
        /// Its name.
        name: String,
        /// How many words.
        words: usize,
    },
    /// Sends a message as it is.
    Message(&'a str),
    /// None of these; says why.
    Unknown(Failure),
}

/// The words that are no tools.
pub(super) const WORDS: &[(&str, &str)] = &[
    ("help", "Explain the shell, or a tool: help TOOL"),
    ("tools", "List the tools"),
    ("login", "Sign in; the password is asked for"),
    ("logout", "Sign out"),
    ("more", "Get the next page of the last list"),
    ("watch", "Tell when a resource changes: watch URI"),
    ("unwatch", "No longer tell"),
    ("exit", "End the shell, as Ctrl-D does"),
];

/// Finds out what a line asks for.
pub(super) fn understand<'a>(toolbox: &Toolbox, line: &'a Line<'a>) -> Command<'a> {
    let texts = line.texts();
    let Some((first, rest)) = texts.split_first() else {
        return line.json.map_or(Command::Nothing, Command::Message);
    };
    match (*first, rest) {
        ("exit" | "quit", []) => return Command::Exit,
        ("tools", []) => return Command::Tools,
        ("more", []) => return Command::More,
        ("help" | "?", words) => return Command::Help(words.to_vec()),
        ("watch", [uri]) => return Command::Watch { uri, begin: true },
        ("unwatch", [uri]) => return Command::Watch { uri, begin: false },
        ("login", _) if toolbox.get("auth_sign_in").is_some() => {
            return Command::Tool { name: "auth_sign_in".into(), words: 1 };
        }
        ("logout", _) if toolbox.get("auth_sign_out").is_some() => {
            return Command::Tool { name: "auth_sign_out".into(), words: 1 };
        }
        _ => {}
    }
    let named = &texts[..line.naming()];
    match toolbox.find(named) {
        Found::Tool { name, words } => Command::Tool { name, words },
        Found::Several(names) => {
            let why = format!("that may be any of {}", names.join(", "));
            Command::Unknown(Failure::new(Kind::Usage, why))
        }
        Found::Nothing => Command::Unknown(Failure::new(Kind::NotFound, unknown(toolbox, &named.join(" ")))),
    }
}

/// The arguments in the words behind a tool's name, and whether `--json` is among them.
///
/// # Errors
/// What does not fit.
pub(super) fn arguments<'a>(tool: &'a Tool, line: &Line<'_>, named: usize) -> Result<(Arguments<'a>, bool), String> {
    let mut arguments = Arguments::new(Some(tool));
    let mut as_json = false;
    if let Some(json) = line.json {
        // What follows the object may be the shell's own.
        let json = match json.trim_end().strip_suffix("--json") {
            Some(before) => {
                as_json = true;
                before
            }
            None => json,
        };
        arguments.take_json(json)?;
    }
    let mut words = line.words[named..].iter().peekable();
    while let Some(Word { text, .. }) = words.next() {
        if text == "--json" && tool.field("json").is_none() {
            as_json = true;
            continue;
        }
        if let Some(option) = text.strip_prefix("--") {
            let (name, value) = option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value)));
            let name = spelled(tool, name);
            let field = arguments.field(&name)?;
            let value = match value {
                Some(value) => value,
                None if is_flag(field, words.peek().map(|word| word.text.as_str())) => "true",
                None => words.next().map(|word| word.text.as_str()).ok_or_else(|| format!("--{name} wants a value"))?,
            };
            give(&mut arguments, &name, value)?;
        } else if let Some((name, value)) = text.split_once('=') {
            give(&mut arguments, &spelled(tool, name), value)?;
        } else {
            let mut open = arguments.missing().into_iter().filter(|field| !field.secret);
            let Some(field) = open.next() else {
                // Not repeated: it may be a password.
                return Err(format!("there is a word too many; write arguments of {} as name=value", tool.name));
            };
            arguments.set(&field.name, text)?;
        }
    }
    Ok((arguments, as_json))
}

/// Gives an argument what was typed, or what is in a file: `@FILE`.
fn give(arguments: &mut Arguments<'_>, name: &str, value: &str) -> Result<(), String> {
    match value.strip_prefix('@') {
        Some(literal) if literal.starts_with('@') => arguments.set(name, literal),
        Some(file) => {
            let text = std::fs::read_to_string(file).map(zeroize::Zeroizing::new);
            arguments.set(name, &text.map_err(|error| format!("{name}: reading {file}: {error}"))?)
        }
        None => arguments.set(name, value),
    }
}

/// The name of an argument, which may be typed with `-` for `_`.
fn spelled(tool: &Tool, name: &str) -> String {
    let with_lines = name.replace('-', "_");
    if tool.field(name).is_none() && tool.field(&with_lines).is_some() { with_lines } else { name.to_owned() }
}

/// Whether an option stands for `true`.
fn is_flag(field: Option<&Field>, next: Option<&str>) -> bool {
    field.is_some_and(|field| field.kind == Holds::Boolean) && !matches!(next, Some("true" | "false" | "yes" | "no"))
}
