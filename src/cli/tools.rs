//! `sessile tools`: what a gateway offers.

use super::failure::{Failure, Kind};
use super::manual;
use super::runtime;
use super::target::Target;
use super::terminal::{Shown, Style, out, raw, width};
use crate::client::tools::{Found, Toolbox};
use crate::error::Result;
use clap::Args;
use serde_json::value::RawValue;
use std::io::{IsTerminal as _, stdout};
use std::process::ExitCode;

/// List a gateway's tools, or explain one.
///
/// A terminal gets text; a pipe, or --json, gets the list as JSON, as the gateway tells it.
#[derive(Debug, Args)]
pub(super) struct Tools {
    #[command(flatten)]
    target: Target,
    /// The tool to explain
    tool: Option<String>,
    /// Print JSON, also on a terminal
    #[arg(long)]
    json: bool,
}

impl Tools {
    pub(super) fn run(self) -> Result<ExitCode> {
        Ok(match runtime()?.block_on(self.list()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => failure.tell(),
        })
    }

    async fn list(self) -> Result<(), Failure> {
        let (mut gateway, _events) = self.target.resolve().map_err(Failure::usage)?.open().await?;
        let (toolbox, listed) = gateway.tools().await.map_err(|error| Failure::call(&error))?;
        gateway.caller.close().await;
        let how = Shown { width: width(), style: Style::of(&stdout()) };
        let people = stdout().is_terminal() && !self.json;
        let Some(wanted) = self.tool else {
            out(&if people { manual::overview(&toolbox, how, |tool| tool.name.clone()) } else { raw(&listed) });
            return Ok(());
        };
        let name = found(&toolbox, &wanted)?;
        let of_name = |item: &RawValue| {
            serde_json::from_str::<serde_json::Value>(item.get()).is_ok_and(|tool| tool["name"] == name.as_str())
        };
        let items: Vec<Box<RawValue>> = serde_json::from_str(&listed).unwrap_or_default();
        match (people, toolbox.get(&name), items.iter().find(|item| of_name(item))) {
            (true, Some(tool), _) => out(&manual::page(tool, how)),
            (_, _, Some(item)) => out(&raw(item.get())),
            _ => {}
        }
        Ok(())
    }
}

/// The tool that is meant.
fn found(toolbox: &Toolbox, wanted: &str) -> Result<String, Failure> {
    match toolbox.find(&[wanted]) {
        Found::Tool { name, .. } => Ok(name),
        Found::Several(names) => {
            Err(Failure::new(Kind::Usage, format!("{wanted:?} may be any of {}", names.join(", "))))
        }
        Found::Nothing => Err(Failure::new(Kind::NotFound, unknown(toolbox, wanted))),
    }
}

/// That there is no such tool, and which one may be meant.
pub(super) fn unknown(toolbox: &Toolbox, wanted: &str) -> String {
    let near = toolbox.near(wanted).map(|near| format!("; did you mean {near}?"));
    format!("there is no tool {wanted:?} here, or not before a sign-in{}", near.unwrap_or_default())
}
