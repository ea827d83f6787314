//! The commands for people and scripts, as processes of their own: `sessile call`, `sessile tools`, `sessile shell`.

mod call;
mod interactive;
mod piped;
mod terminal;

use crate::support::{Client, TestServer};
use serde_json::{Value, json};
use sessile::tools::{Access, Output, Question, Tool};
use std::io::Write as _;
use std::process::{Command, Stdio};

/// What became of a command without a terminal.
#[derive(Debug)]
struct Ran {
    status: i32,
    out: String,
    err: String,
}

impl Ran {
    /// What it printed, since it did what it was asked and complains of nothing.
    fn json(&self) -> Value {
        assert_eq!((self.status, self.err.as_str()), (0, ""), "{self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("it prints JSON alone ({error}): {self:?}"))
    }
}

/// Runs the command line with this on its standard input, as whom a token says.
async fn run(arguments: &[&str], token: Option<&str>, input: &str) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sessile"));
    command.args(arguments).env_remove("SESSILE_TOKEN").envs(token.map(|token| ("SESSILE_TOKEN", token)));
    // No profile of whoever runs the tests is meant.
    command.env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let input = input.to_owned();
    // The server is on this thread.
    let output = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().expect("the binary starts");
        // It may not want to read.
        let _ = child.stdin.take().expect("it is piped").write_all(input.as_bytes());
        child.wait_with_output()
    });
    let output = output.await.expect("it does not panic").expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("it writes text");
    let status = output.status.code().expect("nothing kills it");
    Ran { status, out: text(output.stdout), err: text(output.stderr) }
}

/// Where a server is, as it is typed.
fn url(server: &TestServer) -> String {
    server.address().to_string()
}

/// A token of whoever is signed in on a connection.
async fn token(server: &TestServer, client: &mut Client) -> String {
    server.tokens(client).await["access_token"].as_str().expect("a token").to_owned()
}

/// `test_ask`, which asks for a color, and `test_escape`, which answers with what a terminal would obey.
fn odd_tools() -> Vec<Tool> {
    let schema = json!({ "type": "object", "properties": {} });
    let form = json!({ "type": "object", "properties": { "color": { "type": "string" } }, "required": ["color"] });
    let ask = Tool::raw("test_ask", Access::Anyone, schema.clone(), move |context, _| {
        let form = form.clone();
        async move {
            context.reporter.progress(1, 2, "on the way");
            let answer = context.ask("color", Question::form("Your color?", &form)).await?;
            Ok(Output::text(answer.to_string()))
        }
    });
    let escape = Tool::raw("test_escape", Access::Anyone, schema, |_, _| async {
        Ok(Output::text("before\u{1b}[2J\u{1b}]0;owned\u{7}after\u{9b}31m"))
    });
    vec![ask, escape]
}
