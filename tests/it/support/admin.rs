//! `sessile admin`, as a process of its own.

use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// What became of a command.
#[derive(Debug)]
pub(crate) struct Outcome {
    status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs it on a database, whoever serves that.
pub(crate) async fn admin(database: &Path, arguments: &[&str]) -> Outcome {
    admin_with(database, arguments, &[]).await
}

/// The same with more in its environment.
pub(crate) async fn admin_with(database: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sessile"));
    command.arg("admin").args(arguments).arg("--database-url").arg(format!("sqlite:{}", database.display()));
    command.current_dir(database.parent().expect("it is in a directory"));
    command.envs(environment.iter().copied());
    // The server may be in this process, and on this thread.
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("it does not panic");
    let output = output.expect("the binary starts");
    let text = |bytes| String::from_utf8(bytes).expect("it writes text");
    Outcome { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

impl Outcome {
    /// What it said, since it did what it was asked.
    pub(crate) fn done(self) -> String {
        assert_eq!(self.status, Some(0), "it should have been done: {self:?}");
        assert_eq!(self.err, "", "it is done and complains");
        self.out
    }

    /// The same of a command with `--json`.
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.done()).expect("it is JSON")
    }

    /// Why it did not do it.
    pub(crate) fn refused(self) -> String {
        assert_eq!(self.status, Some(1), "it should have refused: {self:?}");
        let line = self.err.strip_prefix("sessile: ").and_then(|line| line.strip_suffix('\n'));
        line.unwrap_or_else(|| panic!("it says {:?}", self.err)).to_owned()
    }

    /// What it found to be wrong.
    pub(crate) fn found_wrong(self) -> String {
        assert_eq!((self.status, self.err.as_str()), (Some(1), ""), "it should have found something: {}", self.out);
        self.out
    }
}
