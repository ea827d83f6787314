//! A home directory with nothing in it, and the binary run from there.

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// What the binary may see of our own environment.
const KEPT: &[&str] = &["PATH", "LLVM_PROFILE_FILE"];

pub(super) struct Home(TempDir);

/// What became of a command.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) status: i32,
    pub(super) out: String,
    pub(super) err: String,
}

impl Home {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().expect("there is room for a home"))
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("it is in a directory")).expect("it can be made");
        std::fs::write(path, text).expect("it can be written");
    }

    pub(super) fn mode(&self, name: &str) -> u32 {
        std::fs::metadata(self.path(name)).expect("it is there").permissions().mode() & 0o7777
    }

    /// All that is in files below it.
    pub(super) fn files(&self) -> Vec<(PathBuf, String)> {
        let mut found = Vec::new();
        collect(self.0.path(), &mut found);
        found
    }

    pub(super) async fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, "", &[]).await
    }

    /// The same with something on its standard input, and more in its environment.
    pub(super) async fn run_with(&self, arguments: &[&str], input: &str, environment: &[(&str, &str)]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sessile"));
        command.args(arguments).current_dir(self.0.path()).env_clear();
        command.envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.env("HOME", self.0.path()).env("SESSILE_CREDENTIALS", "file").envs(environment.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let input = input.to_owned();
        // The server is in this process, and may be on this thread.
        let run = move || {
            let mut child = command.spawn().expect("the binary starts");
            // It may end without reading what it is given.
            let _ = child.stdin.take().expect("it is piped").write_all(input.as_bytes());
            child.wait_with_output().expect("it ends")
        };
        let output = tokio::task::spawn_blocking(run).await.expect("it does not panic");
        let text = |bytes| String::from_utf8(bytes).expect("it writes text");
        Ran { status: output.status.code().expect("it exits"), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Runs it on a terminal: what is asked, and what is typed then. Returns all that was to be seen.
    pub(super) async fn on_a_terminal(&self, arguments: &[&str], dialogue: &[(&str, &str)]) -> (u32, String) {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_sessile"));
        command.args(arguments);
        command.cwd(self.0.path());
        command.env_clear();
        command.env("HOME", self.0.path());
        command.env("SESSILE_CREDENTIALS", "file");
        let dialogue: Vec<_> = dialogue.iter().map(|(ask, say)| ((*ask).to_owned(), (*say).to_owned())).collect();
        let run = move || {
            let pty = native_pty_system().openpty(PtySize::default()).expect("there is a terminal");
            let before = pty.master.get_termios();
            let mut child = pty.slave.spawn_command(command).expect("the binary starts");
            drop(pty.slave);
            let mut reader = pty.master.try_clone_reader().expect("it can be read");
            let mut writer = pty.master.take_writer().expect("it can be typed on");
            let (send, heard) = std::sync::mpsc::channel();
            std::thread::spawn(move || {
                let mut buffer = [0; 1024];
                while let Ok(1..) = reader.read(&mut buffer).inspect(|read| {
                    let _ = send.send(buffer[..*read].to_vec());
                }) {}
            });
            let (mut seen, mut from) = (String::new(), 0);
            for (ask, say) in dialogue {
                while !seen[from..].contains(&ask) {
                    let more = heard.recv_timeout(Duration::from_secs(30));
                    let more = more.unwrap_or_else(|_| panic!("waited in vain for {ask:?}, saw {seen:?}"));
                    seen.push_str(&String::from_utf8_lossy(&more));
                }
                from = seen.len();
                writer.write_all(format!("{say}\n").as_bytes()).expect("it can be typed on");
            }
            let status = child.wait().expect("it ends");
            if let (Some(before), Some(after)) = (before, pty.master.get_termios()) {
                assert_eq!(after.local_flags, before.local_flags, "the terminal is as it was");
            }
            // The reader ends with the other side of the terminal.
            while let Ok(more) = heard.recv_timeout(Duration::from_secs(5)) {
                seen.push_str(&String::from_utf8_lossy(&more));
            }
            (status.exit_code(), seen)
        };
        tokio::task::spawn_blocking(run).await.expect("it does not panic")
    }
}

impl Ran {
    /// What it said, since it did what it was asked.
    pub(super) fn done(self) -> String {
        assert_eq!(self.status, 0, "it should have been done: {self:?}");
        self.out
    }

    /// Why it did not do it.
    pub(super) fn refused(self) -> String {
        assert_eq!(self.status, 1, "it should have refused: {self:?}");
        self.err
    }

    /// The same of one with `--json`.
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("it is no JSON: {self:?}"))
    }
}

fn collect(directory: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(directory).expect("it can be listed") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            collect(&path, found);
        } else {
            let bytes = std::fs::read(&path).expect("it can be read");
            found.push((path, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
}
