//! The stream that answers a request, to its end or to where it breaks off; and how it goes on then.

use super::answer::is_answer;
use super::events::Events;
use super::exchange::{Exchange, Kind, kind};
use super::state::Key;
use crate::upstream::Failure;
use crate::upstream::outbound::chain;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// How long a stream may go on after the answer. Read to its end, its connection can be used again.
const AFTER_ANSWER: Duration = Duration::from_secs(2);
/// How often in a row it may fail to ask how a stream goes on.
const ATTEMPTS: u32 = 5;
/// How long to wait before a stream is asked for again, where the upstream does not say.
const WAIT: Duration = Duration::from_secs(1);
const LEAST_WAIT: Duration = Duration::from_millis(50);
const MOST_WAIT: Duration = Duration::from_secs(60);

/// How a stream ended.
pub(super) enum End {
    /// After the answer.
    Answered,
    /// Before it, and why.
    Cut(String),
}

impl Exchange {
    /// Passes on what comes until the answer has come. A stream with ids that breaks off goes on elsewhere.
    pub(super) async fn follow(&self, id: i64, mut body: Incoming) -> Result<(), Failure> {
        let mut events = Events::new(self.limit);
        loop {
            let why = match self.drain(body, &mut events, Some(id)).await? {
                End::Answered => return Ok(()),
                End::Cut(why) => why,
            };
            if events.last().is_none() || self.state.lock().is_modern() {
                return Err(Failure::Ended(why));
            }
            body = self.resume(&mut events, why).await?;
        }
    }

    /// Passes on the events of a stream.
    pub(super) async fn drain(&self, mut body: Incoming, events: &mut Events, of: Option<i64>) -> Result<End, Failure> {
        events.restart();
        let mut answered = None;
        loop {
            let frame = match answered {
                None => body.frame().await,
                Some(at) => timeout_at(at + AFTER_ANSWER, body.frame()).await.unwrap_or_default(),
            };
            let why = match frame {
                Some(Ok(frame)) => {
                    let Ok(piece) = frame.into_data() else { continue };
                    let read = events.feed(&piece, |text| {
                        if answered.is_none() && of.is_some_and(|id| is_answer(text, id)) {
                            answered = Some(Instant::now());
                            self.settle(of);
                        }
                        self.inbox.message(text, of);
                    });
                    match read {
                        Err(failure) if answered.is_none() => return Err(failure),
                        Err(_) => return Ok(End::Answered),
                        Ok(()) => continue,
                    }
                }
                Some(Err(error)) => chain(&error),
                None => "its stream ended".to_owned(),
            };
            return Ok(if answered.is_some() { End::Answered } else { End::Cut(why) });
        }
    }

    /// How a stream goes on that was cut.
    async fn resume(&self, events: &mut Events, why: String) -> Result<Incoming, Failure> {
        for attempt in 0..ATTEMPTS {
            sleep(wait(events, attempt)).await;
            match self.get(events.last()).await {
                Ok(response) if response.status().is_success() && kind(&response) == Kind::Events => {
                    return Ok(response.into_body());
                }
                Ok(response) => {
                    let again = response.status().is_server_error();
                    // The request was begun, so it is not as if nothing had happened.
                    if self.is_forgotten(response).await {
                        return Err(self.forgotten(Failure::Ended(why)));
                    }
                    if !again {
                        return Err(Failure::Ended(why));
                    }
                }
                Err(_) => {}
            }
        }
        Err(Failure::Ended(why))
    }

    /// A request has its answer.
    fn settle(&self, id: Option<i64>) {
        let state = &mut *self.state.lock();
        if let Some(running) = id.and_then(|id| state.running.get_mut(&Key::Request(id))) {
            running.answered = true;
        }
    }
}

/// How long to wait before a stream is asked for again.
pub(super) fn wait(events: &Events, failures: u32) -> Duration {
    let first = events.retry().unwrap_or(WAIT).max(LEAST_WAIT);
    let longer = WAIT.saturating_mul(1 << failures.min(10)).min(MOST_WAIT);
    if failures == 0 { first } else { first.max(longer) }
}
