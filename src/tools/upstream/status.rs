//! How the caller's own sessions with upstreams are.

use super::add::set_credentials;
use super::list::Origin;
use crate::error::Result;
use crate::tools::{Caller, Reply};
use crate::upstream::{Definition, Status, credentials_of};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AskForStatus {}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Statuses {
    upstreams: Vec<View>,
}

/// How one's session with an upstream is.
#[derive(Debug, Serialize, JsonSchema)]
struct View {
    name: String,
    /// Whether it is configured for the server, or the tenant has added it.
    origin: Origin,
    /// Resting: it is not tried for some time, since it failed again and again.
    state: State,
    /// For how many seconds it rests.
    #[serde(skip_serializing_if = "Option::is_none")]
    rests_for_seconds: Option<u64>,
    /// The revision of MCP that is spoken with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    /// For how many seconds the session has been open.
    #[serde(skip_serializing_if = "Option::is_none")]
    open_for_seconds: Option<u64>,
    /// How many of its tools are served, where they have been listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<usize>,
    /// Tools that are not served, since tools of the gateway itself are called so.
    hidden_tools: Vec<String>,
    /// What went wrong the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// Credentials that it needs and that are not set: credential_set.
    missing_credentials: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    Closed,
    Opening,
    Open,
    Resting,
}

pub(super) async fn status(caller: Caller, _: AskForStatus) -> Result<Reply<Statuses>> {
    let (definitions, set) = (caller.upstreams.open_to(&caller).await, set_credentials(&caller).await?);
    let view = |definition: &Arc<Definition>| View::new(definition, caller.status_of(definition), &set);
    let upstreams: Vec<_> = definitions.iter().map(view).collect();
    let lines: String = upstreams.iter().map(line).collect();
    let tenant = caller.principal().tenant_name();
    let text = match &*lines {
        "" => format!("There are no upstreams that you may use in {tenant}."),
        lines => format!("Your sessions with upstreams in {tenant}:{lines}"),
    };
    Ok(Reply::new(Statuses { upstreams }, text))
}

impl View {
    fn new(definition: &Definition, status: Status, set: &BTreeSet<String>) -> Self {
        let Status { state, version, open_for, rests_for, problem, tools, hidden } = status;
        let needed = credentials_of(definition).into_iter();
        Self {
            name: definition.name.clone(),
            origin: if definition.added { Origin::Own } else { Origin::Configured },
            state: match state {
                "open" => State::Open,
                "opening" => State::Opening,
                "resting" => State::Resting,
                _ => State::Closed,
            },
            rests_for_seconds: rests_for,
            revision: version,
            open_for_seconds: open_for.map(|open_for| open_for.as_secs()),
            tools,
            hidden_tools: hidden,
            problem,
            missing_credentials: needed.filter(|name| !set.contains(*name)).map(str::to_owned).collect(),
        }
    }
}

fn line(view: &View) -> String {
    let mut line = format!("\n- {}: ", view.name);
    line.push_str(&match (view.state, view.rests_for_seconds, view.open_for_seconds) {
        (State::Resting, Some(seconds), _) => format!("not tried again for another {seconds} s"),
        (State::Open, _, Some(seconds)) => format!("open for {seconds} s"),
        (State::Opening, ..) => "being opened".to_owned(),
        _ => "not open".to_owned(),
    });
    if let Some(revision) = &view.revision {
        line.push_str(&format!(", speaks {revision}"));
    }
    if let Some(tools) = view.tools {
        line.push_str(&format!(", serves {tools} tools"));
    }
    if !view.hidden_tools.is_empty() {
        line.push_str(&format!("; hidden by tools of the gateway: {}", view.hidden_tools.join(", ")));
    }
    if let Some(problem) = &view.problem {
        line.push_str(&format!("; {problem}"));
    }
    if !view.missing_credentials.is_empty() {
        line.push_str(&format!("; not set: {}", view.missing_credentials.join(", ")));
    }
    line
}
