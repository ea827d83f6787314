//! What a client was asked and has not answered yet.
//!
//! Only the legacy era has requests from a server to its client. An answer comes like any message, and finds the call
//! that waits for it here.

use super::Session;
use crate::wire::RequestId;
use std::sync::Arc;
use tokio::sync::oneshot;

/// What a client answered: a result or an error, as JSON.
pub type ClientAnswer = Result<String, String>;

/// The questions to one client that wait.
#[derive(Debug, Default)]
pub(super) struct Questions {
    last_id: i64,
    waiting: Vec<(i64, oneshot::Sender<ClientAnswer>)>,
}

/// A question that waits for its answer; dropped, it waits no longer.
#[derive(Debug)]
pub struct OpenQuestion {
    session: Arc<Session>,
    id: i64,
    answer: oneshot::Receiver<ClientAnswer>,
}

impl Session {
    /// Notes that the client is being asked something; none when as many questions wait already as may.
    #[must_use]
    pub fn question(self: &Arc<Self>, most: usize) -> Option<OpenQuestion> {
        let mut questions = self.questions.lock();
        let questions = questions.get_or_insert_default();
        if questions.waiting.len() >= most {
            return None;
        }
        questions.last_id += 1;
        let (sender, answer) = oneshot::channel();
        questions.waiting.push((questions.last_id, sender));
        Some(OpenQuestion { session: Arc::clone(self), id: questions.last_id, answer })
    }

    /// Whether a question with this id waits.
    #[must_use]
    pub fn awaits(&self, id: &RequestId) -> bool {
        let questions = self.questions.lock();
        questions.as_ref().is_some_and(|all| all.waiting.iter().any(|(one, _)| id.as_number() == Some(*one)))
    }

    /// Hands an answer to the call that waits for it. One that nobody waits for is dropped.
    pub fn answered(&self, id: &RequestId, answer: ClientAnswer) {
        if let Some(sender) = id.as_number().and_then(|id| self.take_question(id)) {
            // The call may have ended meanwhile.
            let _ = sender.send(answer);
        }
    }

    fn take_question(&self, id: i64) -> Option<oneshot::Sender<ClientAnswer>> {
        let mut questions = self.questions.lock();
        let waiting = &mut questions.as_mut()?.waiting;
        let position = waiting.iter().position(|(one, _)| *one == id)?;
        Some(waiting.swap_remove(position).1)
    }
}

impl OpenQuestion {
    /// The id of the request that asks it.
    #[must_use]
    pub fn id(&self) -> i64 {
        self.id
    }

    /// Gives it up; false when it was answered already.
    #[must_use]
    pub fn withdraw(&self) -> bool {
        self.session.take_question(self.id).is_some()
    }

    /// Waits for the answer.
    pub async fn answer(&mut self) -> Option<ClientAnswer> {
        (&mut self.answer).await.ok()
    }
}

impl Drop for OpenQuestion {
    fn drop(&mut self) {
        let _ = self.withdraw();
    }
}
