//! The machine: which cores serve and which one drives, how many files may be open, what to call it.
//!
//! Affinity and limits are inherited, so a child is placed by placing ourselves for the moment it is
//! started. A server that asks how many cores it has is then told one, as intended.

use std::fs;
use std::io;
use std::process::{Child, Command};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::Pid;

use super::Result;

/// Where the servers and the generator run.
#[derive(Debug)]
pub(crate) enum Cores {
    /// Both servers on one core, the generator on another.
    Apart {
        /// The core both servers take turns on.
        server: usize,
        /// The core of this process.
        client: usize,
    },
    /// All on one core, be it that there is no other one; nothing is pinned any more.
    Shared,
}

impl Cores {
    /// Takes the first two cores this process may use, and moves this process to the second.
    pub(crate) fn claim() -> Result<Self> {
        let allowed = sched_getaffinity(THIS_THREAD)?;
        let mut usable = (0..CpuSet::count()).filter(|&core| allowed.is_set(core).unwrap_or(false));
        let (Some(server), Some(client)) = (usable.next(), usable.next()) else {
            return Ok(Self::Shared);
        };
        pin(client)?;
        Ok(Self::Apart { server, client })
    }

    /// Starts a child on the servers' core.
    pub(crate) fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        let Self::Apart { server, client } = *self else {
            return command.spawn();
        };
        pin(server)?;
        let child = command.spawn();
        pin(client)?;
        child
    }

    /// Does some work with everybody on the servers' core, the generator as well.
    pub(crate) fn together<T>(&self, work: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        let Self::Apart { server, client } = *self else {
            return work(self);
        };
        pin(server)?;
        let done = work(&Self::Shared);
        pin(client)?;
        done
    }

    /// One line for the report.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Apart { server, client } => {
                format!("Servers pinned to core {server}, generator to core {client}.")
            }
            Self::Shared => {
                "Note: one core only, so servers and generator share it; the targets are not meaningful here."
                    .to_owned()
            }
        }
    }
}

/// Lets this process and the children it starts from now on have `wanted` open files, or as many as
/// the hard limit grants. Returns the limit now in force.
pub(crate) fn raise_open_files(wanted: u64) -> Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let limit = wanted.min(hard).max(soft);
    setrlimit(Resource::RLIMIT_NOFILE, limit, hard)?;
    Ok(limit)
}

/// One line on processor, cores and kernel.
pub(crate) fn describe() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let values = |key: &str| -> Vec<String> {
        let lines = processors.lines().filter(|line| line.starts_with(key));
        lines.filter_map(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned()).collect()
    };
    let model = values("model name").into_iter().next().unwrap_or_else(|| "unknown processor".to_owned());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("Machine: {model}, {} cores, Linux {}.", values("processor").len(), kernel.trim())
}

/// To the scheduler, zero is the calling thread; this process has no other.
const THIS_THREAD: Pid = Pid::from_raw(0);

fn pin(core: usize) -> io::Result<()> {
    let mut set = CpuSet::new();
    set.set(core)?;
    Ok(sched_setaffinity(THIS_THREAD, &set)?)
}
