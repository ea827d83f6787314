//! What all tests share: the server, a client that checks each message it gets, and people who
//! have signed up.

pub(crate) mod admin;
mod client;
pub(crate) mod http;
mod http_client;
mod http_link;
pub(crate) mod issuer;
mod ledger;
mod link;
mod process;
mod schema;
mod server;
mod tool_schemas;
mod tools;
mod ways;

pub(crate) use client::{Client, Refusal, email};
pub(crate) use http_client::HttpClient;
pub(crate) use process::Process;
pub(crate) use server::{MASTER_KEY, TestServer, master_key, options};
pub(crate) use tool_schemas::tool_list;
pub(crate) use tools::{Gate, panics, reports};
pub(crate) use ways::{Credential, Transport, Way};

use std::time::Duration;

/// How long anything may take before a test calls it stuck. No test waits for it when all is well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The password of everybody who signs up.
pub(crate) const PASSWORD: &str = "a long enough one";

/// Waits for what has to come, and fails the test when it does not.
pub(crate) async fn soon<T>(what: &str, event: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, event).await {
        Ok(value) => value,
        Err(_) => panic!("waited {PATIENCE:?} in vain for {what}"),
    }
}

/// Waits until something holds that nobody announces.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    soon(what, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}
