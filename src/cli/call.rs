//! `sessile call`: one call of one tool, for scripts.

use super::failure::{Failure, Kind};
use super::target::{Destination, Who};
use super::terminal::{is_attended, out, pretty, raw};
use super::{exchange, questions, runtime, tools};
use crate::client::tools::{Arguments, Tool};
use crate::error::Result;
use clap::Args;
use std::io::{IsTerminal as _, Read as _, stdin, stdout};
use std::process::ExitCode;
use std::time::Duration;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

/// Call a tool of a gateway, and print what it answers as JSON.
///
/// Standard output gets the structured content of the result, or the whole result where it has none; everything else
/// goes to standard error. Exit status: 0 done, 1 another failure, 2 what was typed does not fit, 3 not signed in or not
/// allowed, 4 the tool failed, 5 no connection, 6 out of time, 7 no such tool.
#[derive(Debug, Args)]
pub(super) struct Call {
    /// The gateway: a URL such as wss://gateway.example/mcp or 127.0.0.1:7400, or the name of a profile
    ///
    /// An API key or access token in the environment variable SESSILE_TOKEN is shown instead of a profile's.
    url: String,
    #[command(flatten)]
    who: Who,
    /// The tool's name
    tool: String,
    /// Arguments: name=value, name=@FILE for what a file holds, name=- for standard input
    ///
    /// Lists are written name=a,b or given several times, objects as JSON or as name.member=value. Write @@ for a value
    /// that begins with @. Passwords are not taken here, where others on the machine can see them: write password=- or
    /// leave it out and be asked.
    #[arg(value_name = "NAME=VALUE")]
    arguments: Vec<String>,
    /// The arguments as a JSON object; - reads it from standard input
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    json: Option<String>,
    /// How long to wait for the answer, in seconds; 0 waits for ever
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
    /// Print the whole result, also of a tool that failed, and not its structured content alone
    #[arg(long)]
    full: bool,
}

impl Call {
    pub(super) fn run(self) -> Result<ExitCode> {
        Ok(match runtime()?.block_on(self.call()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => failure.tell(),
        })
    }

    async fn call(self) -> Result<(), Failure> {
        let destination = self.who.at(Some(&self.url)).map_err(Failure::usage)?;
        let (mut gateway, mut events) = destination.open().await?;
        let (toolbox, _) = gateway.tools().await.map_err(|error| Failure::call(&error))?;
        let tool = toolbox.get(&self.tool);
        let arguments = self.arguments(tool, &destination)?.json();
        let within = (self.timeout > 0).then(|| Duration::from_secs(self.timeout));
        let gateway = Mutex::new(gateway);
        let called = exchange::call(&gateway, &mut events, &self.tool, &arguments, within).await;
        gateway.lock().await.caller.close().await;
        // What is not listed may be there after a sign-in, as the gateway says; or it is not there at all.
        let result = called.map_err(|ended| match (Failure::from(ended), tool) {
            (Failure { kind: Kind::Other, .. }, None) => {
                Failure::new(Kind::NotFound, tools::unknown(&toolbox, &self.tool))
            }
            (failure, _) => failure,
        })?;
        let json = result.structured.as_deref().filter(|_| !self.full).unwrap_or(&result.json);
        if self.full || !result.failed {
            out(&if stdout().is_terminal() { pretty(json) } else { raw(json) });
        }
        if result.failed { Err(Failure::tool(&result)) } else { Ok(()) }
    }

    /// The arguments as typed, read and asked for.
    fn arguments<'a>(&self, tool: Option<&'a Tool>, to: &Destination) -> Result<Arguments<'a>, Failure> {
        let wrong = |why: String| Failure::new(Kind::Usage, why);
        let mut arguments = Arguments::new(tool);
        let mut input = Input { used: false };
        match self.json.as_deref() {
            Some("-") => arguments.take_json(&input.read().map_err(wrong)?).map_err(wrong)?,
            Some(json) => {
                if let Some(name) = secret_in(json, tool) {
                    return Err(seen(&name));
                }
                arguments.take_json(json).map_err(wrong)?;
            }
            None => {}
        }
        for typed in &self.arguments {
            let Some((name, text)) = typed.split_once('=') else {
                // It may be a password with the wrong thing in front.
                return Err(wrong(format!("arguments of {} are written name=value", self.tool)));
            };
            let secret = arguments.is_secret(name).map_err(wrong)?;
            let read = |text: Zeroizing<String>| {
                let ends = text.trim_end_matches(['\r', '\n']).len();
                if secret { Zeroizing::new(text[..ends].to_owned()) } else { text }
            };
            let text = match text.strip_prefix('@') {
                _ if text == "-" => read(input.read().map_err(wrong)?),
                Some(literal) if literal.starts_with('@') && !secret => Zeroizing::new(literal.to_owned()),
                Some(file) if !file.starts_with('@') => read(file_of(name, file).map_err(wrong)?),
                _ if secret => return Err(seen(name)),
                _ => Zeroizing::new(text.to_owned()),
            };
            arguments.set(name, &text).map_err(wrong)?;
        }
        let missing = arguments.missing();
        if arguments.secret().is_some() || missing.iter().any(|field| field.secret) {
            to.takes_secrets()?;
        }
        if missing.is_empty() {
            return Ok(arguments);
        }
        if !is_attended() {
            let names = missing.iter().map(|field| field.name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(wrong(format!("{} also needs {names}", self.tool)));
        }
        for field in missing {
            questions::ask_for(&mut arguments, field).ok_or_else(|| Failure::new(Kind::Interrupted, "cancelled"))?;
        }
        Ok(arguments)
    }
}

/// Standard input, which can be read once.
struct Input {
    used: bool,
}

impl Input {
    fn read(&mut self) -> Result<Zeroizing<String>, String> {
        if std::mem::replace(&mut self.used, true) {
            return Err("standard input can be read for one argument only".into());
        }
        let mut text = Zeroizing::new(String::new());
        stdin().read_to_string(&mut text).map_err(|error| format!("reading standard input: {error}"))?;
        Ok(text)
    }
}

fn file_of(name: &str, file: &str) -> Result<Zeroizing<String>, String> {
    std::fs::read_to_string(file).map(Zeroizing::new).map_err(|error| format!("{name}: reading {file}: {error}"))
}

/// The first argument in this JSON that must not be seen.
fn secret_in(json: &str, tool: Option<&Tool>) -> Option<String> {
    let mut arguments = Arguments::new(tool);
    arguments.take_json(json).ok()?;
    arguments.secret()
}

fn seen(name: &str) -> Failure {
    let why = format!(
        "{name} is a secret, and others on this machine can see what is typed here: write {name}=- and give it on \
         standard input, or leave it out and be asked for it"
    );
    Failure::new(Kind::Usage, why)
}
