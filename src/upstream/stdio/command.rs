//! How a child is started: its program, its environment, its process group.

use crate::upstream::failure::Failure;
use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use zeroize::Zeroizing;

/// What a child gets of the server's own environment.
const INHERITED: [&str; 6] = ["PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ"];

/// Starts the program in a process group of its own.
pub(super) fn start(
    command: &[String],
    directory: Option<&Path>,
    environment: &[(String, Zeroizing<String>)],
) -> Result<Child, Failure> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(Failure::Incomplete("its command is empty".into()));
    };
    let mut child = Command::new(found(program, environment));
    child.args(arguments).env_clear();
    child.envs(INHERITED.iter().filter_map(|name| env::var_os(name).map(|value| (name, value))));
    child.envs(environment.iter().map(|(name, value)| (name, value.as_str())));
    child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    if let Some(directory) = directory {
        child.current_dir(directory);
    }
    child.spawn().map_err(|error| {
        Failure::Unreachable(match directory {
            Some(directory) if !directory.is_dir() => {
                format!("{program} can't be run in {}, which is no directory", directory.display())
            }
            _ => format!("{program} can't be run: {error}"),
        })
    })
}

/// Where the program is. A command that has its `PATH` set finds no program without one set for it, and is started by
/// a fork of the whole server: the standard library starts a path much faster.
fn found(program: &str, environment: &[(String, Zeroizing<String>)]) -> PathBuf {
    if program.contains('/') {
        return program.into();
    }
    let configured = environment.iter().find(|(name, _)| name == "PATH").map(|(_, value)| OsString::from(&**value));
    let path = configured.or_else(|| env::var_os("PATH")).unwrap_or_default();
    let runs =
        |file: &PathBuf| file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0);
    let candidates = env::split_paths(&path).filter(|folder| folder.is_absolute());
    candidates.map(|folder| folder.join(OsStr::new(program))).find(runs).unwrap_or_else(|| program.into())
}
