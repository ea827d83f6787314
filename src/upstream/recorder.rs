//! An inbox for tests, which keeps what comes and lets a test wait for it.

use super::failure::Failure;
use super::link::{Inbox, Link, Outgoing, Purpose};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;

/// How long a test waits for anything.
const DEADLINE: Duration = Duration::from_secs(30);

/// What came.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Came {
    Message(String),
    Failed(i64, Failure),
    Ended(Failure),
}

/// Keeps what comes.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    came: Mutex<Vec<Came>>,
    news: Notify,
}

impl Recorder {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    fn add(&self, came: Came) {
        self.came.lock().push(came);
        self.news.notify_waiters();
    }

    /// All that came until now.
    pub(super) fn came(&self) -> Vec<Came> {
        self.came.lock().clone()
    }

    /// Waits until something is found in what came.
    pub(super) async fn until<T>(&self, mut find: impl FnMut(&[Came]) -> Option<T>) -> T {
        let found = timeout(DEADLINE, async {
            loop {
                let news = self.news.notified();
                tokio::pin!(news);
                news.as_mut().enable();
                if let Some(found) = find(&self.came.lock()) {
                    return found;
                }
                news.await;
            }
        });
        match found.await {
            Ok(found) => found,
            Err(_) => {
                let mut came = format!("{:?}", self.came.lock());
                came.truncate(2000);
                panic!("it did not come in time. This did: {came}");
            }
        }
    }

    /// Waits for the answer to a request, or for why there is none.
    pub(super) async fn answer(&self, id: i64) -> Result<Value, Failure> {
        self.until(|came| {
            came.iter().find_map(|came| match came {
                Came::Message(text) => {
                    let message: Value = serde_json::from_str(text).ok()?;
                    (message["id"] == id && message.get("method").is_none()).then(|| Ok(message["result"].clone()))
                }
                Came::Failed(of, failure) => (*of == id).then(|| Err(failure.clone())),
                Came::Ended(failure) => Some(Err(failure.clone())),
            })
        })
        .await
    }

    /// Waits for the text of a tool's answer.
    pub(super) async fn text(&self, id: i64) -> String {
        let answer = self.answer(id).await.expect("it is answered");
        answer["content"][0]["text"].as_str().expect("it has a text").to_owned()
    }

    /// Waits for the end.
    pub(super) async fn ended(&self) -> Failure {
        self.until(|came| {
            came.iter().find_map(|came| match came {
                Came::Ended(failure) => Some(failure.clone()),
                _ => None,
            })
        })
        .await
    }
}

impl Inbox for Recorder {
    fn message(&self, text: &str, _of: Option<i64>) {
        self.add(Came::Message(text.to_owned()));
    }

    fn failed(&self, id: i64, failure: Failure) {
        self.add(Came::Failed(id, failure));
    }

    fn ended(&self, failure: Failure) {
        self.add(Came::Ended(failure));
    }
}

/// Sends a request as it is written.
pub(super) fn request(link: &dyn Link, id: i64, text: &str) {
    let purpose = Purpose::Request { id, method: "tools/call".into(), name: None, repeated: Vec::new() };
    link.send(Outgoing { text: text.into(), purpose });
}

/// Calls a tool.
pub(super) fn call(link: &dyn Link, id: i64, tool: &str, arguments: &Value) {
    let params = json!({"name": tool, "arguments": arguments});
    request(link, id, &json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}).to_string());
}
