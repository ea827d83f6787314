//! What the tests of the gateway share: upstreams that are the child `nasty.py`, and clients of every kind.

use crate::support::Credential::AccessToken;
use crate::support::Transport::{HttpLegacy, HttpModern};
use crate::support::Way::{Bearer, SignIn};
use crate::support::{Client, TestServer, Way, until};
use serde_json::{Value, json};
use sessile::config::Config;
use sessile::upstream::Definition;
use sessile::wire::Era;
use std::fs;
use std::path::Path;

/// The kinds of client: what they come in by, and which era they speak.
pub(super) const CLIENTS: [(Way, Era); 4] = [
    (SignIn, Era::Legacy),
    (SignIn, Era::Modern),
    (Bearer(HttpLegacy, AccessToken), Era::Legacy),
    (Bearer(HttpModern, AccessToken), Era::Modern),
];

/// The table of an upstream that is `nasty.py`, with these keys besides.
pub(super) fn nasty(name: &str, more: &str) -> String {
    nasty_with(name, &[], more)
}

/// The same with arguments.
pub(super) fn nasty_with(name: &str, arguments: &[&str], more: &str) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/children/nasty.py");
    let script = script.display().to_string();
    let command: Vec<_> = ["python3", script.as_str()].into_iter().chain(arguments.iter().copied()).collect();
    format!("[upstream.{name}]\ncommand = {}\n{more}\n", json!(command))
}

/// The table of an upstream that is `parrot.py`, which says what is in the file `say` of this directory, and keeps in
/// `heard` what it hears.
pub(super) fn parrot(name: &str, directory: &Path) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/children/parrot.py");
    format!("[upstream.{name}]\ncommand = {}\n", json!(["python3", script, directory.display().to_string()]))
}

/// What tables in a configuration file define.
pub(super) fn definitions(tables: &[String]) -> Vec<Definition> {
    let directory = tempfile::tempdir().expect("there is room for a file");
    let file = directory.path().join("sessile.toml");
    fs::write(&file, tables.concat()).expect("it can be written");
    Config::load(Some(&file), &[], |_| None).expect("the tables are good").server.upstreams
}

/// A server with these upstreams.
pub(super) async fn gateway(tables: &[String]) -> TestServer {
    gateway_over(SignIn, tables).await
}

/// The same, into which people come in some way.
pub(super) async fn gateway_over(way: Way, tables: &[String]) -> TestServer {
    let upstreams = definitions(tables);
    TestServer::over(way, |options| options.upstreams = upstreams).await
}

/// What a call of a tool says.
pub(super) async fn said(client: &mut Client, tool: &str, arguments: Value) -> String {
    let result = client.result("tools/call", json!({ "name": tool, "arguments": arguments })).await;
    text(&result)
}

/// The text of a result.
pub(super) fn text(result: &Value) -> String {
    assert!(result["isError"] != true, "it failed: {result}");
    result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("there is no text: {result}")).to_owned()
}

/// Why the gateway could not have a tool called.
pub(super) async fn failure(client: &mut Client, tool: &str, arguments: Value) -> String {
    let refusal = client.refused(tool, arguments).await;
    assert_eq!(refusal.code, "upstream", "{}", refusal.text);
    refusal.text
}

/// The names of all tools that a client is shown.
pub(super) async fn tools(client: &mut Client) -> Vec<String> {
    let listed = client.result("tools/list", json!({})).await;
    let tools = listed["tools"].as_array().expect("a list");
    tools.iter().map(|tool| tool["name"].as_str().expect("a name").to_owned()).collect()
}

/// Whether a client is shown tools of an upstream.
pub(super) async fn shows(client: &mut Client, prefix: &str) -> bool {
    tools(client).await.iter().any(|name| name.starts_with(prefix))
}

/// The process that a client has to do with.
pub(super) async fn pid(client: &mut Client, upstream: &str) -> u64 {
    let said = said(client, &format!("{upstream}_pid"), json!({})).await;
    let said: Value = serde_json::from_str(&said).expect("it is JSON");
    said["pid"].as_u64().expect("a number")
}

/// Whether a process is there; one that only waits to be waited for is not.
pub(super) fn runs(pid: u64) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in front may hold anything.
    status.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// Waits for the end of processes.
pub(super) async fn gone(pids: &[u64]) {
    for pid in pids {
        until(&format!("the end of process {pid}"), || !runs(*pid)).await;
    }
}
