//! What a child says on standard error: into the log, within bounds.

use super::lines::{Line, Lines};
use super::printable::Printer;
use super::rate::Rate;
use std::task::{Context, Poll};
use tokio::net::unix::pipe;

/// The longest line that is logged, in bytes.
const MAX_LINE: usize = 1024;
/// Lines of one child that are logged in a second.
const LINES_PER_SECOND: u32 = 50;
/// How much of its last line an error tells.
const MAX_HINT: usize = 200;
/// Reads before others get their turn.
const TURN: usize = 4;

/// A child's standard error, and what else is known for its log lines.
#[derive(Debug)]
pub(super) struct Stderr {
    pipe: Option<pipe::Receiver>,
    lines: Lines,
    rate: Rate,
    upstream: String,
    unit: String,
    printer: Printer,
    /// The last line that said something.
    last: Vec<u8>,
}

impl Stderr {
    pub(super) fn new(pipe: pipe::Receiver, upstream: &str, unit: &str, printer: Printer) -> Self {
        Self {
            pipe: Some(pipe),
            lines: Lines::new(MAX_LINE),
            rate: Rate::new(LINES_PER_SECOND),
            upstream: upstream.to_owned(),
            unit: unit.to_owned(),
            printer,
            last: Vec::new(),
        }
    }

    /// Logs what there is; ready once nothing more can come.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..TURN {
            let Some(pipe) = &mut self.pipe else { return Poll::Ready(()) };
            match self.lines.poll_read(cx, pipe) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(read)) if read > 0 => self.take_lines(),
                Poll::Ready(_) => {
                    self.pipe = None;
                    if let Some(line) = self.lines.last() {
                        log(line, &mut self.rate, &self.upstream, &self.unit, &self.printer, &mut self.last);
                    }
                    self.tell_held();
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// The last thing that it said, for an error.
    pub(super) fn hint(&self) -> Option<String> {
        (!self.last.is_empty()).then(|| self.printer.print(&self.last, MAX_HINT))
    }

    pub(super) fn upstream(&self) -> &str {
        &self.upstream
    }

    pub(super) fn unit(&self) -> &str {
        &self.unit
    }

    pub(super) fn printer(&self) -> &Printer {
        &self.printer
    }

    fn take_lines(&mut self) {
        while let Some(line) = self.lines.next() {
            log(line, &mut self.rate, &self.upstream, &self.unit, &self.printer, &mut self.last);
        }
    }

    fn tell_held(&mut self) {
        tell_held(self.rate.take_held(), &self.upstream, &self.unit);
    }
}

fn log(line: Line<'_>, rate: &mut Rate, upstream: &str, unit: &str, printer: &Printer, last: &mut Vec<u8>) {
    let line = match &line {
        Line::Whole(line) => line,
        Line::TooLong(ends) => &ends.head[..],
    };
    if line.is_empty() {
        return;
    }
    last.clear();
    last.extend_from_slice(line);
    if let Some(held) = rate.admit() {
        tell_held(held, upstream, unit);
        tracing::info!(target: "upstream::stderr", upstream, unit, "{}", printer.print(line, MAX_LINE));
    }
}

fn tell_held(held: u64, upstream: &str, unit: &str) {
    if held > 0 {
        tracing::warn!(target: "upstream::stderr", upstream, unit, "{held} lines are left out, as they came too fast");
    }
}
