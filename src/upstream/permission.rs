//! A person's visit to where they let the gateway use an upstream for them: who asks for it, and who waits.
//!
//! All calls of a unit share one visit, and one of them asks. Nothing here knows how.

use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;
use url::Url;
use zeroize::Zeroizing;

/// What an upstream has refused.
pub(crate) struct Refused {
    /// The token that it was sent.
    pub(crate) token: Option<Zeroizing<String>>,
    /// Its `WWW-Authenticate`.
    pub(crate) challenge: Option<String>,
    /// Whether another token may do.
    pub(crate) renewable: bool,
}

/// What a person is to visit.
pub(crate) struct Visit {
    /// No other visit has it.
    pub(crate) id: String,
    /// For this person alone; not to be logged.
    pub(crate) url: Url,
    stage: watch::Sender<Stage>,
}

/// How far a visit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nobody asks the person for it.
    Unasked,
    /// Somebody does, or the person is on their way.
    Asked,
    /// The gateway has its token.
    Granted,
    /// The person does not want to.
    Declined,
    /// Nothing has come of it.
    Failed,
}

/// The visit that a unit's calls wait for, if any.
#[derive(Default)]
pub(super) struct Permission {
    /// Held while one is begun.
    pub(super) turn: tokio::sync::Mutex<()>,
    visit: Mutex<Option<(Arc<Visit>, AbortOnDropHandle<()>)>>,
}

/// Whoever asks the person; dropped before that came to something, somebody else does.
pub(crate) struct Asking<'a>(Option<&'a Visit>);

impl Visit {
    pub(super) fn new(url: Url) -> Self {
        Self { id: uuid::Uuid::now_v7().to_string(), url, stage: watch::Sender::new(Stage::Unasked) }
    }

    /// Makes who calls this the one who asks, unless there is one.
    pub(crate) fn ask(&self) -> Option<Asking<'_>> {
        self.pass(Stage::Unasked, Stage::Asked).then(|| Asking(Some(self)))
    }

    /// Waits until nobody asks: either there is an outcome, or it is somebody else's turn to ask.
    pub(crate) async fn outcome(&self) -> Stage {
        let mut stage = self.stage.subscribe();
        // It can't be closed before it is dropped.
        stage.wait_for(|stage| *stage != Stage::Asked).await.map_or(Stage::Failed, |stage| *stage)
    }

    /// Ends it.
    pub(crate) fn over(&self, stage: Stage) {
        self.stage.send_if_modified(|now| {
            let open = matches!(now, Stage::Unasked | Stage::Asked);
            if open {
                *now = stage;
            }
            open
        });
    }

    /// Has somebody else ask.
    pub(crate) fn release(&self) {
        self.pass(Stage::Asked, Stage::Unasked);
    }

    fn is_open(&self) -> bool {
        matches!(*self.stage.borrow(), Stage::Unasked | Stage::Asked)
    }

    fn pass(&self, from: Stage, to: Stage) -> bool {
        self.stage.send_if_modified(|stage| {
            let is_it = *stage == from;
            if is_it {
                *stage = to;
            }
            is_it
        })
    }
}

impl Asking<'_> {
    /// The question is asked, and its answer comes another way.
    pub(crate) fn go_on(mut self) {
        self.0 = None;
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if let Some(visit) = self.0 {
            visit.release();
        }
    }
}

impl Permission {
    /// The visit that has no outcome yet.
    pub(super) fn open(&self) -> Option<Arc<Visit>> {
        self.visit.lock().as_ref().map(|(visit, _)| Arc::clone(visit)).filter(|visit| visit.is_open())
    }

    pub(super) fn is_open(&self) -> bool {
        self.open().is_some()
    }

    /// Puts a visit in place of the one before, with what sees to its end.
    pub(super) fn put(&self, visit: Arc<Visit>, watching: AbortOnDropHandle<()>) {
        let before = self.visit.lock().replace((visit, watching));
        drop(before);
    }
}

/// Its URL is for one person.
impl fmt::Debug for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visit").field("stage", &*self.stage.borrow()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit() -> Visit {
        Visit::new("https://auth.example/authorize?state=x".parse().expect("a URL"))
    }

    #[tokio::test]
    async fn one_asks_and_the_next_when_that_one_gives_up() {
        let visit = visit();
        assert_eq!(visit.outcome().await, Stage::Unasked);
        let asking = visit.ask().expect("nobody asks");
        assert!(visit.ask().is_none());
        drop(asking);
        assert_eq!(visit.outcome().await, Stage::Unasked);
        visit.ask().expect("nobody asks any more").go_on();
        assert!(visit.ask().is_none(), "the person is on their way");
        visit.release();
        assert!(visit.ask().is_some());
    }

    #[tokio::test]
    async fn there_is_one_outcome_and_no_question_after_it() {
        for outcome in [Stage::Granted, Stage::Declined, Stage::Failed] {
            let visit = visit();
            let asking = visit.ask().expect("nobody asks");
            visit.over(outcome);
            drop(asking);
            visit.over(Stage::Failed);
            assert_eq!(visit.outcome().await, outcome);
            assert!(visit.ask().is_none() && !visit.is_open());
        }
    }

    #[test]
    fn its_url_is_not_shown() {
        assert!(!format!("{:?}", visit()).contains("state"));
    }
}
