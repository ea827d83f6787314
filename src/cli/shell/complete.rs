//! Completion from what the gateway lists now, and from ids that were seen or that it knows.

use super::super::terminal::clean;
use super::command::{Command, WORDS, understand};
use super::line::{Line, Word, quoted};
use super::listen::Shared;
use super::recent::nouns;
use super::session::Session;
use crate::client::tools::{Field, Kind, Tool};
use reedline::{Completer, Span, Suggestion};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

/// How long a gateway may think about a completion.
const PATIENCE: Duration = Duration::from_millis(700);
/// How many ids are shown.
const MOST: usize = 50;

/// Completes a line.
pub(super) struct Complete {
    shared: Arc<Shared>,
    runtime: Handle,
}

impl Complete {
    pub(super) fn new(session: &Session, runtime: Handle) -> Self {
        Self { shared: Arc::clone(&session.shared), runtime }
    }
}

impl Completer for Complete {
    fn complete(&mut self, line: &str, pos: usize) -> Vec<Suggestion> {
        let typed = &line[..pos.min(line.len())];
        let read = Line::read(typed);
        if read.json.is_some() {
            return Vec::new();
        }
        let toolbox = self.shared.tools();
        let begins_word = typed.is_empty() || typed.ends_with(char::is_whitespace);
        let (words, last) = match read.words.split_last() {
            Some((last, before)) if !begins_word => (before, last.clone()),
            _ => (&read.words[..], Word { text: String::new(), start: typed.len() }),
        };
        // All but the word that is being typed says which tool it is about.
        let before = Line { words: words.to_vec(), json: None, open: false };
        if let Command::Tool { name, words: named } = understand(&toolbox, &before)
            && let Some(tool) = toolbox.get(&name)
            && self.shared.tools().beginning(typed).iter().all(|(way, _)| way.len() <= typed.len())
        {
            return self.arguments(tool, &before.words[named..], &last, typed.len());
        }
        self.names(typed)
    }
}

impl Complete {
    /// Tools and the shell's own words that begin like this.
    fn names(&self, typed: &str) -> Vec<Suggestion> {
        let start = typed.len() - typed.trim_start().len();
        let (help, rest) = match typed.trim_start().strip_prefix("help ") {
            Some(rest) => ("help ", rest),
            None => ("", typed.trim_start()),
        };
        let span = Span { start, end: typed.len() };
        let toolbox = self.shared.tools();
        let mut found: Vec<Suggestion> = Vec::new();
        if help.is_empty() {
            let words = WORDS.iter().filter(|(word, _)| word.starts_with(rest));
            found.extend(words.map(|(word, what)| suggestion(word, what, span)));
        }
        let tools = toolbox.beginning(rest);
        found.extend(tools.iter().map(|(way, tool)| suggestion(&format!("{help}{way}"), tool.summary(), span)));
        found
    }

    /// The names of arguments, or values of the one that is being given.
    fn arguments(&self, tool: &Tool, given: &[Word], last: &Word, end: usize) -> Vec<Suggestion> {
        let span = Span { start: last.start, end };
        // --name=va or name=va
        if let Some((name, value)) = last.text.split_once('=') {
            let field = tool.field(name.trim_start_matches("--"));
            return field.map(|field| self.values(tool, field, value, &format!("{name}="), span)).unwrap_or_default();
        }
        // --name va
        let option = given.last().and_then(|word| word.text.strip_prefix("--")).and_then(|name| tool.field(name));
        if let Some(field) = option.filter(|field| field.kind != Kind::Boolean) {
            return self.values(tool, field, &last.text, "", span);
        }
        let is_given = |field: &&Field| {
            let names = |word: &Word| {
                let text = word.text.trim_start_matches("--");
                text.split_once('=').map_or(text, |(name, _)| name) == field.name
            };
            !given.iter().any(names)
        };
        let open = || tool.fields.iter().filter(is_given).filter(|field| !field.secret);
        let mut found = Vec::new();
        if !last.text.starts_with('-')
            && let Some(field) = open().find(|field| field.required)
        {
            found.extend(self.values(tool, field, &last.text, "", span));
        }
        for field in open() {
            let long = format!("--{}", field.name);
            if long.starts_with(&last.text) || !last.text.is_empty() && field.name.starts_with(&last.text) {
                let what = if field.description.is_empty() { field.placeholder() } else { &field.description };
                found.push(suggestion(&long, what, span));
            }
        }
        if "--json".starts_with(&last.text) && last.text.starts_with('-') {
            found.push(suggestion("--json", "Print the result as JSON", span));
        }
        found
    }

    fn values(&self, tool: &Tool, field: &Field, typed: &str, before: &str, span: Span) -> Vec<Suggestion> {
        let choices = field.choices();
        if !choices.is_empty() {
            // The last of a list.
            let (listed, typed) = match (&field.kind, typed.rsplit_once(',')) {
                (Kind::List(_), Some((listed, typed))) => (format!("{listed},"), typed),
                _ => (String::new(), typed),
            };
            let fit = choices.iter().filter(|choice| choice.starts_with(typed));
            return fit.map(|choice| suggestion(&format!("{before}{listed}{}", quoted(choice)), "", span)).collect();
        }
        let kinds: Vec<&str> = match field.name.strip_suffix("_id") {
            Some(kind) => vec![kind],
            None if field.name == "id" => nouns(&tool.name),
            None => return Vec::new(),
        };
        let recent = self.shared.recents.lock().like(&kinds, typed);
        let mut found: Vec<Suggestion> =
            recent.iter().map(|one| suggestion(&format!("{before}{}", one.id), &one.label, span)).collect();
        for id in self.known(&kinds, typed) {
            let value = format!("{before}{id}");
            if !found.iter().any(|one| one.value == value) {
                found.push(suggestion(&value, "", span));
            }
        }
        found.truncate(MOST);
        found
    }

    /// Ids that the gateway knows, where it completes them.
    fn known(&self, kinds: &[&str], typed: &str) -> Vec<String> {
        let template = self.shared.templates.lock().iter().find(|(name, _)| kinds.contains(&name.as_str())).cloned();
        let (Some((_, uri)), Some(gateway)) = (template, self.shared.gateway()) else { return Vec::new() };
        let params = json!({
            "ref": { "type": "ref/resource", "uri": uri }, "argument": { "name": "id", "value": typed },
        });
        let answer = self.runtime.block_on(async {
            // Within bounds as a whole: the gateway may be busy with a list.
            let asked = async {
                let mut reply = gateway.lock().await.caller.send("completion/complete", &params.to_string()).await;
                reply.wait(PATIENCE).await
            };
            tokio::time::timeout(PATIENCE, asked).await
        });
        let Ok(Ok(answer)) = answer else { return Vec::new() };
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        let values = answer["completion"]["values"].as_array().into_iter().flatten();
        values.filter_map(Value::as_str).filter(|id| !id.chars().any(char::is_control)).map(quoted).collect()
    }
}

fn suggestion(value: &str, what: &str, span: Span) -> Suggestion {
    let whole = !value.ends_with('=');
    Suggestion {
        value: clean(value).into_owned(),
        description: (!what.is_empty()).then(|| clean(what).into_owned()),
        span,
        append_whitespace: whole,
        ..Suggestion::default()
    }
}
