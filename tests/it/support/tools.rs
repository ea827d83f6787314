//! Tools that tests bring along: one that waits until it is let go, one that panics, one that talks.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use sessile::tenancy::Role;
use sessile::tools::{Access, Effect, Reply, Tool};
use std::sync::Arc;
use tokio::sync::Semaphore;

use super::soon;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Debug, Serialize, JsonSchema)]
struct Done {
    done: bool,
}

fn done() -> Reply<Done> {
    Reply::new(Done { done: true }, "Done.")
}

/// Where calls of the tool `test_wait` wait, and where a test learns what becomes of them.
pub(crate) struct Gate {
    entered: Semaphore,
    open: Semaphore,
    left: Semaphore,
}

/// Notes that a call is over, answered or dropped.
struct Leaving(Arc<Gate>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.left.add_permits(1);
    }
}

impl Gate {
    /// A closed gate, and the tool whose calls wait at it.
    pub(crate) fn new() -> (Arc<Self>, Tool) {
        let [entered, open, left] = std::array::from_fn(|_| Semaphore::new(0));
        let gate = Arc::new(Self { entered, open, left });
        let at_gate = Arc::clone(&gate);
        let tool = Tool::about_sessions("test_wait", Access::Anyone, Effect::Reads, move |_, _: Nothing| {
            let leaving = Leaving(Arc::clone(&at_gate));
            async move {
                leaving.0.entered.add_permits(1);
                leaving.0.open.acquire().await.expect("a gate is never closed for good").forget();
                Ok(done())
            }
        });
        (gate, tool)
    }

    /// Waits until one more call waits at the gate.
    pub(crate) async fn entered(&self) {
        soon("a call at the gate", self.entered.acquire()).await.expect("a gate is never closed for good").forget();
    }

    /// Lets one call go on.
    pub(crate) fn open(&self) {
        self.open.add_permits(1);
    }

    /// Waits until one more call is over, answered or dropped.
    pub(crate) async fn left(&self) {
        soon("the end of a call", self.left.acquire()).await.expect("a gate is never closed for good").forget();
    }
}

/// `test_panic`, which panics: while it runs, or while its arguments are read.
pub(crate) fn panics() -> Tool {
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct How {
        #[serde(default, rename = "while_reading", deserialize_with = "panic_if_true")]
        _while_reading: bool,
    }

    fn panic_if_true<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
        let panics = bool::deserialize(deserializer)?;
        assert!(!panics, "a panic that a test wants, while the arguments are read");
        Ok(panics)
    }

    Tool::about_sessions("test_panic", Access::Anyone, Effect::Reads, |_, _: How| async {
        if true {
            panic!("a panic that a test wants");
        }
        Ok(done())
    })
}

/// `test_report`, which says how far it is and logs a line of each level, `times` over.
pub(crate) fn reports() -> Tool {
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct HowOften {
        times: u64,
    }

    Tool::new("test_report", Role::Viewer, Effect::Reads, |caller, HowOften { times }| async move {
        for time in 1..=times {
            caller.reporter.progress(time, times, "on the way");
            caller.reporter.log("debug", &"a detail");
            caller.reporter.log("error", &"a trouble");
        }
        Ok(done())
    })
}
