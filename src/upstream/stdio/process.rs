//! A child process and its group: when it ends, and how it is ended.
//!
//! The group is named by the leader's id, which the system may give to somebody else as soon as the leader was waited
//! for. So the group is signalled only while the leader runs or is a zombie, and it is waited for last.

use super::stderr::Stderr;
use futures_util::future::poll_fn;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::io;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::process::Child;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{self, SignalKind};
use tokio::time::{sleep, timeout};

/// How long a group may take to end by itself.
const GRACE: Duration = Duration::from_secs(2);
/// How long a process that was killed may take to be gone.
const KILLED: Duration = Duration::from_secs(10);

/// A child, the leader of its group. Dropped, it kills the group.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    group: Pid,
    watch: Watch,
    waited_for: bool,
}

/// What tells that the leader may have ended.
#[derive(Debug)]
enum Watch {
    /// A descriptor of the process itself, readable once it ended.
    Descriptor(AsyncFd<OwnedFd>),
    /// Where there are none: a signal that comes when any child ended.
    Signals(unix::Signal),
}

impl Process {
    pub(super) fn new(mut child: Child) -> io::Result<Self> {
        let group = Pid::from_child(&child);
        match Watch::new(group) {
            Ok(watch) => Ok(Self { child, group, watch, waited_for: false }),
            Err(error) => {
                let _ = kill_process_group(group, Signal::KILL);
                let _ = child.wait();
                Err(error)
            }
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How the leader ended, once it did. It stays a zombie.
    pub(super) fn poll_exit(&mut self, cx: &mut Context<'_>) -> Poll<String> {
        loop {
            match &mut self.watch {
                Watch::Descriptor(descriptor) => {
                    // It fails only when the runtime goes, and this with it.
                    let Ok(mut told) = ready!(descriptor.poll_read_ready(cx)) else { return Poll::Pending };
                    if let Some(exit) = exit(self.group) {
                        return Poll::Ready(exit);
                    }
                    told.clear_ready();
                }
                // The signal may have come before anybody listened, so it is looked first.
                Watch::Signals(signals) => match exit(self.group) {
                    Some(exit) => return Poll::Ready(exit),
                    None if ready!(signals.poll_recv(cx)).is_none() => return Poll::Pending,
                    None => {}
                },
            }
        }
    }

    /// Ends the whole group, and waits until it is gone. What it says on standard error is still logged.
    pub(super) async fn end(mut self, mut stderr: Stderr) {
        let exit = self.end_group(&mut stderr).await;
        let pid = self.id();
        match exit {
            Some(exit) => {
                // It is a zombie, so this does not wait.
                self.waited_for = self.child.wait().is_ok();
                tracing::debug!(upstream = stderr.upstream(), unit = stderr.unit(), pid, exit, "a child has ended");
            }
            None => tracing::warn!(upstream = stderr.upstream(), pid, "a child was killed, and is still there"),
        }
    }

    async fn end_group(&mut self, stderr: &mut Stderr) -> Option<String> {
        self.signal(Signal::TERM);
        let mut grace = pin!(sleep(GRACE));
        let mut exit = None;
        poll_fn(|cx| {
            if exit.is_none()
                && let Poll::Ready(how) = self.poll_exit(cx)
            {
                exit = Some(how);
            }
            // As long as standard error is open, others in the group may be at work, whose time is not over either.
            let silent = stderr.poll(cx).is_ready();
            if exit.is_some() && silent { Poll::Ready(()) } else { grace.as_mut().poll(cx) }
        })
        .await;
        self.signal(Signal::KILL);
        if exit.is_none() {
            exit = timeout(KILLED, poll_fn(|cx| self.poll_exit(cx))).await.ok();
        }
        exit
    }

    fn signal(&self, signal: Signal) {
        // It fails where nobody is left in the group but the zombie, on some systems.
        let _ = kill_process_group(self.group, signal);
    }
}

/// How the process ended, once it did. It is not waited for by this.
fn exit(leader: Pid) -> Option<String> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    match waitid(WaitId::Pid(leader), options) {
        Ok(status) => status.map(|status| match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => format!("exit status {code}"),
            (None, Some(signal)) => format!("killed by signal {signal}"),
            (None, None) => "it is gone".into(),
        }),
        Err(rustix::io::Errno::INTR) => None,
        Err(error) => Some(format!("it is gone: {error}")),
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.waited_for {
            return;
        }
        self.signal(Signal::KILL);
        // That is mostly a matter of microseconds; if it is not, a zombie is better than a thread that hangs.
        for _ in 0..20 {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(1)),
                Ok(Some(_)) | Err(_) => break,
            }
        }
    }
}

impl Watch {
    fn new(leader: Pid) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        if let Ok(descriptor) = rustix::process::pidfd_open(leader, rustix::process::PidfdFlags::empty()) {
            #[expect(
                deprecated,
                reason = "its successor is unsafe, for types whose descriptor may change: none that is owned"
            )]
            return AsyncFd::with_interest(descriptor, tokio::io::Interest::READABLE).map(Self::Descriptor);
        }
        let _ = leader;
        unix::signal(SignalKind::child()).map(Self::Signals)
    }
}
