//! The real binary, as a process of its own.

use super::Client;
use sessile::wire::Era;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A server in a process of its own, over a database in a directory; killed when dropped.
pub(crate) struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    pub(crate) fn start(directory: &Path) -> Self {
        Self::start_with(directory, &[], None)
    }

    /// The same with more in its environment, and its log in a file.
    pub(crate) fn start_with(directory: &Path, environment: &[(&str, &str)], log: Option<File>) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sessile"))
            .args(["serve", "--listen", "127.0.0.1:0", "--database-url", "sqlite:sessile.db"])
            .env("SESSILE_PASSWORD_MEMORY_KIB", "8")
            .env("SESSILE_PASSWORD_ITERATIONS", "1")
            .env("RUST_LOG", "warn")
            .envs(environment.iter().copied())
            .current_dir(directory)
            .stdout(Stdio::piped())
            .stderr(log.map_or_else(Stdio::inherit, Stdio::from))
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its output is piped");
        BufReader::new(stdout).read_line(&mut line).expect("it says where it listens");
        let address = line.trim().strip_prefix("sessile listening on ws://").and_then(|rest| rest.strip_suffix("/mcp"));
        let address = address.and_then(|address| address.parse().ok());
        Self { child, address: address.unwrap_or_else(|| panic!("it said {line:?}")) }
    }

    pub(crate) async fn connect(&self) -> Client {
        Client::connect(self.address, Era::Legacy).await
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its command line, as others on the machine see it.
    #[cfg(target_os = "linux")]
    pub(crate) fn command_line(&self) -> String {
        let read = std::fs::read(format!("/proc/{}/cmdline", self.child.id())).expect("it runs");
        String::from_utf8_lossy(&read).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // SIGKILL: nothing of it gets to tidy up.
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it is ours to wait for");
    }
}
