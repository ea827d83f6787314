//! Real children, well-behaved and not.

mod bounds;
mod ends;
mod messages;

use super::*;
use crate::upstream::definition::{Definition, Reach};
use crate::upstream::recorder::Recorder;
use crate::upstream::template::Template;
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use zeroize::Zeroizing;

const DEADLINE: Duration = Duration::from_secs(30);

/// A link to a child, and what it said.
struct Child {
    link: Option<Box<dyn Link>>,
    inbox: Arc<Recorder>,
    tasks: TaskTracker,
}

impl Child {
    fn link(&self) -> &dyn Link {
        self.link.as_deref().expect("it was not dropped")
    }

    /// Drops the link, and waits until all that was started for it is gone.
    async fn close(&mut self) {
        self.link = None;
        self.gone().await;
    }

    async fn gone(&self) {
        self.tasks.close();
        timeout(DEADLINE, self.tasks.wait()).await.expect("the child is gone in time");
    }

    async fn call(&self, id: i64, tool: &str, arguments: serde_json::Value) -> String {
        crate::upstream::recorder::call(self.link(), id, tool, &arguments);
        self.inbox.text(id).await
    }
}

fn definition(command: &[&str]) -> Definition {
    let command = command.iter().map(|part| (*part).to_owned()).collect();
    let reach = Reach::Command { command, environment: BTreeMap::new(), directory: None };
    Definition { prefix: String::new(), ..Definition::new("nasty", reach) }
}

async fn open_as(definition: Definition, environment: &[(&str, &str)]) -> Result<Child, Failure> {
    let environment =
        environment.iter().map(|(name, text)| ((*name).to_owned(), Zeroizing::new((*text).to_owned()))).collect();
    let outward = Outward::fixed(definition, http::HeaderMap::new(), environment);
    let (inbox, tasks) = (Recorder::new(), TaskTracker::new());
    let link = open(outward, Arc::clone(&inbox) as Arc<dyn Inbox>, &tasks).await?;
    Ok(Child { link: Some(link), inbox, tasks })
}

async fn start(command: &[&str]) -> Child {
    open_as(definition(command), &[]).await.expect("it starts")
}

/// A program in Python.
async fn python(code: &str) -> Child {
    start(&["python3", "-c", code]).await
}

const NASTY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/children/nasty.py");

async fn nasty(options: &[&str]) -> Child {
    start(&[&["python3", NASTY], options].concat()).await
}

/// Waits until a process is gone, or nothing more than a zombie that somebody else has to wait for.
async fn no_process(pid: &str) {
    let is_there = || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
    };
    let gone = async {
        while is_there() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DEADLINE, gone).await.expect("the process is gone in time");
}
