//! `sessile serve`, as a process of its own.

use super::{Client, until};
use sessile::wire::Era;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A serving process with a configuration file, in a directory of its own; killed when dropped.
pub(crate) struct Serving {
    child: Child,
    address: SocketAddr,
    directory: TempDir,
}

impl Serving {
    /// One that serves with this configuration.
    pub(crate) fn start(configuration: &str, environment: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("there is room for a database");
        std::fs::write(directory.path().join("sessile.toml"), configuration).expect("it can be written");
        let log = File::create(directory.path().join("log")).expect("it can be made");
        let mut child = Self::command(&directory, environment)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its output is piped");
        BufReader::new(stdout).read_line(&mut line).expect("it says where it listens");
        let address = line.trim().strip_prefix("sessile listening on ws://").and_then(|rest| rest.strip_suffix("/mcp"));
        let address = address.and_then(|address| address.parse().ok());
        let address = address.unwrap_or_else(|| {
            let log = std::fs::read_to_string(directory.path().join("log"));
            panic!("it said {line:?} and {log:?}")
        });
        Self { child, address, directory }
    }

    /// Why none serves with this configuration.
    pub(crate) fn refused(configuration: &str, environment: &[(&str, &str)]) -> String {
        let directory = tempfile::tempdir().expect("there is room for a database");
        std::fs::write(directory.path().join("sessile.toml"), configuration).expect("it can be written");
        let output = Self::command(&directory, environment).output().expect("the binary starts");
        assert_eq!(output.status.code(), Some(1), "it should have refused {configuration}");
        String::from_utf8(output.stderr).expect("it writes text")
    }

    fn command(directory: &TempDir, environment: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sessile"));
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--database-url", "sqlite:sessile.db"])
            .env("SESSILE_PASSWORD_MEMORY_KIB", "8")
            .env("SESSILE_PASSWORD_ITERATIONS", "1")
            .envs(environment.iter().copied())
            .current_dir(directory.path());
        command
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client that has said nothing yet.
    pub(crate) async fn connect(&self) -> Client {
        Client::connect(self.address, Era::Legacy).await
    }

    /// Replaces its configuration file.
    pub(crate) fn configure(&self, configuration: &str) {
        let (new, file) = (self.directory.path().join("new.toml"), self.directory.path().join("sessile.toml"));
        std::fs::write(&new, configuration).expect("it can be written");
        std::fs::rename(new, file).expect("it can be renamed");
    }

    /// Sends it SIGHUP.
    pub(crate) fn hang_up(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::HUP).expect("it runs");
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).expect("it is text")
    }

    /// Waits until it has logged so many lines with this text.
    pub(crate) async fn logged(&self, times: usize, text: &str) {
        until(text, || self.log().matches(text).count() >= times).await;
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it is ours to wait for");
    }
}
