//! A host: it starts the bridge as its child, speaks over pipes, and holds it to one answer for each request.

use super::proxy::Proxy;
use crate::support::{PASSWORD, email, soon};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// A host with its bridge; the bridge is killed when it is dropped.
pub(super) struct Host {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: mpsc::UnboundedReceiver<String>,
    /// What the bridge has said on standard error.
    said: Arc<Mutex<String>>,
    saying: JoinHandle<()>,
    heard: VecDeque<Value>,
    due: HashSet<String>,
    last_id: u64,
}

/// How a bridge ended.
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) said: String,
    /// What it wrote and nobody had looked at.
    pub(super) rest: Vec<Value>,
}

impl Host {
    pub(super) fn start(url: &str) -> Self {
        Self::start_with(url, &[], &[])
    }

    /// The same with more flags, and more in its environment.
    pub(super) fn start_with(url: &str, flags: &[&str], environment: &[(&str, &str)]) -> Self {
        let nowhere = std::env::temp_dir().join("no-profiles-of-sessile");
        let mut child = Command::new(env!("CARGO_BIN_EXE_sessile"))
            .args(["connect", url])
            .args(flags)
            .env_remove("SESSILE_TOKEN")
            .env("XDG_CONFIG_HOME", nowhere)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts");
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().expect("it is piped"));
        let mut stderr = child.stderr.take().expect("it is piped");
        let (sender, lines) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut reading = BufReader::new(stdout).lines();
            while let Ok(Some(line)) = reading.next_line().await {
                let _ = sender.send(line);
            }
        });
        let said = Arc::new(Mutex::new(String::new()));
        let saying = tokio::spawn({
            let said = Arc::clone(&said);
            async move {
                let mut bytes = [0; 1024];
                while let Ok(read @ 1..) = stderr.read(&mut bytes).await {
                    said.lock().expect("nobody panics").push_str(&String::from_utf8_lossy(&bytes[..read]));
                }
            }
        });
        Self { child, stdin, lines, said, saying, heard: VecDeque::new(), due: HashSet::new(), last_id: 0 }
    }

    /// One whose connections to a server go through a proxy, which can cut them.
    pub(super) async fn start_behind_proxy(server: SocketAddr) -> (Proxy, Self) {
        let proxy = Proxy::start(server, 1).await;
        let host = Self::start(&proxy.url());
        (proxy, host)
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// What the bridge has said on standard error until now.
    pub(super) fn said(&self) -> String {
        self.said.lock().expect("nobody panics").clone()
    }

    /// Writes a line, whatever it holds.
    pub(super) async fn write(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("it is open");
        stdin.write_all(format!("{line}\n").as_bytes()).await.expect("it is read");
    }

    /// Sends a request, and gives its id.
    pub(super) async fn send(&mut self, method: &str, params: Value) -> Value {
        self.last_id += 1;
        let id = json!(self.last_id);
        self.due.insert(id.to_string());
        self.write(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()).await;
        id
    }

    pub(super) async fn send_call(&mut self, tool: &str, arguments: Value) -> Value {
        self.send("tools/call", json!({ "name": tool, "arguments": arguments })).await
    }

    pub(super) async fn notify(&mut self, method: &str, params: Value) {
        self.write(&json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string()).await;
    }

    /// The next line, as it came.
    pub(super) async fn next_line(&mut self) -> String {
        soon("a line", self.lines.recv()).await.unwrap_or_else(|| panic!("the bridge ended: {}", self.said()))
    }

    /// The next message.
    pub(super) async fn next(&mut self) -> Value {
        if let Some(message) = self.heard.pop_front() {
            return message;
        }
        let line = self.next_line().await;
        self.read(&line)
    }

    /// Reads a line. An answer has to be one that is due.
    fn read(&mut self, line: &str) -> Value {
        let message: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        if message.get("method").is_none()
            && let Some(id) = message.get("id").filter(|id| !id.is_null())
        {
            assert!(self.due.remove(&id.to_string()), "nobody waits for {line}");
        }
        message
    }

    async fn find(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.heard.iter().position(&is_it) {
            return self.heard.remove(at).expect("it is there");
        }
        loop {
            let line = self.next_line().await;
            let message = self.read(&line);
            if is_it(&message) {
                return message;
            }
            self.heard.push_back(message);
        }
    }

    /// The answer to a request.
    pub(super) async fn response(&mut self, id: &Value) -> Value {
        self.find(|message| message.get("method").is_none() && message.get("id") == Some(id)).await
    }

    /// The next notification or request of this method.
    pub(super) async fn notification(&mut self, method: &str) -> Value {
        self.find(|message| message["method"] == method).await
    }

    pub(super) async fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.send(method, params).await;
        self.response(&id).await
    }

    /// The data of a tool that succeeds.
    pub(super) async fn tool(&mut self, name: &str, arguments: Value) -> Value {
        let answer = self.request("tools/call", json!({ "name": name, "arguments": arguments })).await;
        assert!(answer["result"]["isError"] != true && answer.get("error").is_none(), "{name} failed: {answer}");
        answer["result"]["structuredContent"].clone()
    }

    /// The legacy handshake.
    pub(super) async fn initialize(&mut self, version: &str, capabilities: Value) -> Value {
        let client = json!({ "name": "host", "version": "1" });
        let params = json!({ "protocolVersion": version, "capabilities": capabilities, "clientInfo": client });
        let answer = self.request("initialize", params).await;
        self.notify("notifications/initialized", json!({})).await;
        answer
    }

    pub(super) async fn sign_up(&mut self, name: &str) {
        let arguments = json!({ "email": email(name), "password": PASSWORD, "tenant_name": name });
        self.tool("auth_sign_up", arguments).await;
        // What only reads may be asked again when its answer is lost.
        self.request("tools/list", json!({})).await;
    }

    pub(super) async fn sign_in(&mut self, name: &str) {
        self.tool("auth_sign_in", json!({ "email": email(name), "password": PASSWORD })).await;
    }

    /// How many contacts there are of each name.
    pub(super) async fn contacts(&mut self) -> HashMap<String, usize> {
        let mut all = HashMap::new();
        let mut page = json!({ "limit": 100 });
        loop {
            let listed = self.tool("crm_contact_list", page.clone()).await;
            for contact in listed["items"].as_array().expect("a list") {
                *all.entry(contact["name"].as_str().expect("a name").to_owned()).or_default() += 1;
            }
            if !listed["next_cursor"].is_string() {
                return all;
            }
            page["cursor"] = listed["next_cursor"].clone();
        }
    }

    /// All that came until now: a round trip shows that there is no more.
    pub(super) async fn all_heard(&mut self) -> Vec<Value> {
        self.request("ping", json!({})).await;
        self.heard.drain(..).collect()
    }

    /// Closes the bridge's standard input, and waits for its end.
    pub(super) async fn leave(mut self) -> Ended {
        drop(self.stdin.take());
        self.ended().await
    }

    /// Waits for the end of the bridge.
    pub(super) async fn ended(mut self) -> Ended {
        let status = soon("the end of the bridge", self.child.wait()).await.expect("it is ours to wait for");
        let mut rest: Vec<_> = self.heard.drain(..).collect();
        while let Some(line) = soon("the last lines", self.lines.recv()).await {
            rest.push(self.read(&line));
        }
        soon("its last words", &mut self.saying).await.expect("it does not panic");
        Ended { status, said: self.said(), rest }
    }
}

/// The word for what went wrong with a tool call, if something did.
pub(super) fn code(answer: &Value) -> Option<&str> {
    answer["result"]["_meta"]["dev.sessile/error"]["code"].as_str().or_else(|| answer["error"]["data"]["code"].as_str())
}
