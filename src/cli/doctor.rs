//! `sessile doctor`: step by step to a gateway, and what to do about what is wrong on the way.

mod checkup;
mod system;

use super::target::Target;
use super::{runtime, wrong};
use crate::client::{Place, Profiles, credentials};
use crate::error::Result;
use clap::Args;
use serde::Serialize;
use std::process::ExitCode;
use std::time::Duration;

/// Look whether a gateway can be used from here, and say what to do if not
///
/// Finds its name, connects, makes sure of its certificate, opens a WebSocket, negotiates in both eras of MCP, signs in
/// with the key that is kept or the one in SESSILE_TOKEN, and lists tools. Tells how long each took. The exit status is 0
/// when all is well, and 1 when something is wrong.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    target: Target,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    Note,
    Wrong,
}

/// What a step found.
#[derive(Debug, Serialize)]
struct Finding {
    step: &'static str,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    ms: Option<f64>,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

/// All that was found so far.
#[derive(Debug, Default, Serialize)]
struct Findings(Vec<Finding>);

impl Findings {
    fn ok(&mut self, step: &'static str, took: Duration, found: impl Into<String>) {
        self.add(step, Status::Ok, Some(took), found.into(), None);
    }

    fn note(&mut self, step: &'static str, found: impl Into<String>, advice: impl Into<String>) {
        self.add(step, Status::Note, None, found.into(), Some(advice.into()));
    }

    fn wrong(&mut self, step: &'static str, took: Duration, found: impl Into<String>, advice: impl Into<String>) {
        self.add(step, Status::Wrong, Some(took), found.into(), Some(advice.into()));
    }

    fn add(
        &mut self,
        step: &'static str,
        status: Status,
        took: Option<Duration>,
        found: String,
        advice: Option<String>,
    ) {
        let ms = took.map(|took| (took.as_secs_f64() * 10_000.0).round() / 10.0);
        self.0.push(Finding { step, status, ms, found, advice });
    }

    fn is_well(&self) -> bool {
        self.0.iter().all(|finding| finding.status != Status::Wrong)
    }
}

impl Doctor {
    pub(super) fn run(self) -> Result<ExitCode> {
        let (typed, who) = (self.target.url.as_deref(), &self.target.who);
        let profiles = Place::here().and_then(|place| Profiles::load(&place)).map_err(wrong)?;
        let (url, found) = credentials::find(&profiles, typed, who.profile.as_deref()).map_err(wrong)?;
        let mut findings = Findings::default();
        let token = match self.target.resolve() {
            Ok(destination) => destination.token,
            Err(why) => {
                let advice = match credentials::may_be_sent(&url, who.insecure) {
                    Ok(()) => "a new sign-in puts a new key in its place",
                    Err(_) => "the steps below are without it",
                };
                findings.wrong("key", Duration::ZERO, why, advice);
                None
            }
        };
        system::look(&mut findings, &url);
        let name = found.map(|(name, _)| name);
        runtime()?.block_on(checkup::run(&mut findings, &url, token.as_ref(), name.as_deref()));
        if self.json {
            let all = serde_json::json!({ "url": url.to_string(), "ok": findings.is_well(), "steps": findings });
            println!("{all:#}");
        } else {
            println!("{url}");
            findings.0.iter().for_each(show);
        }
        Ok(if findings.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn show(Finding { step, status, ms, found, advice }: &Finding) {
    let status = match status {
        Status::Ok => "ok",
        Status::Note => "note",
        Status::Wrong => "WRONG",
    };
    let ms = ms.map_or_else(String::new, |ms| format!("{ms:.1} ms"));
    println!("{status:5}  {step:9}  {ms:>10}  {found}");
    if let Some(advice) = advice {
        println!("{:28}→ {advice}", "");
    }
}
