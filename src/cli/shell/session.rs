//! A connection with a gateway as the shell keeps it, and what its commands do.

use super::super::exchange::{Ended, attend, call};
use super::super::failure::{Failure, Kind};
use super::super::questions::ask_for;
use super::super::target::Destination;
use super::super::terminal::{Shown, Style, clean, clean_lines, err, out, pretty, raw, show, width};
use super::super::{manual, tools};
use super::command::{Command, WORDS, arguments, understand};
use super::line::Line;
use super::listen::{Shared, listen};
use crate::client::tools::Found;
use crate::client::{CallError, Event, Gateway};
use crate::wire::Object;
use serde_json::Value;
use std::io::{IsTerminal as _, stdout};
use std::sync::Arc;
use tokio::sync::Mutex;
use tokio::sync::mpsc::Receiver;

/// A gateway, and who uses it.
pub(super) struct Session {
    destination: Destination,
    pub(super) gateway: Arc<Mutex<Gateway>>,
    events: Receiver<Event>,
    pub(super) shared: Arc<Shared>,
    /// Whether results are JSON.
    json: bool,
    /// Whether somebody can be asked.
    attended: bool,
    /// Who is signed in, in a sentence.
    who: Option<String>,
    /// The call of a tool that gives the next page of the last list.
    more: Option<(String, String)>,
}

impl Session {
    /// Connects, and looks around.
    pub(super) async fn open(destination: Destination, json: bool, attended: bool) -> Result<Self, Failure> {
        let (gateway, events) = destination.open().await?;
        let (gateway, shared) = (Arc::new(Mutex::new(gateway)), Arc::new(Shared::default()));
        let events = listen(Arc::clone(&gateway), events, Arc::clone(&shared));
        let json = json || !stdout().is_terminal();
        let mut session = Self { destination, gateway, events, shared, json, attended, who: None, more: None };
        session.refresh().await.map_err(|error| Failure::call(&error))?;
        Ok(session)
    }

    /// What to say first.
    pub(super) fn welcome(&self) -> String {
        let who = self.who.as_deref().unwrap_or_default();
        format!("Connected with {}. {}\nhelp explains, Tab completes, Ctrl-D ends.", self.destination.url, clean(who))
    }

    /// Does what a line asks for; false when that is to end.
    pub(super) async fn carry_out(&mut self, typed: &str) -> Result<bool, Failure> {
        let line = Line::read(typed);
        if line.open {
            return Err(Failure::new(Kind::Usage, "a quote is not closed"));
        }
        let toolbox = self.shared.tools();
        match understand(&toolbox, &line) {
            Command::Nothing => return Ok(true),
            Command::Exit => return Ok(false),
            Command::Help(words) => return self.help(&words).map(|()| true),
            _ => {}
        }
        self.reconnect().await?;
        let toolbox = self.shared.tools();
        match understand(&toolbox, &line) {
            Command::Tools => out(&manual::overview(&toolbox, self.shown(), |tool| toolbox.natural(tool))),
            Command::Watch { uri, begin } => {
                let method = if begin { "resources/subscribe" } else { "resources/unsubscribe" };
                let params = format!(r#"{{"uri":{}}}"#, Value::from(uri));
                self.request(method, &params).await?;
            }
            Command::Message(json) => self.message(json).await?,
            Command::Tool { name, words } => {
                let Some(tool) = toolbox.get(&name) else { return Ok(true) };
                let (mut given, as_json) =
                    arguments(tool, &line, words).map_err(|why| Failure::new(Kind::Usage, why))?;
                let missing = given.missing();
                if given.secret().is_some() || missing.iter().any(|field| field.secret) {
                    self.destination.takes_secrets()?;
                }
                if !missing.is_empty() && !self.attended {
                    let names = missing.iter().map(|field| field.name.as_str()).collect::<Vec<_>>().join(", ");
                    return Err(Failure::new(Kind::Usage, format!("{name} also needs {names}")));
                }
                for field in missing {
                    ask_for(&mut given, field).ok_or_else(|| Failure::from(Ended::Interrupted))?;
                }
                self.call(&name, &given.json(), as_json).await?;
                if !tool.reads {
                    // Who is signed in may be another, and the tools others.
                    let _ = self.refresh().await;
                }
            }
            Command::More => match self.more.take() {
                Some((tool, arguments)) => self.call(&tool, &arguments, false).await?,
                None => return Err(Failure::new(Kind::Usage, "the last list has no further page")),
            },
            Command::Unknown(failure) => return Err(failure),
            Command::Nothing | Command::Exit | Command::Help(_) => {}
        }
        Ok(true)
    }

    /// Ends the connection in good order.
    pub(super) async fn close(&mut self) {
        self.shared.set_closed(true);
        self.gateway.lock().await.caller.close().await;
    }

    /// Connects anew when the connection was lost.
    async fn reconnect(&mut self) -> Result<(), Failure> {
        if !self.shared.is_closed() {
            return Ok(());
        }
        let (gateway, events) = self.destination.open().await?;
        self.gateway = Arc::new(Mutex::new(gateway));
        self.shared.connected(&self.gateway);
        self.events = listen(Arc::clone(&self.gateway), events, Arc::clone(&self.shared));
        self.shared.set_closed(false);
        self.refresh().await.map_err(|error| Failure::call(&error))?;
        err(&format!("Connected again. {}", clean(self.who.as_deref().unwrap_or_default())));
        Ok(())
    }

    /// Lists the tools anew, and asks who is signed in.
    async fn refresh(&mut self) -> Result<(), CallError> {
        self.shared.connected(&self.gateway);
        let mut gateway = self.gateway.lock().await;
        let (toolbox, _) = gateway.tools().await?;
        let knows = toolbox.get("auth_whoami").is_some();
        *self.shared.toolbox.lock() = Arc::new(toolbox);
        if let Ok(listed) = gateway.request("resources/templates/list", "{}").await {
            *self.shared.templates.lock() = templates(&listed);
        }
        let host = self.destination.url.url().host_str().unwrap_or("gateway").to_owned();
        self.shared.rename(&host);
        self.who = None;
        if knows && let Ok(result) = gateway.call_tool("auth_whoami", "{}").await {
            let who = result.value();
            self.shared.rename(who["tenant"]["name"].as_str().unwrap_or(&host));
            let hint = if who["signed_in"] == false { " Type: sign in" } else { "" };
            let text = result.text.lines().next().unwrap_or_default();
            self.who = Some(if hint.is_empty() { text.to_owned() } else { format!("Nobody is signed in.{hint}") });
        }
        Ok(())
    }

    /// What calls of before left behind is about none that follows.
    fn forget_the_past(&mut self) {
        while self.events.try_recv().is_ok() {}
    }

    async fn request(&mut self, method: &str, params: &str) -> Result<String, Failure> {
        self.forget_the_past();
        Ok(attend(&self.gateway, &mut self.events, method, params, None).await?)
    }

    /// Sends a message as typed, but for its id, and prints the whole answer.
    async fn message(&mut self, json: &str) -> Result<(), Failure> {
        let usage = |why: &str| Failure::new(Kind::Usage, why);
        let message = Object::read(json.trim()).ok_or_else(|| usage("that is no JSON object"))?;
        let method = message.text("method").ok_or_else(|| usage("a message needs a method, such as \"tools/list\""))?;
        let params = message.get("params").unwrap_or("{}");
        let Some(id) = message.get("id").or_else(|| (!method.starts_with("notifications/")).then_some("1")) else {
            self.gateway.lock().await.caller.notify(&method, params).await;
            return Ok(());
        };
        self.forget_the_past();
        let member = match attend(&self.gateway, &mut self.events, &method, params, None).await {
            Ok(result) => format!(r#""result":{result}"#),
            Err(Ended::Call(CallError::Error(error))) => format!(r#""error":{error}"#),
            Err(ended) => return Err(ended.into()),
        };
        self.print_json(&format!(r#"{{"jsonrpc":"2.0","id":{id},{member}}}"#));
        if method == "tools/call" {
            let _ = self.refresh().await;
        }
        Ok(())
    }

    async fn call(&mut self, tool: &str, arguments: &str, as_json: bool) -> Result<(), Failure> {
        self.forget_the_past();
        self.more = None;
        let result = call(&self.gateway, &mut self.events, tool, arguments, None).await?;
        if result.failed {
            return Err(Failure::tool(&result));
        }
        let structured = result.structured.as_deref().and_then(|json| Object::read(json));
        if let Some(json) = result.structured.as_deref() {
            self.shared.recents.lock().learn(tool, json);
        }
        let cursor = structured.as_ref().and_then(|found| found.get("next_cursor")).filter(|cursor| *cursor != "null");
        if let Some(cursor) = cursor {
            let mut next = Object::read(arguments).unwrap_or_default();
            next.set("cursor", cursor);
            self.more = Some((tool.to_owned(), next.json()));
        }
        if as_json || self.json {
            self.print_json(result.structured.as_deref().unwrap_or(&result.json));
            return Ok(());
        }
        // What its text says in a line needs no table.
        let is_table = |it: &Object<'_>| it.get("id").is_some() || result.text.contains('\n') && lists(it);
        let json = result.structured.as_deref().filter(|_| structured.as_ref().is_some_and(is_table));
        out(&json.and_then(|json| show(json, self.shown())).unwrap_or_else(|| clean_lines(&result.text).into_owned()));
        if self.more.is_some() {
            out(&self.shown().style.faint("There are more: type more"));
        }
        Ok(())
    }

    fn print_json(&self, json: &str) {
        out(&if stdout().is_terminal() { pretty(json) } else { raw(json) });
    }

    fn shown(&self) -> Shown {
        Shown { width: width(), style: Style::of(&stdout()) }
    }

    fn help(&self, words: &[&str]) -> Result<(), Failure> {
        let (toolbox, how) = (self.shared.tools(), self.shown());
        if words.is_empty() {
            let lines = WORDS.iter().map(|(word, what)| format!("{}  {what}", how.style.head(format!("{word:8}"))));
            out(&lines.collect::<Vec<_>>().join("\n"));
            out(HELP);
            return Ok(());
        }
        match toolbox.find(words) {
            Found::Tool { name, .. } => {
                if let Some(tool) = toolbox.get(&name) {
                    out(&manual::page(tool, how));
                }
                Ok(())
            }
            Found::Several(names) => Err(Failure::new(Kind::Usage, format!("that may be any of {}", names.join(", ")))),
            Found::Nothing => Err(Failure::new(Kind::NotFound, tools::unknown(&toolbox, &words.join(" ")))),
        }
    }
}

/// Whether an object lists others.
fn lists(object: &Object<'_>) -> bool {
    object.iter().any(|(_, value)| value.starts_with("[{") || value == "[]")
}

/// The templates whose one variable is an id, with the kind of record they lead to.
fn templates(listed: &str) -> Vec<(String, String)> {
    let listed: Value = serde_json::from_str(listed).unwrap_or_default();
    let all = listed["resourceTemplates"].as_array().into_iter().flatten();
    let read =
        |template: &Value| Some((template["name"].as_str()?.to_owned(), template["uriTemplate"].as_str()?.to_owned()));
    all.filter_map(read).filter(|(_, uri)| uri.matches('{').count() == 1 && uri.contains("{id}")).collect()
}

const HELP: &str = "
Everything else is a tool with its arguments, as `tools` lists them:
  contacts list --limit 5            or  crm_contact_list limit=5
  search \"reception desks\"           what is required may be given without its name
  import contacts csv=@contacts.csv  what a file holds
  crm_search {\"query\":\"desks\"}       the arguments as JSON
  {\"method\":\"resources/list\"}        a JSON-RPC message
--json prints a result as JSON. What is required and not given is asked for; passwords are hidden and not kept.";
