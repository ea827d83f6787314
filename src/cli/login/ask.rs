//! What a person is asked for. Secrets come from a terminal without echo or from standard input, and from nowhere else.

use super::wrong;
use crate::auth::Token;
use crate::cli::terminal::{Asked, ask_hidden};
use crate::client::GatewayUrl;
use crate::error::{Error, Result};
use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _, stderr, stdin};
use zeroize::Zeroizing;

/// The most that is read as a secret.
const MAX: u64 = 16 * 1024;

/// The address to sign in with.
pub(super) fn email(stdin_is_the_password: bool) -> Result<String> {
    if stdin_is_the_password || !stdin().is_terminal() {
        return Err(wrong("say who signs in, with --email"));
    }
    let _ = write!(stderr(), "Email: ").and_then(|()| stderr().flush());
    let mut line = String::new();
    stdin().lock().read_line(&mut line).map_err(|error| Error::internal("reading what is typed", error))?;
    match line.trim() {
        "" => Err(wrong("no email address was given")),
        email => Ok(email.to_owned()),
    }
}

/// The password, without the end of its line.
pub(super) fn password(email: &str, url: &GatewayUrl, from_stdin: bool) -> Result<Zeroizing<String>> {
    if from_stdin {
        return from_stdin_once("password");
    }
    if !stdin().is_terminal() {
        return Err(wrong(
            "there is no terminal to ask for the password on; give it with --password-stdin, or a key with --api-key-stdin",
        ));
    }
    let host = url.url().host_str().unwrap_or_default();
    hidden(&format!("Password of {email} at {host}"))
}

/// A key.
pub(super) fn token_from_stdin() -> Result<Token> {
    if stdin().is_terminal() {
        return Token::new(hidden("API key")?.trim());
    }
    Token::new(from_stdin_once("key")?.trim())
}

fn hidden(label: &str) -> Result<Zeroizing<String>> {
    match ask_hidden(label) {
        Asked::Answer(typed) if !typed.is_empty() => Ok(typed),
        _ => Err(wrong("nothing was typed")),
    }
}

fn from_stdin_once(what: &str) -> Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::with_capacity(MAX as usize));
    let read = stdin().lock().take(MAX).read_to_string(&mut text);
    read.map_err(|error| wrong(format!("the {what} can't be read from standard input: {error}")))?;
    let end = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(end);
    match text.is_empty() {
        true => Err(wrong(format!("there is no {what} on standard input"))),
        false => Ok(text),
    }
}
