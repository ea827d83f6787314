//! Processor time of other processes.

use std::fs;
use std::time::Duration;

use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;

use super::Result;

/// The processor time of one process: of all its threads, those that ended too, but not of its children.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(ClockId);

impl Clock {
    /// That of a process that runs.
    pub(crate) fn of(process: u32) -> Result<Self> {
        Ok(Self(clock_getcpuclockid(Pid::from_raw(i32::try_from(process)?))?))
    }

    /// Those of a process's children that run now.
    pub(crate) fn of_children(process: u32) -> Result<Vec<Self>> {
        let mut clocks = Vec::new();
        for thread in fs::read_dir(format!("/proc/{process}/task"))? {
            let children = fs::read_to_string(thread?.path().join("children"))?;
            for child in children.split_whitespace() {
                clocks.push(Self::of(child.parse()?)?);
            }
        }
        Ok(clocks)
    }

    /// What it shows.
    pub(crate) fn read(self) -> Result<Duration> {
        Ok(self.0.now()?.into())
    }
}
