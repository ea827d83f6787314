//! One call of a tool: what is asked and told while it runs, and how it ends.

use super::failure::{Failure, Kind};
use super::terminal::{Style, clean, cut, err, width};
use super::{questions, terminal};
use crate::client::{CallError, Event, Gateway, ToolResult, call_params};
use serde_json::Value;
use std::future::poll_fn;
use std::io::{IsTerminal as _, Write as _, stderr};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio::sync::mpsc::Receiver;

/// The longest wait there is.
const FOREVER: Duration = Duration::from_secs(60 * 60 * 24 * 365);

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Ended {
    /// The request came to nothing.
    Call(CallError),
    /// Ctrl-C took it back.
    Interrupted,
}

impl From<Ended> for Failure {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Call(error) => Self::call(&error),
            Ended::Interrupted => Self::new(Kind::Interrupted, "cancelled"),
        }
    }
}

/// Calls a tool and attends to the call.
pub(super) async fn call(
    gateway: &Mutex<Gateway>,
    events: &mut Receiver<Event>,
    tool: &str,
    arguments: &str,
    within: Option<Duration>,
) -> Result<ToolResult, Ended> {
    attend(gateway, events, "tools/call", &call_params(tool, arguments), within).await.map(ToolResult::read)
}

/// Sends a request and attends to it: shows its progress, answers its questions, and takes it back on Ctrl-C or when the time is over,
/// which does not pass while somebody answers.
pub(super) async fn attend(
    gateway: &Mutex<Gateway>,
    events: &mut Receiver<Event>,
    method: &str,
    params: &str,
    within: Option<Duration>,
) -> Result<String, Ended> {
    // Heard from before the request is sent, or Ctrl-C could end the process instead.
    let mut interrupted = pin!(tokio::signal::ctrl_c());
    if poll_fn(|cx| Poll::Ready(interrupted.as_mut().poll(cx).is_ready())).await {
        return Err(Ended::Interrupted);
    }
    let mut reply = gateway.lock().await.caller.send(method, params).await;
    let within = within.unwrap_or(FOREVER);
    let mut left = within;
    let mut progress = Progress::default();
    let mut listening = true;
    let result = loop {
        let began = Instant::now();
        tokio::select! {
            biased;
            event = events.recv(), if listening => match event {
                Some(Event::Request { id, method, params }) => {
                    progress.clear();
                    let spent = began.elapsed();
                    let answer = questions::answer(&method, &params);
                    gateway.lock().await.caller.respond(&id, &answer).await;
                    left = left.saturating_sub(spent);
                    continue;
                }
                Some(Event::Notification { method, params }) => progress.take(&method, &params),
                // The reply says so, too.
                Some(Event::Closed(_)) => {}
                None => listening = false,
            },
            answer = reply.wait(left) => match answer {
                Err(CallError::TimedOut(_)) => {
                    gateway.lock().await.caller.cancel(&reply).await;
                    break Err(Ended::Call(CallError::TimedOut(within)));
                }
                answer => break answer.map_err(Ended::Call),
            },
            _ = &mut interrupted => {
                gateway.lock().await.caller.cancel(&reply).await;
                break Err(Ended::Interrupted);
            }
        }
        left = left.saturating_sub(began.elapsed());
    };
    progress.clear();
    result
}

/// What a call tells of itself, in one line of the terminal.
#[derive(Debug, Default)]
struct Progress {
    shown: bool,
}

impl Progress {
    fn take(&mut self, method: &str, params: &str) {
        let params: Value = serde_json::from_str(params).unwrap_or_default();
        match method {
            "notifications/progress" => self.show(&params),
            "notifications/message" => {
                self.clear();
                err(&message(&params));
            }
            _ => {}
        }
    }

    fn show(&mut self, params: &Value) {
        let mut error = stderr();
        if !error.is_terminal() {
            return;
        }
        let said = params["message"].as_str().unwrap_or_default();
        let done = params["progress"].as_f64().unwrap_or_default();
        let share = params["total"].as_f64().filter(|total| *total > 0.0).map(|total| (done / total).clamp(0.0, 1.0));
        let line = match share {
            Some(share) => {
                // Between 0 and 20, by what goes before.
                let full = (share * 20.0).round() as usize;
                format!("[{}{}] {:3.0} %  {}", "#".repeat(full), "-".repeat(20 - full), share * 100.0, clean(said))
            }
            None => format!("… {done}  {}", clean(said)),
        };
        let line = cut(&line, width().saturating_sub(1)).into_owned();
        let _ = write!(error, "\r\u{1b}[K{}", Style::of(&error).faint(line)).and_then(|()| error.flush());
        self.shown = true;
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            let mut error = stderr();
            let _ = write!(error, "\r\u{1b}[K").and_then(|()| error.flush());
        }
    }
}

/// A log line of the gateway.
pub(super) fn message(params: &Value) -> String {
    let level = params["level"].as_str().unwrap_or("info");
    let data = params["data"].as_str().map_or_else(|| params["data"].to_string(), str::to_owned);
    format!("{}: {}", clean(level), terminal::clean(&data))
}
