//! A link to a child process: one message a line on its standard input and output.
//!
//! It knows what a line is, and which request a line answers, but nothing else of MCP. Whoever sends writes into the
//! pipe at once, where it has room; what is left over waits, within bounds, for the one task that a child has, which
//! also reads what it says. So nobody ever waits for a child, and nobody who leaves can leave half a line behind.

mod answered;
mod command;
mod lines;
mod printable;
mod process;
mod pump;
mod rate;
mod stderr;
mod stdin;
#[cfg(test)]
mod tests;

use super::definition::Reach;
use super::failure::Failure;
use super::link::{Inbox, Link, Outgoing, Purpose};
use super::outward::Outward;
use printable::Printer;
use process::Process;
use pump::Pump;
use std::io;
use std::sync::Arc;
use stderr::Stderr;
use stdin::Stdin;
use tokio::net::unix::pipe;
use tokio_util::task::TaskTracker;

/// Starts the child. When the link is dropped, its whole process group is told to end (its standard input is closed,
/// and it gets a SIGTERM), and killed when it did not within two seconds. `tasks` has the task that sees to it.
///
/// A child gets the environment that [`Outward::environment`] gives, and of the server's own only `PATH`, `HOME`,
/// `LANG`, `LC_ALL`, `TMPDIR` and `TZ`, without which `npx`, `uvx` and many programs do not run.
///
/// `inbox` may be told that a request failed from within [`Link::send`].
///
/// # Errors
/// [`Failure::Unreachable`] when the program can't be run, and what keeps its environment from being put together.
pub(crate) async fn open(
    outward: Outward,
    inbox: Arc<dyn Inbox>,
    tasks: &TaskTracker,
) -> Result<Box<dyn Link>, Failure> {
    let definition = Arc::clone(outward.definition());
    let Reach::Command { command, environment, directory } = &definition.reach else {
        return Err(Failure::Incomplete("it is no command".into()));
    };
    let values = outward.environment().await?;
    let printer = Printer::new(&values, environment);
    let mut child = command::start(command, directory.as_deref(), &values)?;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    // From here on the child is ended when this fails.
    let cannot = |error: io::Error| Failure::Unreachable(format!("its pipes can't be used: {error}"));
    let process = Process::new(child).map_err(cannot)?;
    let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
        return Err(Failure::Unreachable("it has no pipes".into()));
    };
    let stdin = pipe::Sender::from_owned_fd(stdin.into()).map_err(cannot)?;
    let stdout = pipe::Receiver::from_owned_fd(stdout.into()).map_err(cannot)?;
    let stderr = pipe::Receiver::from_owned_fd(stderr.into()).map_err(cannot)?;

    let stdin = Arc::new(Stdin::new(stdin));
    let stderr = Stderr::new(stderr, &definition.name, outward.unit(), printer);
    let max = definition.limits.max_message_bytes;
    tracing::debug!(upstream = definition.name, unit = outward.unit(), pid = process.id(), "a child has started");
    tasks.spawn(Pump::new(Arc::clone(&stdin), stdout, stderr, process, Arc::clone(&inbox), max).run());
    Ok(Box::new(StdioLink { upstream: definition.name.clone(), stdin, inbox }))
}

#[derive(Debug)]
struct StdioLink {
    upstream: String,
    stdin: Arc<Stdin>,
    inbox: Arc<dyn Inbox>,
}

impl Link for StdioLink {
    fn send(&self, message: Outgoing) {
        let id = match message.purpose {
            Purpose::Request { id, .. } => Some(id),
            Purpose::Notification { .. } | Purpose::Response => None,
        };
        if let Err(failure) = self.stdin.send(message.text, id) {
            match id {
                Some(id) => self.inbox.failed(id, failure),
                None => tracing::debug!(upstream = self.upstream, %failure, "a message was not delivered"),
            }
        }
    }

    fn forget(&self, id: i64) {
        self.stdin.answered(id);
    }
}

impl Drop for StdioLink {
    fn drop(&mut self) {
        self.stdin.leave();
    }
}
