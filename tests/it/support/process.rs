//! `sessile serve`, as a process of its own.

use super::{Client, until};
use rustix::process::{Pid, Signal, kill_process};
use sessile::wire::Era;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use tempfile::TempDir;

/// Where one listens that shares its port with nobody.
const ANYWHERE: &str = "127.0.0.1:0";

/// A server in a process of its own, over a database in a directory; killed when dropped.
pub(crate) struct Process {
    child: Child,
    /// Until it has said where it serves.
    stdout: Option<ChildStdout>,
    address: Option<SocketAddr>,
    directory: PathBuf,
    log: PathBuf,
    /// Keeps its directory for as long as it lives, if that is its own.
    own: Option<TempDir>,
}

impl Process {
    /// One that serves.
    pub(crate) fn start(directory: &Path) -> Self {
        Self::start_with(directory, &[])
    }

    /// The same with more in its environment.
    pub(crate) fn start_with(directory: &Path, environment: &[(&str, &str)]) -> Self {
        let mut process = Self::run(directory, "log", environment, serve(ANYWHERE));
        let said = first_line(process.stdout.take());
        process.listens(&said);
        process
    }

    /// One that serves with this configuration file, in a directory of its own.
    pub(crate) fn configured(configuration: &str, environment: &[(&str, &str)]) -> Self {
        let own = directory_with(configuration);
        let mut process = Self::start_with(own.path(), environment);
        process.own = Some(own);
        process
    }

    /// Why none serves with this configuration file.
    pub(crate) fn refused(configuration: &str) -> String {
        let directory = directory_with(configuration);
        let mut process = Self::run(directory.path(), "log", &[], serve(ANYWHERE));
        let status = process.child.wait().expect("it is ours to wait for");
        assert_eq!(status.code(), Some(1), "it should have refused {configuration}");
        process.log()
    }

    /// One that may not serve yet; its log has this name.
    pub(crate) fn launch(directory: &Path, log: &str, listen: &str, flags: &[&str]) -> Self {
        let mut command = serve(listen);
        command.args(flags);
        Self::run(directory, log, &[], command)
    }

    /// The same by another command.
    pub(crate) fn run(directory: &Path, log: &str, environment: &[(&str, &str)], mut command: Command) -> Self {
        let log = directory.join(log);
        let mut child = command
            .env("SESSILE_PASSWORD_MEMORY_KIB", "8")
            .env("SESSILE_PASSWORD_ITERATIONS", "1")
            .env("RUST_LOG", "info")
            .envs(environment.iter().copied())
            .current_dir(directory)
            .stdout(Stdio::piped())
            .stderr(File::create(&log).expect("it can be made"))
            .spawn()
            .expect("the binary starts");
        let stdout = child.stdout.take();
        Self { child, stdout, address: None, directory: directory.to_owned(), log, own: None }
    }

    /// Waits until it says where it serves.
    pub(crate) async fn serves(&mut self) -> SocketAddr {
        let stdout = self.stdout.take();
        let said = tokio::task::spawn_blocking(|| first_line(stdout)).await.expect("it does not panic");
        self.listens(&said)
    }

    fn listens(&mut self, said: &str) -> SocketAddr {
        let address = said.trim().strip_prefix("sessile listening on ws://").and_then(|rest| rest.strip_suffix("/mcp"));
        self.address = address.and_then(|address| address.parse().ok());
        self.address.unwrap_or_else(|| panic!("it said {said:?}"))
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address.expect("it serves")
    }

    /// A client that has said nothing yet.
    pub(crate) async fn connect(&self) -> Client {
        Client::connect(self.address(), Era::Legacy).await
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its command line, as others on the machine see it.
    #[cfg(target_os = "linux")]
    pub(crate) fn command_line(&self) -> String {
        let read = std::fs::read(format!("/proc/{}/cmdline", self.id())).expect("it runs");
        String::from_utf8_lossy(&read).into_owned()
    }

    /// Replaces its configuration file.
    pub(crate) fn configure(&self, configuration: &str) {
        let (new, file) = (self.directory.join("new.toml"), self.directory.join("sessile.toml"));
        std::fs::write(&new, configuration).expect("it can be written");
        std::fs::rename(new, file).expect("it can be renamed");
    }

    /// Sends it SIGHUP.
    pub(crate) fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    /// Sends it SIGTERM.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("it is text")
    }

    /// Waits until it has logged this text.
    pub(crate) async fn logged(&self, text: &str) {
        until(text, || self.log().contains(text)).await;
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        until("the process ends", || !self.runs()).await;
        self.child.wait().expect("it is ours to wait for")
    }

    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().expect("it is ours to wait for").is_none()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // SIGKILL: nothing of it gets to tidy up.
        let _ = self.child.kill();
        self.child.wait().expect("it is ours to wait for");
        if std::thread::panicking() {
            eprintln!("the log of process {}:\n{}", self.id(), std::fs::read_to_string(&self.log).unwrap_or_default());
        }
    }
}

fn serve(listen: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sessile"));
    command.args(["serve", "--listen", listen, "--database-url", "sqlite:sessile.db"]);
    command
}

fn directory_with(configuration: &str) -> TempDir {
    let directory = tempfile::tempdir().expect("there is room for a database");
    std::fs::write(directory.path().join("sessile.toml"), configuration).expect("it can be written");
    directory
}

fn first_line(stdout: Option<ChildStdout>) -> String {
    let mut line = String::new();
    let stdout = stdout.expect("it is asked once");
    BufReader::new(stdout).read_line(&mut line).expect("it says where it listens");
    line
}
