//! What was acknowledged is durable: `kill -9` in the midst of writes loses none of it.

use crate::support::{Client, Process, until};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

const ROUNDS: usize = 10;
const CLIENTS: usize = 8;
/// Calls of one client that are in flight at once.
const PIPELINED: usize = 8;

#[tokio::test]
async fn no_acknowledged_write_is_lost_when_the_process_is_killed() {
    let directory = tempfile::tempdir().expect("there is room for a database");
    let mut acknowledged = Vec::new();
    drop(Process::start(directory.path()).connect().await.sign_up("ann").await);
    for round in 0..ROUNDS {
        let server = Process::start(directory.path());
        let so_far = Arc::new(Mutex::new(Vec::new()));
        let mut writers = Vec::new();
        for _ in 0..CLIENTS {
            let mut client = server.connect().await;
            client.sign_in("ann").await;
            writers.push(tokio::spawn(write(client, Arc::clone(&so_far))));
        }
        // Now at this point of the work, now at that.
        let enough = 20 + round * 37;
        until("some writes", || so_far.lock().expect("nobody panics").len() >= enough).await;
        drop(server);
        for writer in writers {
            writer.await.expect("it does not panic");
        }
        acknowledged.append(&mut so_far.lock().expect("nobody panics"));
        check(&directory.path().join("sessile.db"), &acknowledged);
    }
    let server = Process::start(directory.path());
    let mut client = server.connect().await;
    client.sign_in("ann").await;
    let last = acknowledged.last().expect("there were some");
    let found = client.tool("crm_contact_get", json!({ "id": last })).await;
    assert_eq!(&found["id"], last);
}

/// Creates contacts until the connection is lost, and keeps the ids of those that were acknowledged.
async fn write(mut client: Client, acknowledged: Arc<Mutex<Vec<Value>>>) {
    let contact = json!({ "name": "Somebody", "email": "somebody@example.com", "notes": "Met at sea." });
    let call = json!({ "name": "crm_contact_create", "arguments": contact });
    for _ in 0..PIPELINED {
        client.send_or_lost("tools/call", call.clone()).await;
    }
    while let Some(answer) = client.next_or_lost().await {
        let id = answer["result"]["structuredContent"]["id"].clone();
        assert!(id.is_string(), "it is the answer to a call: {answer}");
        acknowledged.lock().expect("nobody panics").push(id);
        client.send_or_lost("tools/call", call.clone()).await;
    }
}

/// Looks into the database, which nobody else has open now.
fn check(path: &Path, acknowledged: &[Value]) {
    let database = Connection::open(path).expect("the database opens");
    let text = |sql: &str| database.query_row(sql, [], |row| row.get::<_, String>(0)).expect(sql);
    let count = |sql: &str| database.query_row(sql, [], |row| row.get::<_, i64>(0)).expect(sql);
    assert_eq!(text("PRAGMA integrity_check"), "ok");
    assert_eq!(count("SELECT COUNT(*) FROM pragma_foreign_key_check"), 0);
    let ids = |table: &str| {
        let mut statement = database.prepare(&format!("SELECT id FROM {table}")).expect("the table is there");
        let rows = statement.query_map([], |row| row.get(0)).expect("it can be read");
        rows.collect::<Result<HashSet<String>, _>>().expect("ids are text")
    };
    let there = ids("contact");
    for id in acknowledged.iter().filter_map(Value::as_str) {
        assert!(there.contains(id), "{id} was acknowledged and is lost");
    }
    // A contact and its words in the index were one write, whole or not at all.
    assert_eq!(there, ids("search"));
}
