//! The servers as child processes: started, watched, and gone when their guard is dropped.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use tempfile::TempDir;

use super::Result;
use super::client::Connection;
use super::cpu::Clock;
use super::machine::Cores;

/// Thousands of sessions of one user from one address, signed in with a password hash that costs
/// next to nothing: signing in is not what is measured.
const CONFIG: &str = "\
[limits]
max_sessions = 20000
max_sessions_per_address = 20000
max_sessions_per_user = 20000

[quotas]
max_sessions_per_tenant = 20000
max_records_per_tenant = 1000000000

[rates]
principal_per_second = 0
tenant_per_second = 0
address_per_second = 0

[password]
memory_kib = 8
iterations = 1
";

/// A running server. Dropping it kills the process, then removes its files.
#[derive(Debug)]
pub(crate) struct Server {
    process: Process,
    address: SocketAddr,
    /// Held open: a server whose standard output is gone would fail on its next line.
    _stdout: BufReader<ChildStdout>,
    _files: TempDir,
}

impl Server {
    /// Starts the Sessile under test, on an empty database and a free port.
    pub(crate) fn sessile(cores: &Cores) -> Result<Self> {
        Self::gateway(cores, "")
    }

    /// The same with upstreams, as in its configuration file.
    pub(crate) fn gateway(cores: &Cores, upstreams: &str) -> Result<Self> {
        let files = directory()?;
        let config = files.path().join("sessile.toml");
        fs::write(&config, format!("{CONFIG}\n{upstreams}"))?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_sessile"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--database-url"]);
        command.arg(format!("sqlite:{}", files.path().join("sessile.db").display()));
        command.arg("--config").arg(&config);
        let ours = std::env::vars_os().map(|(name, _)| name);
        for name in ours.filter(|name| name.as_encoded_bytes().starts_with(b"SESSILE_")) {
            command.env_remove(name);
        }
        Self::start(command, files, cores)
    }

    /// Starts the echo server: this very program, in its other role.
    pub(crate) fn echo(cores: &Cores) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--echo-server");
        Self::start(command, directory()?, cores)
    }

    /// Starts an echo tool behind rmcp's HTTP service: this very program, in its third role.
    pub(crate) fn rmcp(cores: &Cores) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--rmcp-server");
        Self::start(command, directory()?, cores)
    }

    /// Starts the upstream that is spoken to over HTTP: this very program, in its fourth role.
    pub(crate) fn upstream(cores: &Cores) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--upstream-http");
        Self::start(command, directory()?, cores)
    }

    /// Starts what only carries bytes, to the upstream there or else to a child: this very program, in its fifth role.
    pub(crate) fn relay(cores: &Cores, upstream: Option<SocketAddr>) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        match upstream {
            Some(address) => command.arg("--relay-to").arg(address.to_string()),
            None => command.arg("--relay-to-child"),
        };
        Self::start(command, directory()?, cores)
    }

    /// Starts what passes HTTP requests on to the upstream there: this very program, in its sixth role.
    pub(crate) fn forward(cores: &Cores, upstream: SocketAddr) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--forward-to").arg(upstream.to_string());
        Self::start(command, directory()?, cores)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its processor time.
    pub(crate) fn clock(&self) -> Result<Clock> {
        self.process.clock()
    }

    /// That of the children it has now.
    pub(crate) fn clocks_of_children(&self) -> Result<Vec<Clock>> {
        Clock::of_children(self.process.0.id())
    }

    /// Memory of the process that is resident now, in KiB.
    pub(crate) fn resident_kib(&self) -> Result<u64> {
        self.process.resident_kib()
    }

    fn start(mut command: Command, files: TempDir, cores: &Cores) -> Result<Self> {
        let log = files.path().join("log");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(&log)?);
        let mut process = Process(cores.spawn(&mut command)?);
        let mut stdout = BufReader::new(process.0.stdout.take().ok_or("no standard output")?);
        let address = read_address(&mut stdout).map_err(|error| {
            let program = command.get_program().display();
            format!("{program} did not start: {error}\n{}", tail(&log))
        })?;
        Ok(Self { process, address, _stdout: stdout, _files: files })
    }
}

/// A child that does not outlive us, however we end.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    /// Starts the upstream that is spoken to over its standard input and output.
    pub(crate) fn upstream(cores: &Cores) -> Result<(Self, Connection)> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--upstream-stdio").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Self(cores.spawn(&mut command)?);
        let pipes = process.0.stdin.take().zip(process.0.stdout.take());
        let (stdin, stdout) = pipes.ok_or("no pipes")?;
        Ok((process, Connection::pipes(stdin, stdout)))
    }

    /// Starts a bridge to the server at this address.
    pub(crate) fn bridge(cores: &Cores, address: SocketAddr) -> Result<(Self, Connection)> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sessile"));
        command.args(["connect", &format!("ws://{address}/mcp"), "--quiet"]).env_remove("SESSILE_TOKEN");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Self(cores.spawn(&mut command)?);
        let pipes = process.0.stdin.take().zip(process.0.stdout.take());
        let (stdin, stdout) = pipes.ok_or("no pipes")?;
        Ok((process, Connection::pipes(stdin, stdout)))
    }

    /// Its processor time.
    pub(crate) fn clock(&self) -> Result<Clock> {
        Clock::of(self.0.id())
    }

    /// Memory of it that is resident now, in KiB.
    pub(crate) fn resident_kib(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let figure = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let figure = figure.and_then(|line| line.split_whitespace().next());
        Ok(figure.ok_or("the process has ended")?.parse()?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A directory on the disk that holds the build, not in `/tmp`: that is often memory, where a commit
/// costs nothing and a write would look faster than it is.
fn directory() -> std::io::Result<TempDir> {
    tempfile::Builder::new().prefix("load-").tempdir_in(env!("CARGO_TARGET_TMPDIR"))
}

/// All servers say `… listening on ws://address/…` in their first line, when they are ready.
fn read_address(stdout: &mut BufReader<ChildStdout>) -> Result<SocketAddr> {
    let mut line = String::new();
    stdout.read_line(&mut line)?;
    let url = line.split_once("listening on ws://").ok_or_else(|| format!("its first line was {line:?}"))?.1;
    Ok(url.trim_end().split('/').next().unwrap_or(url).parse()?)
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}
