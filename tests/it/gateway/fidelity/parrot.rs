//! The upstream that says what it is told, and the client that talks to it: directly, or with a gateway between.

use super::raw::Members;
use crate::support::soon;

use futures_util::{SinkExt, StreamExt};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Message};

/// What the parrot is told, and what it has heard.
pub(super) struct Cage {
    directory: TempDir,
}

impl Cage {
    pub(super) fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("there is room for it") }
    }

    /// How the parrot is started.
    pub(super) fn command(&self) -> Vec<String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/children/parrot.py");
        vec!["python3".into(), script.display().to_string(), self.directory.path().display().to_string()]
    }

    /// A gateway's configuration with it behind, under its own names.
    pub(super) fn configuration(&self) -> String {
        format!("[upstream.parrot]\ncommand = {:?}\nprefix = \"\"\n", self.command())
    }

    /// What it says to the next call: lines, with `@@ID@@` and `@@TOKEN@@`, and `?` before a question.
    pub(super) fn teach(&self, lines: &[String]) {
        std::fs::write(self.file("say"), lines.join("\n")).expect("the directory can be written to");
        std::fs::write(self.file("heard"), "").expect("the directory can be written to");
    }

    /// The lines that it has heard since.
    pub(super) fn heard(&self) -> Vec<String> {
        let heard = std::fs::read_to_string(self.file("heard")).expect("it has heard UTF-8");
        heard.lines().map(str::to_owned).collect()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

/// A client's side of a connection.
pub(super) enum Wire {
    /// The parrot's own standard input and output.
    Direct { _parrot: Box<Child>, input: ChildStdin, output: Lines<BufReader<ChildStdout>> },
    /// A WebSocket.
    Socket(Box<WebSocketStream<TcpStream>>),
}

impl Wire {
    pub(super) fn direct(cage: &Cage) -> Self {
        let command = cage.command();
        let mut parrot = Command::new(&command[0])
            .args(&command[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("there is a python3");
        let (input, output) = (parrot.stdin.take().expect("a pipe"), parrot.stdout.take().expect("a pipe"));
        Self::Direct { _parrot: Box::new(parrot), input, output: BufReader::new(output).lines() }
    }

    pub(super) async fn socket(address: SocketAddr) -> Self {
        let uri = format!("ws://{address}/mcp").parse().expect("it is a URI");
        let request = ClientRequestBuilder::new(uri).with_sub_protocol("mcp");
        let stream = TcpStream::connect(address).await.expect("the server listens");
        let upgraded = soon("the upgrade", tokio_tungstenite::client_async(request, stream)).await;
        Self::Socket(Box::new(upgraded.expect("the server upgrades").0))
    }

    /// Makes a request, and gives the whole answer. What comes before is passed over.
    pub(super) async fn ask(&mut self, id: u64, method: &str, params: &str) -> String {
        self.send(format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\",\"params\":{params}}}")).await;
        loop {
            let text = self.next().await;
            if Members::of(&text).get("id").is_some() {
                return text;
            }
        }
    }

    pub(super) async fn send(&mut self, text: String) {
        match self {
            // What has line breaks is a line all the same.
            Self::Direct { input, .. } => {
                let line = text.replace(['\n', '\r'], " ") + "\n";
                input.write_all(line.as_bytes()).await.expect("the parrot listens");
            }
            Self::Socket(socket) => socket.send(Message::text(text)).await.expect("the gateway listens"),
        }
    }

    pub(super) async fn next(&mut self) -> String {
        let next = async {
            match self {
                Self::Direct { output, .. } => output.next_line().await.expect("UTF-8").expect("the parrot lives"),
                Self::Socket(socket) => loop {
                    let message = socket.next().await.expect("the gateway stays").expect("the socket works");
                    if let Message::Text(text) = message {
                        break text.as_str().to_owned();
                    }
                },
            }
        };
        soon("a message", next).await
    }
}
