//! How a running call asks its client for something.
//!
//! A legacy client gets a request on the call's channel, and the call waits for the answer. A modern one gets the
//! questions as the call's result, and makes its request again with the answers: then the call runs once more, from
//! its beginning, and finds an answer where it asked.

use super::question::Question;
use crate::error::{Error, Result};
use crate::session::{Channel, SessionLimits, Unasked};
use crate::wire::{Capabilities, Capability};
use futures_util::future::{pending, try_join_all};
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Context;

/// Answers by the keys of their questions.
pub(crate) type Answers = BTreeMap<String, Value>;

/// Asks the client of one call.
#[derive(Debug, Clone)]
pub struct Asker(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    capabilities: Capabilities,
    way: Way,
}

#[derive(Debug)]
enum Way {
    /// Requests on the call's channel.
    Requests { channel: Channel, limits: SessionLimits },
    /// Rounds of the same request.
    Rounds { round: Mutex<Round>, asked: AtomicWaker },
}

/// What one round begins with, and what it ends with.
#[derive(Debug, Default)]
pub(crate) struct Round {
    /// What was answered in this round and has not been looked at.
    fresh: Answers,
    /// What earlier rounds were answered, and what of this one's was of use.
    known: Answers,
    /// What the call has kept for itself.
    kept: Option<String>,
    /// What the client is to be asked.
    open: BTreeMap<String, Value>,
}

impl Asker {
    /// Asks a legacy client.
    pub(crate) fn by_requests(channel: &Channel, limits: &SessionLimits) -> Self {
        // Nobody can be asked who does not hear the question.
        let capabilities = if channel.is_heard() { channel.session().capabilities() } else { Capabilities::default() };
        let way = Way::Requests { channel: channel.clone(), limits: limits.clone() };
        Self(Arc::new(Inner { capabilities, way }))
    }

    /// Asks a modern client.
    pub(crate) fn in_rounds(capabilities: Capabilities, round: Round) -> Self {
        let way = Way::Rounds { round: Mutex::new(round), asked: AtomicWaker::new() };
        Self(Arc::new(Inner { capabilities, way }))
    }

    /// Whether the client can be asked for this.
    #[must_use]
    pub fn can(&self, capability: Capability) -> bool {
        self.0.capabilities.has(capability)
    }

    /// Asks the client, and gives the result that it answered with.
    ///
    /// The key names the question within the call. In the modern era the call ends here and begins anew when the
    /// answer is there: what must not be done twice comes after the last question.
    ///
    /// # Errors
    /// [`Error::MissingClientCapability`] when the client can't be asked for this; [`Error::Unanswered`] when a legacy
    /// client refuses, or takes too long; [`Error::Limit`] when it is asked too much at once.
    pub async fn ask(&self, key: &str, question: Question) -> Result<Value> {
        let needs = question.needs();
        if !self.can(needs) {
            return Err(needs.missing());
        }
        match &self.0.way {
            Way::Requests { channel, limits } => by_request(channel, limits, &question).await,
            Way::Rounds { round, asked } => {
                if let Some(answer) = round.lock().answer(key, &question) {
                    return Ok(answer);
                }
                asked.wake();
                // Whoever runs the call sees the question, ends it and tells the client.
                pending().await
            }
        }
    }

    /// Asks several questions at once, and gives the answers in their order.
    ///
    /// # Errors
    /// As [`Asker::ask`]; the first that fails stands for all.
    pub async fn ask_all<K: AsRef<str>>(
        &self,
        questions: impl IntoIterator<Item = (K, Question)>,
    ) -> Result<Vec<Value>> {
        let questions: Vec<_> = questions.into_iter().collect();
        try_join_all(questions.iter().map(|(key, question)| self.ask(key.as_ref(), question.clone()))).await
    }

    /// Keeps a text for the next round, in the modern era: it comes back with the client's answers, unchanged. The
    /// client can read it.
    pub fn keep(&self, text: impl Into<String>) {
        if let Way::Rounds { round, .. } = &self.0.way {
            round.lock().kept = Some(text.into());
        }
    }

    /// What the round before kept.
    #[must_use]
    pub fn kept(&self) -> Option<String> {
        match &self.0.way {
            Way::Rounds { round, .. } => round.lock().kept.clone(),
            Way::Requests { .. } => None,
        }
    }

    /// Has the task of this context woken by the next question.
    pub(crate) fn watch(&self, cx: &Context<'_>) {
        if let Way::Rounds { asked, .. } = &self.0.way {
            asked.register(cx.waker());
        }
    }

    /// What the client is to be asked, as `inputRequests`, what it has answered so far, and what the call keeps;
    /// none while the call has asked nothing that is not answered.
    pub(crate) fn take_round(&self) -> Option<(String, Answers, Option<String>)> {
        let Way::Rounds { round, .. } = &self.0.way else { return None };
        let mut round = round.lock();
        if round.open.is_empty() {
            return None;
        }
        let requests = Value::from_iter(std::mem::take(&mut round.open)).to_string();
        Some((requests, std::mem::take(&mut round.known), round.kept.take()))
    }
}

impl Round {
    /// A round with these answers: to what was asked last, and to what was before.
    pub(crate) fn new(fresh: Answers, known: Answers, kept: Option<String>) -> Self {
        Self { fresh, known, kept, open: BTreeMap::new() }
    }

    /// The answer to a question, or the note that it is to be asked. What can't be an answer is none.
    fn answer(&mut self, key: &str, question: &Question) -> Option<Value> {
        if let Some(answer) = self.known.get(key) {
            return Some(answer.clone());
        }
        match self.fresh.remove(key).filter(|answer| question.is_answered_by(answer)) {
            Some(answer) => {
                self.known.insert(key.to_owned(), answer.clone());
                Some(answer)
            }
            None => {
                self.open.insert(key.to_owned(), question.as_input_request());
                None
            }
        }
    }
}

async fn by_request(channel: &Channel, limits: &SessionLimits, question: &Question) -> Result<Value> {
    let method = question.method();
    let answer = channel.ask(limits, method, &question.params()).await.map_err(|why| match why {
        Unasked::TooMany => Error::Limit(format!(
            "The client has {} requests of the server's to answer already, which is the limit. Try again when it has.",
            limits.max_questions
        )),
        Unasked::TimedOut => {
            let seconds = limits.answer_timeout.as_secs();
            Error::Unanswered(format!("The client did not answer {method} within {seconds} seconds."))
        }
    })?;
    match answer {
        Ok(result) => {
            let result = serde_json::from_str(&result).unwrap_or_default();
            if question.is_answered_by(&result) {
                return Ok(result);
            }
            Err(Error::Unanswered(format!("What the client answered to {method} is no result of it.")))
        }
        Err(error) => {
            #[derive(Deserialize)]
            struct Refusal {
                #[serde(default)]
                message: String,
            }
            let message = serde_json::from_str::<Refusal>(&error).map(|refusal| refusal.message).unwrap_or_default();
            Err(Error::Unanswered(format!("The client refused {method}: {message}")))
        }
    }
}
