//! Sessions that outlive their connections: what section 13 of the binding promises.

mod bounds;
mod counting;
mod credentials;
mod cuts;
mod going_on;
mod revoked;
mod speaking;

use crate::support::{TestServer, until};
use counting::Counting;
use serde_json::Value;
use sessile::store::Write;

/// Cuts a client off, and waits until its session waits.
async fn cut_off(server: &TestServer, client: &mut Counting) {
    let (_, before) = server.manager().resumable();
    client.cut().await;
    until("the session waits", || server.manager().resumable().1 == before + 1).await;
}

/// Cuts a client off whose session does not wait, and waits until it is gone.
async fn cut_for_good(server: &TestServer, client: &mut Counting) {
    let (before, _) = server.manager().resumable();
    client.cut().await;
    until("the session is gone", || server.manager().resumable().0 < before).await;
}

/// Runs a statement on the database.
async fn run(server: &TestServer, sql: &'static str) {
    server.store().write(Write::new().run(sql, Vec::new())).await.expect("the statement runs");
}

/// How many credentials are stored.
async fn stored(server: &TestServer) -> i64 {
    let row = server.store().get("SELECT count(*) FROM resume", Vec::new()).await.expect("it can be read");
    row.expect("a count").int().expect("a number")
}

/// Action and detail of the entries of the audit log about resuming, oldest first.
async fn audit(server: &TestServer) -> Vec<(String, String)> {
    let sql = "SELECT action, detail FROM audit WHERE action LIKE 'auth.re%' ORDER BY id";
    let rows = server.store().list(sql, Vec::new()).await.expect("it can be read");
    let text = |mut row: sessile::store::Row| (row.text().expect("a text"), row.text().expect("a text"));
    rows.into_iter().map(text).collect()
}

fn outcome(told: &Value) -> &str {
    told["outcome"].as_str().expect("an outcome")
}
